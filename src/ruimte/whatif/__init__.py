"""What would happen if: people walk between the lab's zones, with a measure and without."""
