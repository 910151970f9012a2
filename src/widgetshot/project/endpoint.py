"""The address of a browser elsewhere, as a project says it. No message quotes an address: there is a secret in it."""

import os
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from widgetshot.declare.gateway import TOKEN_VARIABLE as GATEWAY_TOKEN_VARIABLE
from widgetshot.values import BadValue, parse_text, split_address

VARIABLE = "WIDGETSHOT_BROWSER_ENDPOINT"
# Of a server of browsers; whoever knows it may use them.
TOKEN_VARIABLE = "WIDGETSHOT_BROWSER_TOKEN"
# What is for this process alone; no kernel needs to know who draws its page, or who has started it.
ENDPOINT_VARIABLES = (VARIABLE, TOKEN_VARIABLE, GATEWAY_TOKEN_VARIABLE)
MIN_TOKEN_CHARACTERS = 16
_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{MIN_TOKEN_CHARACTERS},200}}")
_FORM = (
    "must be ws://HOST:PORT/TOKEN (or wss://), as `widgetshot browser serve` prints it, or, of a browser's DevTools, "
    "http://HOST:PORT (or https://) or ws://HOST:PORT/devtools/browser/ID"
)
# Of the Chrome DevTools Protocol, which browsers speak by themselves.
_DEVTOOLS = re.compile(r"/devtools/browser/([A-Za-z0-9-]+)")
# What an address asks for besides is hidden wherever it stands, so it must not be what stands in many texts; and what
# is plainly no secret is not hidden, unless its name says that it is one.
_MIN_HIDDEN_CHARACTERS = 8
_NO_SECRET = re.compile(r"\d{1,7}|true|false")
_OF_A_SECRET = re.compile("token|key|secret|pass|auth", re.IGNORECASE)


def is_token(text: str) -> bool:
    """Tell whether a text can be the token of an address: long enough, and nothing in it that addresses escape."""
    return _TOKEN.fullmatch(text) is not None


def parse_endpoint(value: Any) -> str:
    """Parse the address of a browser elsewhere; "" is none.

    Raises:
        BadValue: it is no such address.
    """
    text = value.strip() if isinstance(value, str) else parse_text(value)
    if not text:
        return ""
    parts = split_address(text, _FORM)
    if parts.scheme not in ("ws", "wss", "http", "https"):
        shown = f"{parts.scheme}://..." if re.fullmatch(r"[a-z]{1,10}", parts.scheme) else "something else"
        raise BadValue(f"{_FORM}, not {shown}")
    by_cdp = is_cdp(text)
    besides = parts.fragment or (parts.query and not by_cdp) or (parts.scheme.startswith("http") and not by_cdp)
    if not parts.hostname or parts.username is not None or besides:
        raise BadValue(f"{_FORM}, and nothing besides")
    if by_cdp:
        _check_query(parts.query)
    elif not is_token(token_of(text)):
        raise BadValue(
            f"{_FORM}; the last part, its token, has at least {MIN_TOKEN_CHARACTERS} letters, digits or signs of -._~"
        )
    return f"{parts.scheme}://{text.partition('://')[2]}"


def endpoint_of_environment() -> str:
    """Return the address that the environment says, not parsed; "" for none."""
    return os.environ.get(VARIABLE, "").strip()


def is_cdp(endpoint: str) -> bool:
    """Tell whether an address is of a browser that is spoken to by the Chrome DevTools Protocol."""
    parts = urlsplit(endpoint)
    if parts.scheme in ("http", "https"):
        return parts.path in ("", "/")
    return _DEVTOOLS.fullmatch(parts.path) is not None


def _check_query(query: str) -> None:
    """Refuse what an address asks for besides where it can't be hidden.

    Raises:
        BadValue: a value is too short.
    """
    for name, value in parse_qsl(query, keep_blank_values=True):
        plain = _NO_SECRET.fullmatch(value) and not _OF_A_SECRET.search(name)
        if len(value) < _MIN_HIDDEN_CHARACTERS and not plain:
            raise BadValue(
                "a value behind its question mark is hidden wherever it stands, and has at least "
                f"{_MIN_HIDDEN_CHARACTERS} characters, or is a number, true or false"
            )


def token_of(endpoint: str) -> str:
    """Return the token of the address of a `widgetshot browser serve`; "" of none."""
    return urlsplit(endpoint).path.rpartition("/")[2]


def secrets_of(endpoint: str) -> tuple[str, ...]:
    """Return the parts of an address that are secret: a token, or by CDP what is asked for besides, and an ID."""
    if not is_cdp(endpoint):
        token = token_of(endpoint)
        return (token,) if token else ()
    parts = urlsplit(endpoint)
    found = _DEVTOOLS.fullmatch(parts.path)
    words = [word.partition("=")[2] for word in parts.query.split("&")]
    values = [found[1] if found else "", *words, *(value for _, value in parse_qsl(parts.query))]
    return tuple(dict.fromkeys(value for value in values if len(value) >= _MIN_HIDDEN_CHARACTERS))


def place_of(endpoint: str) -> str:
    """Return the host and port of an address, for messages."""
    return urlsplit(endpoint).netloc


def page_of(endpoint: str, name: str) -> str:
    """Return the address, for HTTP, of a page below an endpoint."""
    scheme, _, rest = endpoint.partition("://")
    return f"{'https' if scheme == 'wss' else 'http'}://{rest}/{name}"
