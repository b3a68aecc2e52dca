"""The API's version, by Semantic Versioning: its major part stands in the address."""

VERSION = "1.0.0"
