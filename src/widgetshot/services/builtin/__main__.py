"""`python -m widgetshot.services.builtin [NAME ...]`: installs what the built-in services need."""

import sys

from widgetshot.errors import WidgetshotError
from widgetshot.services import builtin


def main(names: list[str]) -> int:
    try:
        builtin.install_missing(names or builtin.NAMES)
        for name in names or builtin.NAMES:
            print(f"{name}: {', '.join(need.name for need in builtin.load(name).requirements)}: installed")
    except WidgetshotError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
