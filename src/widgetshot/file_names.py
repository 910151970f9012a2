"""Names that are one file on some file systems.

Those of macOS and Windows tell no upper from lower case, and macOS's no composed from decomposed characters.
"""

import unicodedata


def folded(name: str) -> str:
    """Return what all names have in common that may be one file (Unicode's canonical caseless matching, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def side_by_side(one: str, other: str) -> str:
    """Return two names in words that show how they differ, also where they look the same."""
    if unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other):
        return f"{one!a} and {other!a}"
    return f"'{one}' and '{other}'"


WHY = "differ in upper and lower case or in Unicode normalisation alone, so they are one file on macOS or Windows"
