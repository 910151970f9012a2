"""Declared secrets: which values they have, and texts, JSON and bytes without them. No I/O.

Whatever a value is encoded in on its way to a page or a report is found too: base64 and hexadecimal digits, as far as
that can be told from the value alone, and escapes of whichever characters (JSON, HTML, URLs, literals), see `escapes`.
"""

import base64
import html
import json
import re
import string
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, quote_plus

from widgetshot.errors import ConfigError
from widgetshot.escapes import COLOUR, Reading, open_readings, reading_by, readings

# Of no length that says something, and with nothing that means something to HTML, JSON, URLs or scripts.
STARS = "***"
MIN_CHARACTERS = 4  # characters; what is shorter stands in half of all texts
# A part of a value, or of an encoding of it, must be longer: shorter ones may stand in a text by chance.
_MIN_PART_CHARACTERS = 8
# Of the end of a text that may begin a secret: more than an escape of one character has.
_MAX_ESCAPE_CHARACTERS = 24
# What kernels and pages call messages, comms and models. A short secret may happen to stand in one.
_ID = re.compile(r"(?:IPY_MODEL_)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:_\w+)?")
_PICTURES = re.compile(r"image/(?!svg)|audio/|video/|application/pdf")
_ALPHABET = frozenset(string.ascii_letters + string.digits + "+/-_")
# Left as they are by JavaScript's encodeURIComponent and encodeURI, besides what Python leaves.
_URI_COMPONENT, _URI = "!'()*~", ";,/?:@&=+$!~*'()#"


def secret_values(patterns: Iterable[str], variables: Mapping[str, str], where: str) -> tuple[str, ...]:
    """Return the values of the environment variables whose names match one of the patterns, sorted.

    Args:
        patterns: names; `*` and `?` stand for any text and any character.
        where: for messages.

    Raises:
        ConfigError: a value is too short: ordinary text may hold it by chance.
    """
    found = {}
    for name, value in variables.items():
        if value and any(fnmatchcase(name, pattern) for pattern in patterns):
            if len(value.strip()) < MIN_CHARACTERS:
                raise ConfigError(
                    f"the value of {name} has {len(value.strip())} characters: hidden wherever it stands, it would "
                    "take much of every text with it",
                    where=where,
                    next_step=f"give {name} a value of at least {MIN_CHARACTERS} characters, or leave it out of "
                    "'secrets'",
                )
            found[name] = value
    return tuple(sorted(set(found.values())))


class Redactor:
    """Texts without secrets; false where there are none.

    Args:
        values: the secrets, each of at least `MIN_CHARACTERS` characters.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = tuple(values)
        forms = {form for value in self.values for form in _forms(value) if len(form) >= MIN_CHARACTERS}
        self.forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        # Of these the characters beside them say something too.
        self._base64 = {form for value in self.values for part in _parts(value) for form in _base64(part)}

    def __bool__(self) -> bool:
        return bool(self.forms)

    def __repr__(self) -> str:
        return f"Redactor({len(self.values)} secrets)"

    def including(self, value: str) -> "Redactor":
        """Return one that hides a further value as well; "" is none."""
        return Redactor((*self.values, value)) if value else self

    def text(self, text: str) -> str:
        """Return a text with stars in place of each secret."""
        parts, place = [], 0
        for begin, end in self._places(text):
            # Colours that begin or end within it go on after it.
            parts += [text[place:begin], STARS, *COLOUR.findall(text[begin:end])]
            place = end
        return "".join([*parts, text[place:]])

    def opening(self, text: str, longest: int, *, cut: bool = False) -> str:
        """Return the begin of a text without secrets, and without the begin of one that was cut in two.

        Whoever has written it may have written megabytes, of which no more than is needed is looked through.

        Args:
            longest: characters that are needed; there may be more.
            cut: whether there may have been more of the text.
        """
        shown = self.text(text[: 2 * longest])
        count = self.open_end(shown) if cut or len(text) > 2 * longest else 0
        return shown[: len(shown) - count]

    def _readings(self, text: str, forms: Collection[str]) -> Iterator[Reading]:
        """Yield those readings of a text in which one of the forms stands."""
        if not forms:
            return
        for reading, steps in readings(text):
            if any(form in reading for form in forms):
                yield reading_by(text, steps)

    def _places(self, text: str, at_least: int = MIN_CHARACTERS) -> list[tuple[int, int]]:
        """Return where secrets stand in a text (begin, end), in order; no two overlap.

        Args:
            at_least: characters of the forms that are looked for.
        """
        forms = [form for form in self.forms if len(form) >= at_least]
        found = {place for reading in self._readings(text, forms) for place in self._found(reading, forms)}
        places: list[tuple[int, int]] = []
        for begin, end in sorted(found):
            if places and begin < places[-1][1]:
                places[-1] = (places[-1][0], max(end, places[-1][1]))
            else:
                places.append((begin, end))
        return places

    def _found(self, reading: Reading, forms: Iterable[str]) -> Iterator[tuple[int, int]]:
        text = reading.text
        for form in forms:
            end = 0
            while (begin := text.find(form, end)) >= 0:
                end = begin + len(form)
                first, last = _word_around(text, begin, end) if form in self._base64 else (begin, end)
                yield reading.begins[first], reading.ends[last - 1]

    def data(self, value: Any) -> Any:
        """Plain JSON with stars in place of each secret; numbers that are one become 0.

        Names of messages, comms and models stay, and so do encoded pictures. Of stream outputs that follow one another
        those of one name are joined, because what is shown joins them too.
        """
        if not self.forms:
            return value
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, dict):
            return {
                self._key(key): item if _PICTURES.match(key) and isinstance(item, str) else self.data(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.data(item) for item in joined(value)]
        if type(value) in (int, float) and str(value) in self.values:
            return type(value)(0)
        return value

    def _string(self, text: str) -> str:
        found = _ID.fullmatch(text)
        # One that looks like a name can be a secret all the same, but then it is that as a whole.
        return text if found and found[1] not in self.forms else self.text(text)

    def _key(self, key: str) -> str:
        # A short secret may be the name of something that every message has.
        return (
            self._string(key) if any(len(form) >= _MIN_PART_CHARACTERS and form in key for form in self.forms) else key
        )

    def data_of(self, data: bytes) -> bytes:
        """Return a JSON document as `data` has it, byte for byte the same where nothing is found."""
        try:
            text = data.decode(errors="surrogatepass")
        except UnicodeDecodeError:
            text = data.decode(errors="replace")
        if next(self._readings(text, self.forms), None) is None:
            return data
        before = json.loads(data)
        after = self.data(before)
        return data if after == before else json.dumps(after, ensure_ascii=False).encode(errors="surrogatepass")

    def buffer(self, data: bytes) -> bytes:
        """Bytes of whatever kind, in their old length, with stars in place of each secret.

        Only of those that are too long to be there by chance.
        """
        text = data.decode(errors="surrogateescape")
        places = self._places(text, _MIN_PART_CHARACTERS)
        if not places:
            return data
        parts, place = [], 0
        for begin, end in places:
            hidden = text[begin:end].encode(errors="surrogateescape")
            parts += [text[place:begin].encode(errors="surrogateescape"), b"*" * len(hidden)]
            place = end
        return b"".join([*parts, text[place:].encode(errors="surrogateescape")])

    def open_end(self, text: str) -> int:
        """Return how many characters at the end of a text may begin a secret that goes on in the next text."""
        longest = max(map(len, self.forms), default=0)
        if not longest:
            return 0
        tail = text[-longest * _MAX_ESCAPE_CHARACTERS :]
        first = len(tail)
        for reading, known in open_readings(tail):
            begin = min(known, self._begun(reading.text[:known], longest))
            if begin < len(reading.text):
                first = min(first, reading.begins[begin])
        return len(tail) - first

    def _begun(self, text: str, longest: int) -> int:
        """Return where a secret may begin that goes on after a text; its length where none does."""
        for count in range(min(len(text), longest - 1), 0, -1):
            end = text[-count:]
            if any(len(form) > count and form.startswith(end) for form in self.forms):
                return len(text) - count
        return len(text)


def joined(items: list[Any]) -> list[Any]:
    """Return outputs in which streams of one name are one, as far as only streams stand between them."""
    if not any(isinstance(item, dict) and item.get("output_type") == "stream" for item in items):
        return items
    found: list[Any] = []
    open: dict[str, dict[str, Any]] = {}
    for item in items:
        if not isinstance(item, dict) or item.get("output_type") != "stream":
            open.clear()
            found.append(item)
            continue
        text = "".join(item["text"])
        if item["name"] in open:
            open[item["name"]]["text"] += text
        else:
            open[item["name"]] = item | {"text": text}
            found.append(open[item["name"]])
    return found


def _forms(value: str) -> set[str]:
    """Return all texts in which a value may stand in what others write."""
    forms = {form for part in _parts(value) for form in _encodings(part)}
    # A widget's HTML within JSON, JSON within HTML, JSON within JSON.
    return forms | {_in_json(form) for form in forms} | {html.escape(form) for form in forms}


def _parts(value: str) -> set[str]:
    lines = [line.strip() for line in value.splitlines()]
    return {value, value.strip(), *(line for line in lines if len(line) >= _MIN_PART_CHARACTERS)}


def _encodings(text: str) -> set[str]:
    raw = text.encode(errors="surrogatepass")
    urls = {quote(raw, safe=safe) for safe in ("", "/", _URI_COMPONENT, _URI)} | {quote_plus(raw)}
    # Where all else is escaped, the spaces of a form are plus signs.
    urls.add(text.replace(" ", "+"))
    urls |= {re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), url) for url in urls}
    escaped = html.escape(text)
    found = {text, _in_json(text), json.dumps(text)[1:-1], repr(text)[1:-1], ascii(text)[1:-1], repr(raw)[2:-1], *urls}
    found |= {escaped, html.escape(text, quote=False), escaped.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}
    hexadecimal = raw.hex()
    if len(hexadecimal) >= _MIN_PART_CHARACTERS:
        found |= {hexadecimal, hexadecimal.upper()}
    return found | _base64(text)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _word_around(text: str, begin: int, end: int) -> tuple[int, int]:
    """Return the begin and end of the run of base64 that a part of a text is in."""
    while begin and text[begin - 1] in _ALPHABET:
        begin -= 1
    while end < len(text) and text[end] in _ALPHABET:
        end += 1
    while end < len(text) and text[end] == "=":
        end += 1
    return begin, end


def _base64(text: str) -> set[str]:
    """Base64 of a value alone, and what is the same whatever stands around it (as in `user:value`)."""
    raw = text.encode(errors="surrogatepass")
    found = {base64.b64encode(raw).decode().rstrip("=")}
    for offset in range(3):
        # Characters that hold a bit of a neighbour are left out.
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        begin, end = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        if end - begin >= _MIN_PART_CHARACTERS:
            found.add(encoded[begin:end])
    return found | {form.replace("+", "-").replace("/", "_") for form in found}
