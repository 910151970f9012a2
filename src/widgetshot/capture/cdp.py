"""A browser that somebody else has launched, by the Chrome DevTools Protocol (CDP): what it is, and whether it fits.

It is asked by itself, since nobody else there knows: how it was started, what it reaches, its processor, its fonts.
"""

import hashlib
import re
import secrets
import shlex
import threading
import urllib.error
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import msgspec
from playwright.async_api import Error as PlaywrightError

from widgetshot import __version__
from widgetshot.capture.determinism import FONT_ALIASES, HARMLESS, UNDOING, required_flags
from widgetshot.capture.fingerprint import font_file_digests, fonts_digest
from widgetshot.capture.renderer import (
    ANSWER_TIMEOUT_S,
    SERVE,
    Renderer,
    asking,
    read_answer,
    refuse_another_platform,
    unreachable,
)
from widgetshot.errors import ConfigError, ServerError, one_line
from widgetshot.model import UNKNOWN
from widgetshot.project.endpoint import VARIABLE, is_cdp, place_of
from widgetshot.project.settings import Settings

FLAGS = "widgetshot browser flags"
_LAUNCH = f"chromium-headless-shell --remote-debugging-port=9222 ...  (there, with what `{FLAGS}` prints)"
_PAGE_TIMEOUT_S = 20.0
_FONTS_TIMEOUT_S = 30.0
_PATH = re.compile(r"[A-Za-z0-9/._~-]*")
# A name that nobody may have (RFC 6761): it is not found where the network is kept from pages, nor without a network;
# who has found something has asked a proxy.
_NOBODY = "http://widgetshot.invalid/"
_NOT_FOUND = "ERR_NAME_NOT_RESOLVED"
_PLATFORMS = {"Linux": "linux", "macOS": "macos", "Windows": "windows"}
# What a browser says of its processor (User-Agent Client Hints) -> what Python calls it there, see `fingerprint`.
_MACHINES = {
    ("linux", "x86", "64"): "x86_64",
    ("linux", "arm", "64"): "aarch64",
    ("macos", "x86", "64"): "x86_64",
    ("macos", "arm", "64"): "arm64",
    ("windows", "x86", "64"): "amd64",
    ("windows", "arm", "64"): "arm64",
}
# Features of Chromium (chrome://gpu): compositing and rasterization by a graphics processor.
_BY_GRAPHICS = ("gpu_compositing", "rasterization")
_PROCESSOR = """async () => {
    const said = await navigator.userAgentData?.getHighEntropyValues(["architecture", "bitness"]);
    return said ? [said.platform, said.architecture, said.bitness] : ["", "", ""];
}"""
# Every file of a font that the browser knows, by the digest of its bytes; null where it does not tell (Local Font
# Access API), or has too many.
_FONT_FILES = """async (limit) => {
    if (!window.queryLocalFonts) return null;
    const digests = new Set(), end = performance.now() + limit;
    for (const font of await queryLocalFonts()) {
        if (performance.now() > end) return null;
        const data = await (await font.blob()).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
        digests.add([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    }
    return [...digests].sort();
}"""
_SAMPLES = """(samples) => {
    for (const [family, text] of samples) {
        const sample = document.createElement("p");
        sample.style.fontFamily = family;
        sample.textContent = text;
        document.body.append(sample);
    }
}"""
# Of no family that we name: which font stands in is the machine's to say.
_FALLBACK = tuple((family, "Ag") for family in ("cursive", "fantasy", "math", "emoji", "no-such-font")) + tuple(
    ("sans-serif", text) for text in ("中文", "日本語", "한국어", "العربية", "עברית", "हिन्दी", "ไทย", "😀", "∑→", "")
)


class _Version(msgspec.Struct, frozen=True, rename={"address": "webSocketDebuggerUrl"}):
    """What a browser says at `/json/version`, as far as it is needed."""

    address: str


def flags_to_launch_with(settings: Settings) -> tuple[str, ...]:
    """Return what a browser must be started with to be had by CDP.

    Raises:
        ConfigError: the project captures with another browser than Chromium.
    """
    if settings.browser != "chromium":
        raise _only_chromium(settings)
    return required_flags(settings)


def refuse_other_kind(settings: Settings) -> None:
    """Refuse to look for a browser that does not speak CDP at an address of one that does.

    Raises:
        ConfigError: the project captures with another browser than Chromium.
    """
    if is_cdp(settings.browser_endpoint) and settings.browser != "chromium":
        raise _only_chromium(settings)


def _only_chromium(settings: Settings) -> ConfigError:
    return ConfigError(
        f"by an address of DevTools only Chromium can be had, and this project captures with {settings.browser}",
        next_step=f'{SERVE}  (there, in a project with browser = "{settings.browser}")',
    )


def devtools_address(settings: Settings) -> str:
    """Return the address of the browser at the project's endpoint for CDP. Takes its time: not for an event loop.

    Raises:
        ServerError: there is none.
        ConfigError: see `refuse_other_kind`.
    """
    refuse_other_kind(settings)
    if settings.browser_endpoint.startswith("ws"):
        return settings.browser_endpoint
    place = place_of(settings.browser_endpoint)
    data = _fetch(settings, place)
    try:
        path = urlsplit(msgspec.json.decode(data, type=_Version).address).path
    except (msgspec.MsgspecError, UnicodeError, ValueError):
        raise _no_browser(place) from None
    if not _PATH.fullmatch(path):
        raise _no_browser(place)
    # Its own address is the one that it knows, which is another one behind a container's port or a proxy.
    scheme = "wss" if settings.browser_endpoint.startswith("https") else "ws"
    query = urlsplit(settings.browser_endpoint).query
    return f"{scheme}://{place}{path or '/'}{'?' if query else ''}{query}"


def _page_of_version(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return parts._replace(path="/json/version").geturl()


def _fetch(settings: Settings, place: str) -> bytes:
    """Return what the browser says of itself. The address is in no variable, see `renderer`."""
    try:
        with asking().open(_page_of_version(settings.browser_endpoint), timeout=ANSWER_TIMEOUT_S) as answer:
            return read_answer(answer)
    except urllib.error.HTTPError as error:
        with error:
            said, code = error.read(200), error.code
    except (OSError, HTTPException, ValueError) as error:
        raise unreachable(error, settings, _LAUNCH) from None
    if b"Host header" in said:
        raise ServerError(
            f"the browser at {place} is to be called by an IP address or localhost, not by a name",
            next_step=f"export {VARIABLE}=http://IP:PORT",
        )
    raise _no_browser(place, f" (HTTP {code})")


def _no_browser(place: str, detail: str = "") -> ServerError:
    return ServerError(f"what answers at {place} is no Chromium with remote debugging{detail}", next_step=_LAUNCH)


async def inspect_browser(browser: Any, settings: Settings) -> Renderer:
    """Describe a connected browser, and see that pages of this machine can be drawn by it, and reach nothing else.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.

    Raises:
        ServerError: it was not started as it must be, or does not reach this machine.
        ConfigError: it is none that this project's pictures are drawn by.
        playwright.async_api.Error: it is gone.
    """
    place = place_of(settings.browser_endpoint)
    session = await browser.new_browser_cdp_session()
    about = await session.send("Browser.getVersion")
    system = await _system(session)
    words = await _command_line(session, system, settings, place)
    await session.detach()
    refuse_flags(words, settings, place)
    with _probe() as probe:
        context = await browser.new_context()
        try:
            page = await context.new_page()
            await _reach(browser, page, probe, place)
            # In a page of its own, which goes on to say by itself that nothing was found.
            await refuse_proxy(browser, await context.new_page(), place)
            said, architecture, bits = await page.evaluate(_PROCESSOR)
            platform = _PLATFORMS.get(said, one_line(said).lower() or UNKNOWN)
            renderer = Renderer(
                widgetshot=__version__,
                playwright=version("playwright"),
                browser=settings.browser,
                identity=f"{settings.browser} {about['product']} {about['revision']} {about['userAgent']}",
                platform=platform,
                machine=machine_name(_MACHINES.get((platform, architecture, bits), UNKNOWN), system),
                fonts=await _fonts(context, page, settings, probe),
                scale=settings.scale,
                flags=other_flags(words),
            )
        finally:
            await context.close()
    refuse_another_platform(renderer, settings, place)
    return renderer


# How it was started --------------------------------------------------------------------------------------------------


async def _system(session: Any) -> Mapping[str, Any]:
    """Return what the browser tells of itself and its machine; nothing where it does not.

    Raises:
        playwright.async_api.Error: it is gone.
    """
    try:
        return dict(await session.send("SystemInfo.getInfo"))
    except PlaywrightError:
        await session.send("Browser.getVersion")  # which they all tell
        return {}


async def _command_line(session: Any, system: Mapping[str, Any], settings: Settings, place: str) -> Sequence[str]:
    """Return the words that the browser was started with, its program among them.

    Args:
        system: see `_system`.

    Raises:
        ServerError: it does not tell.
    """
    try:
        # In words, but only of a browser that was started with --enable-automation.
        return [str(word) for word in (await session.send("Browser.getBrowserCommandLine"))["arguments"]]
    except PlaywrightError:
        line = str(system.get("commandLine", ""))
    if "--" not in line:
        raise ServerError(
            f"the browser at {place} does not tell how it was started, so nobody knows what its pages reach",
            next_step=f"{_LAUNCH}, and --enable-automation",
        )
    return split_command_line(line, required_flags(settings))


def split_command_line(line: str, known: Iterable[str]) -> list[str]:
    """Split what Chromium says of its command line into words; there is nothing but spaces between and in them.

    Its flags come first, and what is no flag stands behind the last one.

    Args:
        known: flags whose values may have spaces.
    """
    *words, last = re.split(r" (?=--[a-z])", line)
    flag = next((flag for flag in known if f"{last} ".startswith(f"{flag} ")), last.partition(" ")[0])
    words += [flag, *last[len(flag) :].split()]
    # Windows puts the values in quotes.
    return [re.sub(r'^(--[^=]+=)"(.*)"$', r"\1\2", word) for word in words]


def missing_flags(words: Iterable[str], settings: Settings) -> list[str]:
    """Return which flags a browser must have and does not have; of a flag that is there twice the last one counts."""
    given = _by_name(words)
    missing = []
    for flag in required_flags(settings):
        name, sign, value = flag.partition("=")
        if name == "--enable-features":
            there = value in given.get(name, "").split(",")
        elif sign:
            there = given.get(name) == value
        else:
            there = name in given
        if not there:
            missing.append(flag)
    return missing


def _by_name(words: Iterable[str]) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in words if word.startswith("--"))}


def refuse_flags(words: Sequence[str], settings: Settings, place: str) -> None:
    """Refuse a browser that draws in another way, or whose pages reach a network.

    Raises:
        ServerError: a flag is missing, or one undoes what others do.
    """
    if missing := missing_flags(words, settings):
        raise ServerError(
            f"the browser at {place} was started without {_named(missing)}: its pages would be drawn in another way, "
            "or reach a network",
            next_step=f"start it with what this prints: {FLAGS}",
        )
    if undoing := sorted(_by_name(words).keys() & UNDOING):
        raise ServerError(
            f"the browser at {place} was started with {_named(undoing)}: its pages would reach a network",
            next_step=f"start it without, and with what this prints: {FLAGS}",
        )


def _named(flags: Sequence[str]) -> str:
    return ", ".join(shlex.quote(flag) for flag in flags)


def other_flags(words: Iterable[str]) -> str:
    """Return which flags besides ours a browser was started with, and a digest of their values; "" for none.

    What they do to a picture is not known, so they are part of what tells one renderer from another.
    """
    others = {
        f"{name}={value}": name
        for name, value in _by_name(words).items()
        if name not in HARMLESS and f"{name}={value}" not in HARMLESS
    }
    if not others:
        return ""
    digest = hashlib.sha256("\n".join(sorted(others)).encode(errors="surrogatepass")).hexdigest()[:8]
    return one_line(f"with {' '.join(sorted(others.values()))} ({digest})")


# What draws ---------------------------------------------------------------------------------------------------------


def machine_name(processor: str, system: Mapping[str, Any]) -> str:
    """Return the name of what draws: the processor, and what graphics it has besides; see `Renderer`."""
    graphics = system.get("gpu", {})
    renderer = graphics.get("auxAttributes", {}).get("glRenderer")
    features = graphics.get("featureStatus")
    if processor == UNKNOWN or renderer is None or features is None:
        return UNKNOWN
    # A browser that is launched here without a display draws by its processor alone.
    by_software = not any(str(features.get(name, "")).startswith("enabled") for name in _BY_GRAPHICS)
    if by_software and (not renderer or "SwiftShader" in renderer):
        return processor
    return one_line(f"{processor} with {renderer}")


# What it reaches ----------------------------------------------------------------------------------------------------


class _Probe(ThreadingHTTPServer):
    """A page on this machine's loopback that nobody else can have: its path and its text are made up for it.

    Attributes:
        address: of the page.
        answer: its text.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.path, self.answer = f"/{secrets.token_urlsafe(16)}", secrets.token_urlsafe(16)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.address = self.origin + self.path


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Probe)
        ours = self.path == self.server.path
        self.send_response(200 if ours else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<!doctype html><p>{self.server.answer if ours else ''}</p>".encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def _probe() -> Iterator[_Probe]:
    with _Probe() as probe:
        # It is looked each tenth of a second whether it is to end, for which nobody waits long.
        thread = threading.Thread(target=probe.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield probe
        finally:
            probe.shutdown()
            thread.join()


async def _reach(browser: Any, page: Any, probe: _Probe, place: str) -> None:
    """See that the browser's loopback is this machine's.

    Raises:
        ServerError: it is another one's.
        playwright.async_api.Error: the browser is gone.
    """
    said = ""
    try:
        await page.goto(probe.address, timeout=_PAGE_TIMEOUT_S * 1000)
        said = await page.evaluate("() => document.body.textContent")
    except PlaywrightError:
        if not browser.is_connected():
            raise
    if said != probe.answer:
        raise ServerError(
            f"the browser at {place} does not reach 127.0.0.1 of this machine, where the pages of notebooks are, and "
            "CDP has no tunnel",
            next_step=f"have both share a network (as containers of one pod do), or: {SERVE}  (there)",
        )


async def refuse_proxy(browser: Any, page: Any, place: str) -> None:
    """Refuse a browser whose pages ask a proxy; a policy of its machine can set one without a flag.

    Args:
        browser, page: Playwright's, async or wrapped by `Awaitable`.

    Raises:
        ServerError: one does.
        playwright.async_api.Error: the browser is gone.
    """
    try:
        await page.goto(_NOBODY, timeout=_PAGE_TIMEOUT_S * 1000)
    except PlaywrightError as error:
        if _NOT_FOUND in str(error):
            return
        if not browser.is_connected():
            raise
    raise ServerError(
        f"pages of the browser at {place} reach more than loopback: a name that nobody has was asked for elsewhere",
        next_step="look for a proxy among its flags and policies",
    )


# Its fonts -----------------------------------------------------------------------------------------------------------


async def _fonts(context: Any, page: Any, settings: Settings, probe: _Probe) -> str:
    """Return what tells the fonts of the browser from others, see `capture.fingerprint`.

    That of a browser here, if it has the same files and takes the same ones for the families that we name. Else a
    digest of its files, and of what it takes for these families and for what has no font among ours.

    Raises:
        playwright.async_api.Error: the browser is gone.
    """
    try:
        await context.grant_permissions(["local-fonts"], origin=probe.origin)
        files = await page.evaluate(_FONT_FILES, _FONTS_TIMEOUT_S * 1000)
    except PlaywrightError:
        # Not every build of Chromium has this. One that is gone says so at the next question.
        files = None
    if not files:
        return UNKNOWN
    names = [(f'"{name}"' if " " in name else name, "Ag") for names in FONT_ALIASES.values() for name in names]
    samples = [*names, *_FALLBACK]
    await page.evaluate(_SAMPLES, samples)
    taken = await _taken(await context.new_cdp_session(page))
    expected = [[font] for font, names in FONT_ALIASES.items() for _ in names]
    if set(files) == font_file_digests(settings) and taken[-len(samples) :][: len(expected)] == expected:
        return fonts_digest(settings)
    return hashlib.sha256(repr((files, taken)).encode()).hexdigest()[:16]


async def _taken(session: Any) -> list[list[str]]:
    """Return the families of the fonts that each paragraph of a page is drawn with, sorted."""
    await session.send("DOM.enable")
    await session.send("CSS.enable")
    document = await session.send("DOM.getDocument")
    found = await session.send("DOM.querySelectorAll", {"nodeId": document["root"]["nodeId"], "selector": "p"})
    return [
        sorted(
            font["familyName"]
            for font in (await session.send("CSS.getPlatformFontsForNode", {"nodeId": node}))["fonts"]
        )
        for node in found["nodeIds"]
    ]
