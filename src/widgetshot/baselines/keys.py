"""Keys of baselines: `environment/notebook/shot`, the same for every store."""

from pathlib import PurePosixPath

from widgetshot.errors import BaselineError


def check_key(key: str) -> None:
    """Refuse a key that would lead out of a folder, or that cannot be a file's name.

    Raises:
        BaselineError: it does.
    """
    parts = PurePosixPath(key)
    odd = "\\" in key or "\0" in key or not parts.parts or ":" in parts.parts[0]
    # What begins with a dot is hidden, and often settings (`.git`, `.jupyter`).
    if odd or parts.is_absolute() or any(part.startswith(".") for part in parts.parts) or not _is_text(key):
        raise key_leads_out(key)


def key_leads_out(key: str) -> BaselineError:
    """Make the error of a key that leads out of the baselines' folder."""
    return BaselineError(f"key {key!r:.300} leads out of the baselines folder, or into a hidden one")


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True
