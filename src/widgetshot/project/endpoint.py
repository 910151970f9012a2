"""The address of a browser elsewhere, as a project says it. No message quotes an address: its last part is a secret."""

import os
import re
from typing import Any
from urllib.parse import urlsplit

from widgetshot.values import BadValue, parse_text

VARIABLE = "WIDGETSHOT_BROWSER_ENDPOINT"
# Of a server of browsers; whoever knows it may use them.
TOKEN_VARIABLE = "WIDGETSHOT_BROWSER_TOKEN"
# What is for this process alone; no kernel needs to know who draws its page.
ENDPOINT_VARIABLES = (VARIABLE, TOKEN_VARIABLE)
MIN_TOKEN_CHARACTERS = 16
_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{MIN_TOKEN_CHARACTERS},200}}")
_FORM = "must be ws://HOST:PORT/TOKEN (or wss://), as `widgetshot browser serve` prints it"


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
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise BadValue(f"{_FORM}; its host or port is not valid") from error
    if parts.scheme not in ("ws", "wss"):
        shown = f"{parts.scheme}://..." if re.fullmatch(r"[a-z]{1,10}", parts.scheme) else "something else"
        raise BadValue(f"{_FORM}, not {shown}")
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise BadValue(f"{_FORM}, and nothing besides")
    if not is_token(token_of(text)):
        raise BadValue(
            f"{_FORM}; the last part, its token, has at least {MIN_TOKEN_CHARACTERS} letters, digits or signs of -._~"
        )
    return f"{parts.scheme}://{text.partition('://')[2]}"


def endpoint_of_environment() -> str:
    """Return the address that the environment says, not parsed; "" for none."""
    return os.environ.get(VARIABLE, "").strip()


def token_of(endpoint: str) -> str:
    """Return the part of an address that is secret; "" of none."""
    return urlsplit(endpoint).path.rpartition("/")[2]


def place_of(endpoint: str) -> str:
    """Return the host and port of an address, for messages."""
    return urlsplit(endpoint).netloc


def page_of(endpoint: str, name: str) -> str:
    """Return the address, for HTTP, of a page below an endpoint."""
    scheme, _, rest = endpoint.partition("://")
    return f"{'https' if scheme == 'wss' else 'http'}://{rest}/{name}"
