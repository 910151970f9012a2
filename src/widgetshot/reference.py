"""Tables of options in docs/reference, made from their declarations: `python -m widgetshot.reference FOLDER`.

A table stands between two comments, `<!-- options: NAME -->` and `<!-- end of options -->`; the rest of a page is
written by hand.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from widgetshot.declare.options import NOTEBOOK, SHOT
from widgetshot.option import Option
from widgetshot.project.options import PYTEST, RUN
from widgetshot.project.settings import PROJECT

PAGES = ("notebook-options.md", "configuration.md", "command-line.md")
_PART = re.compile(r"(?<=<!-- options: )(?P<name>[a-z ]+) -->\n.*?(?=<!-- end of options -->)", re.DOTALL)
# A key of an inline table of YAML, in code; NAME of `services.NAME` is none.
_KEY = re.compile(r"(?<=[{ ])(\w+): (?=[^`]*})")


def page_texts(folder: Path) -> dict[str, str]:
    """Return each page of the reference that has tables of options, with the tables as they are to be.

    Raises:
        KeyError: a page names a table that there is not.
    """
    tables = _tables()
    pages = {name: (folder / name).read_text(encoding="utf-8") for name in PAGES}
    return {
        name: _PART.sub(lambda part: f"{part['name']} -->\n{tables[part['name']]}\n", text)
        for name, text in pages.items()
    }


def main(folder: str) -> None:
    """Write the tables into the pages of a folder."""
    for name, text in page_texts(Path(folder)).items():
        Path(folder, name).write_text(text, encoding="utf-8")


def _tables() -> dict[str, str]:
    shared = [option for option in SHOT.values() if option.notebook]
    return {
        "of a shot or a notebook": _yaml_table(shared),
        "of a shot": _yaml_table(option for option in SHOT.values() if not option.notebook),
        "of a notebook": _yaml_table(option for option in NOTEBOOK.values() if not option.shot),
        "of a project": _toml_table(option for option in PROJECT.values() if not option.notebook),
        "of a project for its notebooks": _toml_table(option for option in PROJECT.values() if option.notebook),
        "of widgetshot run": _flag_table((option.run, option) for option in RUN.values()),
        "of pytest": _flag_table((option.pytest, option) for option in PYTEST.values()),
    }


def _yaml_table(options: Iterable[Option]) -> str:
    return _table(
        ("option", "value", "meaning", "default"),
        ((f"`{option.name}`", option.takes, _meaning(option), _notebook_default(option)) for option in options),
    )


def _toml_table(options: Iterable[Option]) -> str:
    return _table(
        ("option", "value", "meaning", "default"),
        (
            (f"`{option.name}`", _KEY.sub(r"\1 = ", option.takes), _meaning(option), _default(option, _toml))
            for option in options
        ),
    )


def _flag_table(flags: Iterable[tuple[str, Option]]) -> str:
    return _table(
        ("flag", "meaning"), ((f"`{_usage(flag, option)}`", _meaning(option, option.help)) for flag, option in flags)
    )


def _usage(flag: str, option: Option) -> str:
    if option.flag_type is bool:
        return flag
    # A bar would end the cell of the table.
    value = option.metavar or "\\|".join(option.flag_choices)
    return f"{flag}[={value}]" if option.bare else f"{flag} {value}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def _meaning(option: Option, text: str = "") -> str:
    text = text or option.meaning
    return f"{text}. {option.more}" if option.more else text


def _default(option: Option, written: Any) -> str:
    if option.otherwise:
        return option.otherwise
    return "none" if option.default in (None, []) else f"`{written(option.default)}`"


def _notebook_default(option: Option) -> str:
    default = _default(option, _yaml)
    return f"the project's, else {default}" if option.project else default


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _toml(value: Any) -> str:
    return json.dumps(value)


if __name__ == "__main__":
    main(sys.argv[1])
