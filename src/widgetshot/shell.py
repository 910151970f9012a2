"""Words as a person types them in a POSIX shell, for commands that messages tell."""

import shlex


def quoted(word: object) -> str:
    """Return a word in single quotes, as the gallery does it: nothing in it means anything to a shell."""
    return "'" + str(word).replace("'", r"'\''") + "'"


def typed(path: object) -> str:
    """Return a path as a word, quoted where a shell would take it for something else, and never an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def execute(notebook: object, gateway: str = "") -> str:
    """Return the command that executes a notebook without us.

    Args:
        gateway: address of the gateway that starts its kernel; "" for one of this machine.
    """
    if gateway:
        return f"jupyter lab --gateway-url={typed(gateway)} {typed(notebook)}"
    return f"jupyter execute {typed(notebook)}"
