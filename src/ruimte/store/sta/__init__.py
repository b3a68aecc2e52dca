"""SensorThings over the store: its entities read and written."""
