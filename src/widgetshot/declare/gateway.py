"""The address of a Jupyter Kernel Gateway, whose kernels a notebook may run on."""

from typing import Any

from widgetshot.values import BadValue, parse_text, split_address

# Jupyter Server's own variable. What is in it is for the gateway alone: no kernel gets it, and it is shown nowhere.
TOKEN_VARIABLE = "JUPYTER_GATEWAY_AUTH_TOKEN"
_FORM = "must be http://HOST:PORT (or https://), the address of a Jupyter Kernel Gateway"


def parse_gateway(value: Any) -> str:
    """Parse the address of a gateway; "" and false are none.

    Raises:
        BadValue: it is no such address.
    """
    text = "" if value is False else parse_text(value).strip().rstrip("/")
    if not text:
        return ""
    parts = split_address(text, _FORM)
    # What stands before an @ or behind a ? may be a secret, and is not said again.
    if parts.username is not None or parts.query or parts.fragment:
        raise BadValue(f"{_FORM}, and nothing besides", next_step=f"export {TOKEN_VARIABLE}=...")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadValue(f"{_FORM}, not {text!r}")
    return text
