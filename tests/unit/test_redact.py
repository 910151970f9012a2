"""Secrets are found under every escape of every character, in as many layers as there are."""

import html
import json
import random
import unicodedata
from collections.abc import Callable
from html.entities import html5
from time import perf_counter
from urllib.parse import quote

import pytest

from widgetshot.escapes import MAX_READINGS, reading_by, readings
from widgetshot.redact import STARS, Redactor

SECRETS = [
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    'AKIA7f/+"<canary>&Ümläut\\one',
    "it's 100%41 of\\nothing&amp;more",
    "pass wörd 🔑/日本+\\",
    "https://me:p%2Bw/d@x.example/?a=1&b=2",
]
NAMED = {text: f"&{name}" for name, text in html5.items() if name.endswith(";")}
Escape = Callable[[str], str]


def bytes_as(form: str) -> Escape:
    return lambda one: "".join(form.format(byte) for byte in one.encode())


# Each kind of text, with the characters that can't stand in it as they are, and the ways to escape one.
KINDS: dict[str, tuple[str, list[Escape]]] = {
    "JSON": (
        '\\"',
        [
            lambda one: json.dumps(one)[1:-1] if not one.isascii() else f"\\u{ord(one):04x}",
            lambda one: json.dumps(one)[1:-1] if not one.isascii() else f"\\u{ord(one):04X}",
            lambda one: "\\" + one if one in '/\\"' else json.dumps(one)[1:-1],
        ],
    ),
    "HTML": (
        "&<>\"'",
        [
            lambda one: f"&#{ord(one)};",
            lambda one: f"&#x{ord(one):x};",
            lambda one: f"&#X{ord(one):08X};",
            lambda one: f"&#0{ord(one)};",
            lambda one: NAMED.get(one, html.escape(one)),
        ],
    ),
    "URL": ('%&?#+\\"<> üäö', [bytes_as("%{:02X}"), bytes_as("%{:02x}"), quote]),
    "Python": (
        "\\'",
        [
            lambda one: f"\\x{ord(one):02x}" if ord(one) < 256 else f"\\U{ord(one):08x}",
            lambda one: f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08X}",
            lambda one: f"\\N{{{unicodedata.name(one)}}}",
            lambda one: f"\\{ord(one):03o}" if ord(one) < 256 else f"\\U{ord(one):08x}",
            lambda one: "\\" + one if one in "\\'\"" else ascii(one)[1:-1],
            bytes_as("\\x{:02x}"),
        ],
    ),
    "JavaScript": (
        "\\'\"`",
        [
            lambda one: f"\\u{{{ord(one):x}}}",
            lambda one: f"\\u{{{ord(one):06X}}}",
            lambda one: f"\\x{ord(one):02X}" if ord(one) < 256 else f"\\u{{{ord(one):x}}}",
            lambda one: "\\" + one if not one.isalnum() else one,
        ],
    ),
}


def escaped(text: str, kind: str, chance: random.Random, share: float) -> str:
    must, ways = KINDS[kind]
    return "".join(
        chance.choice(ways)(one)
        if one in must or (kind == "URL" and not one.isascii()) or chance.random() < share
        else one
        for one in text
    )


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_escape_of_each_character_is_found(secret: str, kind: str) -> None:
    redactor = Redactor([secret])
    for way in KINDS[kind][1]:
        text = "".join(way(one) for one in secret)
        assert redactor.text(f"before {text} after") == f"before {STARS} after", text
        assert (
            redactor.data_of(json.dumps({"a": f"before {text} after"}).encode())
            == json.dumps({"a": f"before {STARS} after"}).encode()
        )
        raw = f"before {text} after".encode()
        assert redactor.buffer(raw) == b"before " + b"*" * len(text.encode()) + b" after"


@pytest.mark.parametrize("secret", SECRETS)
def test_some_escapes_in_some_layers_are_found(secret: str) -> None:
    redactor, chance = Redactor([secret]), random.Random(secret)
    for _ in range(400):
        text = secret
        for kind in chance.choices([*KINDS], k=chance.randint(1, 3)):
            text = escaped(text, kind, chance, chance.choice([0.0, 0.2, 1.0]))
        assert redactor.text(f"<{text}>") == f"<{STARS}>", text


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_that_comes_in_pieces_is_held_back(secret: str) -> None:
    """As a stream brings it, cut anywhere, also within an escape."""
    redactor, chance = Redactor([secret]), random.Random(secret)
    for _ in range(60):
        text = f"it is {escaped(secret, chance.choice([*KINDS]), chance, 0.5)} so"
        cut = chance.randrange(len(text))
        first = redactor.text(text[:cut])
        count = redactor.open_end(first)
        shown = first[: len(first) - count] + redactor.text(first[len(first) - count :] + text[cut:])
        assert shown == f"it is {STARS} so", (text, cut)


def test_base64_is_found_under_escapes_too() -> None:
    redactor = Redactor(["?>?>?>?>secret-value"])
    assert redactor.text("Basic Pz4%2FPj8%2BPz5zZWNyZXQtdmFsdWU%3D.") == f"Basic {STARS}."
    assert redactor.text(r"Basic Pz4\/Pj8+Pz5zZWNyZXQtdmFsdWU=.") == f"Basic {STARS}."


@pytest.mark.parametrize(
    "text",
    [
        "a\\b",
        "&copy &unknown; &#x110000; &#0;",
        "%zz 100% %",
        "\\u12 \\x1 \\N{NO SUCH NAME} \\UFFFFFFFF",
        "\\",
        "\x1b[3",
        "\\u{}",
    ],
)
def test_what_only_looks_like_an_escape_breaks_nothing(text: str) -> None:
    redactor = Redactor(["secret-value"])
    assert redactor.text(text) == text
    assert all(reading_by(text, steps).text == reading for reading, steps in readings(text))
    assert redactor.text(f"{text} secret-value") == f"{text} {STARS}"


@pytest.mark.parametrize("text", ["\\" * 4096, "&amp;" * 999, "&#38;#x25;2525255c\\\\u0026" * 99])
def test_readings_have_an_end(text: str) -> None:
    found = [reading for reading, _ in readings(text)]
    assert 1 < len(found) <= MAX_READINGS
    assert len(found) == len(set(found))


def test_a_large_text_without_secrets_is_searched_in_little_time() -> None:
    redactor = Redactor(SECRETS)
    document = json.dumps(json.dumps([{"x": 0.123 * each, "text": "a & b\n50%"} for each in range(22_000)])).encode()
    assert len(document) > 1_000_000
    begin = perf_counter()
    assert redactor.data_of(document) is document
    assert perf_counter() - begin < 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it is abcab", f"it is {STARS}"),
        ("x" * 15 + "abcab and more", "x" * 15 + STARS),  # it ends where no more is looked through
        ("x" * 18 + "abcab", "x" * 18),  # cut within the secret
    ],
)
def test_of_a_long_text_only_the_opening_is_looked_through_and_no_half_secret_is_left(text: str, shown: str) -> None:
    assert Redactor(["abcab"]).opening(text, 10) == shown
