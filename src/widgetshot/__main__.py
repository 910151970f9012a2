"""`python -m widgetshot`."""

from widgetshot.cli.main import main

main()
