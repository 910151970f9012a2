"""Environment variables that a project keeps in a file, for kernels that need more than the shell gives them."""

import io
import os
from pathlib import Path

from widgetshot.errors import ConfigError

ENV_FILE = ".env.test"


def read_env_file(root: Path) -> dict[str, str]:
    """Return the variables of `.env.test` that the real environment lacks; {} where there is no such file.

    Nothing is set in this process. `${NAME}` in a value stands for another variable, as python-dotenv has it.

    Args:
        root: the project's folder.

    Raises:
        ConfigError: the file can't be read, or a line of it is no `NAME=value`.
    """
    file = root / ENV_FILE
    if not file.is_file():
        return {}
    # Only where there is such a file: collecting notebooks is to load little.
    from dotenv.main import DotEnv
    from dotenv.parser import parse_stream

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", where=str(file), next_step=f"check the file {file}") from error
    for binding in parse_stream(io.StringIO(text)):
        if not binding.error and (binding.key is None or binding.value is not None):
            continue
        # What is written there may be a secret, so it is not quoted. Blank lines before it belong to its text.
        line = binding.original.line + len(binding.original.string) - len(binding.original.string.lstrip("\r\n"))
        raise ConfigError(
            "is no NAME=value (a quote that is not closed, or no '=')",
            where=f"{file}:{line}",
            next_step="write NAME=value, with quotes around a value that has spaces or '#'",
        )
    found = DotEnv(None, stream=io.StringIO(text), override=False).dict()
    return {name: value for name, value in found.items() if value is not None and name not in os.environ}
