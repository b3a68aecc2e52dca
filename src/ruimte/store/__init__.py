"""What is known, kept: observations, states, forecasts, warnings, logbook. Append-only, one writer, crash-safe."""
