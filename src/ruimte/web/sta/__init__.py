"""The SensorThings API 1.1 over HTTP (OGC 18-088): addresses to answers, batches, result formats, and who may ask."""
