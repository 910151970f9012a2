"""`python -m widgetshot`."""

from widgetshot.cli import main

main()
