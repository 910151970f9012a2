"""What draws the pictures where that is a browser elsewhere: how it describes itself, and whether it fits a project."""

import http.client
import platform
import urllib.error
import urllib.request
from importlib.metadata import version
from time import perf_counter
from typing import Any

import msgspec

from widgetshot import __version__
from widgetshot.capture.browser import Browser, identity
from widgetshot.capture.fingerprint import fonts_digest
from widgetshot.errors import ConfigError, ServerError, one_line
from widgetshot.project.endpoint import VARIABLE, page_of, place_of, secrets_of
from widgetshot.project.settings import THIS_PLATFORM, Settings
from widgetshot.redact import Redactor

PAGE = "renderer"  # of its description, below an endpoint
# A response with this header is one of `widgetshot browser serve`, also where it says no.
HEADER = "X-Widgetshot"
# Of the machine that asks for pages: what the pages of a browser elsewhere reach, and nothing besides.
EXPOSED = "localhost,127.0.0.1"
SERVE = "widgetshot browser serve"
ANSWER_TIMEOUT_S = 10.0
_MAX_BYTES = 100_000
_NOT_FOUND = 404


class Renderer(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that others may use, and the machine that it runs on.

    Attributes:
        widgetshot, playwright: their versions there.
        browser: its kind.
        identity: see `capture.browser.identity`.
        platform: `linux`, `macos` or `windows`.
        machine: the processor's name; of another's browser also what graphics it draws with, if it does.
        fonts: digest of the fonts, see `capture.fingerprint`.
        scale: device pixels per CSS pixel that it was started with.
        flags: by what it was started with besides, of which nobody knows what it does to pictures; "" for nothing.
    """

    widgetshot: str
    playwright: str
    browser: str
    identity: str
    platform: str
    machine: str
    fonts: str
    scale: float
    flags: str = ""


def renderer_here(settings: Settings, found: Browser) -> Renderer:
    """Describe the browser of this machine.

    Raises:
        ServerError: it can't be asked.
    """
    return Renderer(
        widgetshot=__version__,
        playwright=version("playwright"),
        browser=found.kind,
        identity=identity(found),
        platform=THIS_PLATFORM,
        machine=platform.machine().lower(),
        fonts=fonts_digest(settings),
        scale=settings.scale,
    )


def minor(playwright: str) -> str:
    """Return the part of a version of Playwright that both ends must share: `1.65` of `1.65.2`."""
    return ".".join(playwright.split(".")[:2])


def read_renderer(settings: Settings) -> Renderer:
    """Ask the browser at the project's endpoint what it is. Takes its time: not for an event loop.

    Raises:
        ServerError: there is none, it does not know the token, or its Playwright can't be spoken to.
        ConfigError: it is none that this project's pictures are drawn by.
    """
    place = place_of(settings.browser_endpoint)
    data, ours = _fetch(settings, place)
    try:
        renderer = msgspec.json.decode(data, type=Renderer)
    except (msgspec.MsgspecError, UnicodeError):
        # Without a cause, as all errors here: what others say of an address may hold its token.
        raise _no_server_of_ours(place, ours) from None
    _check(renderer, settings, place)
    return renderer


def _fetch(settings: Settings, place: str) -> tuple[bytes, bool]:
    """Return what the description's page says, and whether it is of a server of ours.

    The address is in no variable: pytest shows those of a function that raises.
    """
    refused = None
    try:
        with asking().open(page_of(settings.browser_endpoint, PAGE), timeout=ANSWER_TIMEOUT_S) as answer:
            return read_answer(answer), HEADER in answer.headers
    except urllib.error.HTTPError as error:
        with error:
            refused = error.code, HEADER in error.headers
    except (OSError, http.client.HTTPException, ValueError) as error:
        next_step = f"{SERVE}  (there), then export {VARIABLE}=...  (here), with the address that it prints"
        raise unreachable(error, settings, next_step) from None
    code, ours = refused
    if code == _NOT_FOUND and ours:
        raise ServerError(
            f"the server of browsers at {place} does not know the token of this address",
            next_step=f"export {VARIABLE}=...  with the address that `{SERVE}` has printed when it was last started",
        )
    raise _no_server_of_ours(place, ours, f" (HTTP {code})")


def asking() -> urllib.request.OpenerDirector:
    """Return what asks an address itself: no proxy, where what is beside us would be looked for, and nobody else."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())


def unreachable(error: Exception, settings: Settings, next_step: str) -> ServerError:
    """Return the error of an endpoint where nobody answers, or not by HTTP."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    place = place_of(settings.browser_endpoint)
    said = _without_secrets(reason, settings)
    return ServerError(f"no browser can be reached at {place}: {said}", next_step=next_step)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Goes nowhere but where it was told to go."""

    def redirect_request(self, *_: Any) -> None:
        return None


def read_answer(answer: http.client.HTTPResponse) -> bytes:
    """Return what a page says, as far as it says so in time.

    Raises:
        TimeoutError: it goes on for longer than it may.
    """
    end, data = perf_counter() + ANSWER_TIMEOUT_S, b""
    while len(data) < _MAX_BYTES and (more := answer.read1(_MAX_BYTES)):
        data += more
        if perf_counter() > end:
            raise TimeoutError(f"the answer has no end within {ANSWER_TIMEOUT_S:g} s")
    return data


def refuse_other_platform(settings: Settings) -> None:
    """Refuse to draw here what a browser of another platform is to draw.

    Raises:
        ConfigError: no endpoint is named, and the project's platform is not this machine's.
    """
    if settings.platform != THIS_PLATFORM and not settings.browser_endpoint:
        raise ConfigError(
            f"'{settings.platform}' is the platform of a browser elsewhere, and none is named: here it is "
            f"'{THIS_PLATFORM}'",
            where="pyproject.toml [tool.widgetshot] platform",
            next_step=f"export {VARIABLE}=ws://HOST:PORT/TOKEN  (widgetshot browser serve, there, prints it)",
        )


def _without_secrets(reason: object, settings: Settings) -> str:
    """Return why a request failed, on one line, without what is secret in the address."""
    redactor = Redactor((*settings.redactor.values, *secrets_of(settings.browser_endpoint)))
    return one_line(redactor.text(str(reason) or type(reason).__name__))


def _no_server_of_ours(place: str, ours: bool, detail: str = "") -> ServerError:
    what = "answers in a way that this widgetshot does not know" if ours else f"is not `{SERVE}`"
    return ServerError(
        f"what answers at {place} {what}{detail}",
        next_step="start it with the widgetshot that is installed here: pip install "
        f"widgetshot=={__version__}; {SERVE}  (there)",
    )


def _check(renderer: Renderer, settings: Settings, place: str) -> None:
    """Refuse a browser that this project's pictures are not drawn by.

    Raises:
        ServerError, ConfigError: it is another one.
    """
    own = version("playwright")
    if minor(renderer.playwright) != minor(own):
        raise ServerError(
            f"the browser at {place} is driven by Playwright {one_line(renderer.playwright)}, and here is {own}: both "
            "must have the same first two numbers",
            next_step=f"pip install 'playwright=={minor(own)}.*'  (there), or another one (here)",
        )
    if renderer.browser != settings.browser:
        raise ConfigError(
            f"the browser at {place} is {one_line(renderer.browser)}, and this project captures with "
            f"{settings.browser}",
            next_step=f'{SERVE}  (there, in a project with browser = "{settings.browser}")',
        )
    if renderer.scale != settings.scale:
        raise ConfigError(
            f"the browser at {place} was started for scale = {renderer.scale:g}, and this project has "
            f"scale = {settings.scale:g}",
            next_step=f"{SERVE}  (there, in a project with scale = {settings.scale:g})",
        )
    refuse_another_platform(renderer, settings, place)


def refuse_another_platform(renderer: Renderer, settings: Settings, place: str) -> None:
    """Refuse a browser that runs on another platform than the one that the project's baselines are for.

    Raises:
        ConfigError: it does.
    """
    if renderer.platform != settings.platform:
        raise ConfigError(
            f"the browser at {place} runs on {one_line(renderer.platform)}, and these baselines are for "
            f"{settings.platform} ({settings.renderer})",
            next_step=f'platform = "{one_line(renderer.platform)}"  in pyproject.toml [tool.widgetshot]',
        )
