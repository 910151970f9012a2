"""A live page in a browser -> shots that can be trusted."""
