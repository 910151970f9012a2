"""Rules of what counts as a replacement, a module for each kind. A rule reads a node and notes its findings."""
