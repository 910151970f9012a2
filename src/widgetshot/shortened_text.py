"""The form of a long text of a widget's state in a sidecar: its beginning, and what tells whether the rest has changed.

A part of the sidecar's format, so no byte of it may change. `js/src/live/state.ts` writes it of texts of more than 400
UTF-16 units, and this module reads it; `js/tests/live/shortened-texts.json` holds examples that both keep to:

    BEGINNING... (LENGTH characters, digest DIGEST)

BEGINNING is the first 400 units, LENGTH the number of all units in decimal digits, and DIGEST the FNV-1a hash of them
(32 bits, a unit at a time) in 8 hexadecimal digits.
"""

import re
from dataclasses import dataclass

_END = re.compile(r"\.\.\. \((?P<length>\d+) characters, digest (?P<digest>[0-9a-f]{8})\)")


@dataclass(frozen=True)
class ShortenedText:
    """A long text, as far as a sidecar has it.

    Attributes:
        length: of the whole text, in UTF-16 units.
        digest: of the whole text, in hexadecimal digits.
    """

    beginning: str
    length: int
    digest: str


def find_shortened(text: str) -> ShortenedText | None:
    """Return the first shortened text in the JSON of a value, with all that stands before it; None where none is."""
    end = _END.search(text)
    return ShortenedText(text[: end.start()], int(end["length"]), end["digest"]) if end else None
