"""What anonymous tracks tell of a crowd: density, speed, flow, level of service; arrays in, arrays out; no I/O, no clock."""
