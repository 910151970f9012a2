"""An .ipynb file -> targets, without executing anything."""
