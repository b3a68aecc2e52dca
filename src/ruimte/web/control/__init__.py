"""The control room's page: what it shows, and what a person does there."""
