"""What of a run need not be run."""
