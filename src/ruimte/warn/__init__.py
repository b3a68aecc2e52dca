"""From forecasts to few warnings: what may happen where, and when to say so."""
