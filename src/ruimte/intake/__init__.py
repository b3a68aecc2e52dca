"""What comes in: publishers' files and live feeds, turned into observations that passed the gatekeeper."""
