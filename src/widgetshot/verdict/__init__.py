"""Two pictures -> what differs, and what that means. No I/O."""
