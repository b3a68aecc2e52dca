"""A lab is a folder of text files: read it, check it, compile it to arrays, make a new one."""
