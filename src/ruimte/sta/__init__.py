"""The SensorThings API as a language: its entities, its addresses, its queries. No storage and no network."""
