"""Mocks in Python files and notebooks, found without executing anything."""
