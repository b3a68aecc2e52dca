"""What partners ask under an agreement, over HTTP: `/share/v1`."""
