"""The link to an MQTT broker, and the topics that SensorThings has there. What is done with a message is for the jobs."""
