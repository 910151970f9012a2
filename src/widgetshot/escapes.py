r"""Text as others escape it: in JSON, HTML, URLs, Python's and JavaScript's literals, and with colours in it.

Nobody can tell from a text what it is an excerpt of, nor how often it was escaped. So it is read in every way: one kind
of escape is undone in each step (`\/`, `\u002b`, `\x2f`, `\57`, `\N{SOLIDUS}`; or `&#x2F;`, `&plus;`; or `%2f`), and
then again in what comes out. One of these readings is the text that was escaped.
"""

import html
import re
import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MAX_STEPS = 6  # JSON in JSON in HTML in a URL... takes four
MAX_READINGS = 48
# Of large texts fewer readings are made: two steps of whichever kinds, at least.
_MIN_READINGS = 13
_MAX_CHARACTERS = 40_000_000
_X = "[0-9a-fA-F]"


class Reading(NamedTuple):
    """A text after some steps.

    Attributes:
        begins: where in the original text what a character was made of begins, for each character.
        ends: where it ends.
    """

    text: str
    begins: Sequence[int]
    ends: Sequence[int]


class _Kind(NamedTuple):
    """A kind of escapes.

    Attributes:
        first: the character that each begins with.
        begun: matches what may be the begin of one at the end of a text that goes on.
        meaning: returns what one stands for; itself where it stands for nothing.
    """

    first: str
    escape: re.Pattern[str]
    begun: re.Pattern[str]
    meaning: Callable[[re.Match[str]], str]


def readings(text: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield what a text may say, itself first, each with the steps that lead there (see `reading_by`)."""
    seen = {text}
    waiting: deque[tuple[str, tuple[int, ...]]] = deque([(text, ())])
    most = min(MAX_READINGS, max(_MIN_READINGS, _MAX_CHARACTERS // (len(text) + 1)))
    yield text, ()
    while waiting:
        before, steps = waiting.popleft()
        for number, kind in enumerate(_KINDS):
            if kind.first not in before:
                continue
            after = kind.escape.sub(kind.meaning, before)
            if after in seen:
                continue
            seen.add(after)
            yield after, (*steps, number)
            if len(seen) >= most:
                return
            if len(steps) + 1 < MAX_STEPS:
                waiting.append((after, (*steps, number)))


def reading_by(text: str, steps: Sequence[int]) -> Reading:
    """Return one of the readings with the place of each character in the text."""
    reading = _unread(text)
    for number in steps:
        reading = _step(reading, _KINDS[number])
    return reading


def open_readings(text: str) -> Iterator[tuple[Reading, int]]:
    """Yield the readings of a text that goes on, and how much of each does not depend on what follows."""
    seen = {text}
    waiting = deque([(_unread(text), 0)])
    while waiting:
        before, steps = waiting.popleft()
        if not steps:
            yield before, len(before.text)
        for kind in _KINDS:
            if kind.first not in before.text:
                continue
            known = len(before.text)
            while found := kind.begun.search(before.text, max(0, known - 128), known):
                known = found.start()
            yield before, known
            after = _step(Reading(before.text[:known], before.begins[:known], before.ends[:known]), kind)
            if after.text in seen or len(seen) >= MAX_READINGS:
                continue
            seen.add(after.text)
            yield after, len(after.text)
            if steps + 1 < MAX_STEPS:
                waiting.append((after, steps + 1))


def _unread(text: str) -> Reading:
    return Reading(text, range(len(text)), range(1, len(text) + 1))


def _step(before: Reading, kind: _Kind) -> Reading:
    """Undo one kind of escapes."""
    parts: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    place = 0
    for found in kind.escape.finditer(before.text):
        begin, end = found.span()
        meaning = kind.meaning(found)
        parts += [before.text[place:begin], meaning]
        # Of one that stands for several characters each is made of all of it.
        begins += [*before.begins[place:begin], *[before.begins[begin]] * len(meaning)]
        ends += [*before.ends[place:begin], *[before.ends[end - 1]] * len(meaning)]
        place = end
    parts.append(before.text[place:])
    begins += before.begins[place:]
    ends += before.ends[place:]
    return Reading("".join(parts), begins, ends)


_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a"}


def _of_backslash(found: re.Match[str]) -> str:
    text = found[0]
    kind = text[1]
    if kind == "x" and len(text) > 2:
        return _of_bytes(bytes.fromhex(text.replace("\\x", "")))
    try:
        if kind == "N" and len(text) > 2:
            return unicodedata.lookup(text[3:-1])
        if kind in "uU" and len(text) > 2:
            if len(text) == 12:  # a surrogate pair
                return chr(0x10000 + ((int(text[2:6], 16) & 0x3FF) << 10) + (int(text[8:], 16) & 0x3FF))
            return chr(int(text[2:].strip("{}"), 16))
        if kind in "01234567":
            return chr(int(text[1:], 8))
    except (KeyError, ValueError, OverflowError):
        return text
    if kind in "\r\n":  # the line goes on
        return ""
    return _LETTERS.get(kind, kind)


def _of_percent(found: re.Match[str]) -> str:
    text = found[0]
    return chr(int(text[2:], 16)) if text[1] == "u" else _of_bytes(unquote_to_bytes(text))


def _of_bytes(raw: bytes) -> str:
    # What is no UTF-8 are characters of Latin 1 in a literal.
    return raw.decode(errors="surrogateescape").translate(_LATIN_1)


_LATIN_1 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_PAIR = rf"\\u[dD][89abAB]{_X}{{2}}"
_KINDS = (
    _Kind(
        "\\",
        re.compile(
            rf"{_PAIR}\\u[dD][c-fC-F]{_X}{{2}}|\\u{_X}{{4}}|\\u\{{0*{_X}{{1,6}}\}}|\\U{_X}{{8}}"
            rf"|\\N\{{[A-Z0-9 -]{{1,90}}\}}|(?:\\x{_X}{{2}})+|\\[0-7]{{1,3}}|\\\r?\n|\\.",
        ),
        re.compile(
            rf"(?:{_PAIR}(?:\\(?:u{_X}{{0,3}})?)?|(?:\\x{_X}{{2}})+(?:\\(?:x{_X}?)?)?"
            rf"|\\(?:u{_X}{{0,3}}|u\{{{_X}{{0,30}}|U{_X}{{0,7}}|N|N\{{[A-Z0-9 -]{{0,90}}|x{_X}?|[0-7]{{1,2}}|\r)?)\Z"
        ),
        _of_backslash,
    ),
    _Kind(
        "&",
        re.compile(rf"&#[0-9]{{1,30}};?|&#[xX]{_X}{{1,30}};?|&[A-Za-z][A-Za-z0-9]{{1,31}};?"),
        re.compile(r"&#?[0-9A-Za-z]{0,32}\Z"),
        lambda found: html.unescape(found[0]),
    ),
    _Kind(
        "%",
        re.compile(rf"(?:%{_X}{{2}})+|%u{_X}{{4}}"),
        # What follows may be more bytes of a character.
        re.compile(rf"(?:(?:%{_X}{{2}})+(?:%{_X}?)?|%{_X}?|%u{_X}{{0,3}})\Z"),
        _of_percent,
    ),
    _Kind("\x1b", COLOUR, re.compile(r"\x1b(?:\[[0-9;]*)?\Z"), lambda _: ""),
)
