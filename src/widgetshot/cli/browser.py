"""`widgetshot browser`: the project's browser for other machines."""

import shlex
import sys

import click

from widgetshot.cli.common import settings_from
from widgetshot.printing import say

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.group()
def browser() -> None:
    """Start the project's browser for other machines, whose pages it draws."""


@browser.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one by default.")
def serve(host: str, port: int) -> None:
    """Draw the pages of those who connect, until Ctrl-C.

    Prints the address for them, which is to be the value of WIDGETSHOT_BROWSER_ENDPOINT there. Its last part is a
    token: that of WIDGETSHOT_BROWSER_TOKEN, or a new one.
    """
    # It imports Playwright, which `--help` need not wait for.
    from widgetshot.capture.browser_server import serve as serve_browser

    settings = settings_from(browser_endpoint="")
    serve_browser(settings, host=host, port=port, ready=lambda address: _announce(address, host))


@browser.command()
def flags() -> None:
    """Print what a Chromium must be started with whose DevTools are to be the value of WIDGETSHOT_BROWSER_ENDPOINT.

    In one line, quoted for a shell; besides, it needs --remote-debugging-port.
    """
    from widgetshot.capture.cdp import flags_to_launch_with

    say(shlex.join(flags_to_launch_with(settings_from(browser_endpoint=""))))


def _announce(address: str, host: str) -> None:
    if host not in _LOOPBACK:
        say(
            "what is sent is not encrypted, and whoever has the token can run pages on this machine, and read and "
            "write files as this user: lead the connection through ssh, or put a proxy with TLS before it (wss://)",
            mark="warning: ",
            colour="yellow",
            err=True,
        )
    say(address)
    sys.stdout.flush()
