"""Keys: make a pair, sign a message, check who signed it and that it was not sent before."""
