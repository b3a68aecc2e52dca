"""The shared words as types. Nothing here reads, writes or knows the time."""
