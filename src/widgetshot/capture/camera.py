"""Playwright: loads a served page, waits until it is truly ready, takes Shots.

All of the capturing is written once, as coroutines over a page. Besides Playwright's async page they accept a
sync one wrapped by `Awaitable` (see there), which is how a Python test drives the page by itself.
"""

import asyncio
import base64
import contextlib
import hashlib
import io
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from platformdirs import user_cache_path
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeout
from playwright.async_api import async_playwright

from widgetshot.capture.browser import Browser, find_browser
from widgetshot.errors import CaptureError, ServerError, WidgetshotError
from widgetshot.files import STATIC
from widgetshot.model import Box, Clock, Element, Pixels, ServedPage, Shot, Step, Target, boxes_of
from widgetshot.project.settings import Settings
from widgetshot.verdict.compare import same

T = TypeVar("T")
# Step timeouts in milliseconds, unless the step has its own.
_STEP_TIMEOUT = 10_000
_LOAD_TIMEOUT = 30_000
_PAINT = (128, 128, 128, 255)  # in place of a secret
_ANSWER_TIMEOUT = 15.0  # seconds that a browser may take to answer a plain question
_LEAVE_TIMEOUT = 2.0  # seconds that a page may take to empty itself
_PAGES_PER_SLOT = 50  # after so many, what they may have left behind is thrown away
_SHARED = Path("/dev/shm")
_ROOM = 2**30  # bytes; a whole run needs less
_LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]"}
_FLAGS = (
    # Steady pixels: no sub-pixel text, one colour profile, software rendering of WebGL; and what is drawn anew is not
    # patched into what was drawn before, which shows at edges and corners how a page came to look as it does.
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--disable-font-subpixel-positioning",
    "--force-color-profile=srgb",
    "--enable-unsafe-swiftshader",
    "--disable-partial-raster",
    "--hide-scrollbars",
    # Nothing leaves the machine: every name and address but loopback is unknown, and the browser itself is silent.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    # Which line of a script asked for something, which is told to Playwright of every request, would be found out by
    # parsing the whole script once more.
    "--js-flags=--no-enable-lazy-source-positions",
)

# Run before any script of a page: the same random numbers and the same time in every run, also where a page is used
# again (js/src/live/index.ts). Unless it is frozen, time
# goes on (frozen time breaks every debounce), but it starts at the same moment.
_RANDOM = """
(() => {
  let seed;
  const begin = () => { seed = 0x9e3779b9; };
  begin();
  (window[Symbol.for("widgetshot.begin")] ??= []).push(begin);
  Math.random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
})();
"""
# Pages of one slot know nothing of the page that opened them.
_ALONE = "window.opener = null;"
_CLOCK = """
(() => {
  const start = %(start)d, Real = Date;
  let born;
  const begin = () => { born = performance.now(); };
  begin();
  (window[Symbol.for("widgetshot.begin")] ??= []).push(begin);
  const now = () => Math.floor(start + performance.now() - born);
  class Date_ extends Real {
    constructor(...args) { if (args.length) super(...args); else super(now()); }
    static now() { return now(); }
  }
  window.Date = new Proxy(Date_, { apply: () => new Date_().toString() });
})();
"""

# What pages ask for -> the pinned font they get. Chromium's own generic families go by the names of old fonts.
_FONT_ALIASES = {
    "Noto Sans": ("sans-serif", "sans", "system-ui", "Arial", "Helvetica", "Liberation Sans", "Verdana", "Roboto"),
    "DejaVu Serif": ("serif", "Times New Roman", "Times", "Georgia", "Liberation Serif"),
    "DejaVu Sans Mono": ("monospace", "Courier New", "Courier", "Liberation Mono", "Menlo", "Consolas", "Monaco"),
}

_FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
%(folders)s
  <cachedir>%(cache)s</cachedir>
  <match target="font">
    <edit name="antialias" mode="assign"><bool>true</bool></edit>
    <edit name="hinting" mode="assign"><bool>false</bool></edit>
    <edit name="hintstyle" mode="assign"><const>hintnone</const></edit>
    <edit name="rgba" mode="assign"><const>none</const></edit>
  </match>
%(aliases)s
</fontconfig>
"""


def launch_options(settings: Settings, browser: Browser, folder: Path) -> dict[str, Any]:
    """What `BrowserType.launch` is given for steady pixels.

    On Linux, all fonts come from our own folder and the configured ones.

    Args:
        folder: an existing private folder; must live as long as the browser.
    """
    env: dict[str, str | float | bool] = dict(os.environ)
    if sys.platform.startswith("linux"):
        folders = (STATIC / "fonts", *settings.fonts)
        conf = folder / "fonts.conf"
        names = {
            "folders": "\n".join(f"  <dir>{_escape(str(font))}</dir>" for font in folders),
            "cache": _escape(str(folder / "fonts-cache")),
            "aliases": "\n".join(
                f'  <alias binding="strong"><family>{name}</family><prefer><family>{font}</family></prefer></alias>'
                for font, names in _FONT_ALIASES.items()
                for name in names
            ),
        }
        conf.write_text(_FONTS_CONF % names, encoding="utf-8")
        env["FONTCONFIG_FILE"] = str(conf)
    options: dict[str, Any] = {"executable_path": browser.executable, "env": env, "headless": True}
    if browser.kind == "chromium":
        options["args"] = [*_FLAGS, f"--force-device-scale-factor={settings.scale:g}"]
        if has_room(_SHARED):
            # Otherwise all that its processes hand to each other, every capture for one, is a file on a disk.
            options["ignore_default_args"] = ["--disable-dev-shm-usage"]
    return options


def has_room(folder: Path) -> bool:
    """Whether a browser's processes can share their memory in a folder; in containers it is often tiny."""
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM
    except OSError:
        return False


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def context_options(settings: Settings, target: Target) -> dict[str, Any]:
    """What `Browser.new_context` is given for the page of `target`."""
    return {
        "viewport": {"width": target.viewport.width, "height": target.viewport.height},
        "device_scale_factor": settings.scale,
        "locale": settings.locale,
        "timezone_id": settings.timezone,
        "color_scheme": target.theme,
        "reduced_motion": "reduce",
        "service_workers": "block",
    }


def is_outside(url: str) -> bool:
    """Whether a request for this address would leave the machine."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in _LOOPBACK


async def prepare(context: Any, clock: Clock) -> None:
    """Pin the random numbers and the clock of all pages of a browser context.

    Args:
        context: Playwright's, async or wrapped by `Awaitable`.
    """
    await context.add_init_script(_RANDOM)
    start = datetime.fromisoformat(clock.start)
    if clock.frozen:
        await context.clock.set_fixed_time(start)
    else:
        await context.add_init_script(_CLOCK % {"start": int(start.timestamp() * 1000)})


async def product(browser: Any, kind: str) -> str:
    """What a running browser calls itself, e.g. `chromium 156.0.8078.79 HeadlessChrome`.

    Chromium's headless shell and the whole Chromium draw with other code although they share a version.

    Args:
        browser: Playwright's, async or wrapped by `Awaitable`.
    """
    name = f"{kind} {browser.version}"
    if kind != "chromium":
        return name
    session = await browser.new_browser_cdp_session()
    answer = await session.send("Browser.getVersion")
    await session.detach()
    return f"{name} {str(answer['product']).partition('/')[0]}"


def fingerprint(settings: Settings, browser: str) -> dict[str, Any]:
    """The renderer of a picture, as far as it does not depend on the notebook.

    Args:
        browser: see `product`.
    """
    frontend = json.loads((STATIC / "frontend.json").read_text(encoding="utf-8"))
    fonts = hashlib.sha256(frontend.pop("fonts").encode())
    for folder in settings.fonts:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                fonts.update(file.name.encode() + file.read_bytes())
    return {
        "browser": browser,
        "machine": platform.machine().lower(),
        "frontend": frontend,
        "fonts": fonts.hexdigest()[:16],
        "scale": settings.scale,
        "locale": settings.locale,
        "timezone": settings.timezone,
    }


class Awaitable:
    """A sync Playwright object in the dress of an async one.

    Every method becomes a coroutine that does its work at once and never suspends, so `run_now` can finish a
    coroutine written for the async API without an event loop.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._wrapped, name)
        if name in ("mouse", "keyboard", "clock"):
            return Awaitable(value)
        if not callable(value):
            return value
        if name in ("locator", "filter", "nth", "get_by_text"):
            return lambda *args, **kwargs: Awaitable(value(*args, **kwargs))
        if name == "new_browser_cdp_session":

            async def session() -> Any:
                return Awaitable(value())

            return session

        async def call(*args: Any, **kwargs: Any) -> Any:
            return value(*args, **kwargs)

        return call


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise RuntimeError("the coroutine waited for an event loop")


@dataclass
class CapturePage:
    """One live page and what it has said.

    Attributes:
        page: Playwright's page, async or wrapped by `Awaitable`.
        cdp: its CDP session with Chromium, else None.
        tabs: of the main stage, those of further pages of the same live_page, by name; what they say and spend is noted
            with it.
    """

    page: Any
    cdp: Any
    live_page: ServedPage
    settings: Settings
    limit: float
    console: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    crashed: bool = False
    acted: bool = False  # whether a step was performed in it
    tabs: dict[str, "CapturePage"] = field(default_factory=dict)
    _captures: list[Pixels] = field(default_factory=list)
    _covers: list[Box] = field(default_factory=list)  # what was painted over, in pixels of the whole page
    _seen: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was asked ahead for targets, by name
    _ears: "PageEvents | None" = None

    def listen(self, page: Any, ears: "PageEvents | None" = None) -> "PageEvents":
        """Note the page's errors and its requests to elsewhere.

        Args:
            page: Playwright's own, sync or async.
            ears: of the page, if it has been listened to before.
        """
        self._ears = ears or PageEvents(page)
        self._ears.stage = self
        return self._ears

    def detach(self) -> None:
        """Note nothing more of its page, which is about to show something else."""
        if self._ears is not None:
            self._ears.stage = None

    def _crash(self) -> None:
        self.crashed = True

    def _printed(self, message: Any) -> None:
        if message.type == "error":
            self._said(_console_text(message))

    def _said(self, text: str) -> None:
        # The same failed request is reported by the browser and by the library that made it.
        if len(self.console) < 50 and text not in self.console:
            self.console.append(self.settings.redactor.text(text.replace(self._secret(), "TOKEN"))[:2000])

    def _secret(self) -> str:
        return self.live_page.url.partition("token=")[2] or "\0"

    def _asked(self, url: str) -> None:
        if is_outside(url) and len(self.blocked) < 200 and url not in self.blocked:
            self.blocked.append(url)

    async def load(self) -> None:
        """Go to the live_page and wait until its scripts run.

        Raises:
            CaptureError: the page did not load.
        """
        begin = perf_counter()
        try:
            await self.page.goto(self.live_page.url, wait_until="domcontentloaded", timeout=_LOAD_TIMEOUT)
            await self.page.mouse.move(0, 0)
        except PlaywrightError as error:
            raise CaptureError(f"the page did not load: {first_line(error)}") from error
        self._add("load", begin)

    async def take_over(self) -> bool:
        """Show the live_page in a page that is loaded; whether that is possible.

        Raises:
            CaptureError: the page did not take it.
        """
        begin = perf_counter()
        try:
            shown = bool(await self.page.evaluate("url => window.widgetshot.enter(url)", self.live_page.url))
        except PlaywrightError as error:
            raise CaptureError(f"the page did not load: {first_line(error)}") from error
        self._add("load", begin)
        return shown

    async def settle(self, limit: float | None = None, *, max_settle: float | None = None) -> str:
        """Wait until the page is ready; what still moves after `limit` seconds, or "".

        Args:
            max_settle: seconds after which a page that is drawn, but goes on moving, is good enough.
        """
        begin = perf_counter()
        try:
            unrest: str = await self.page.evaluate(
                "([limit, maxSettle]) => window.widgetshot.ready(limit, maxSettle)",
                [(self.limit if limit is None else limit) * 1000, None if max_settle is None else max_settle * 1000],
            )
        except PlaywrightError as error:
            cause = "the page crashed" if self.crashed else first_line(error)
            raise CaptureError(f"the page could not be made ready: {cause}") from error
        self._add("settle", begin)
        return unrest

    async def act(self, target: Target, step: Step, number: int, beside: Path) -> str:
        """Perform one step and wait until its effect is there; what still moves then, or "".

        Args:
            beside: the notebook's folder, for uploads.

        Raises:
            CaptureError: the step's element is absent, or never became usable.
        """
        self.moved()
        self.acted = True
        where = f"{target.nodeid} step {number}"
        arguments = step.arguments
        timeout = float(arguments["timeout"]) * 1000 if "timeout" in arguments else _STEP_TIMEOUT
        root = self.page.locator(
            "body" if arguments.get("page") or target.cell_id is None else self.live_page.selectors[target.cell_id]
        )
        try:
            await self._perform(step.action, arguments, root, timeout, beside)
        except PlaywrightTimeout as error:
            looked_for = arguments.get("selector") or arguments.get("text")
            found = f"step '{step.action}' found nothing usable for {looked_for!r} in {timeout / 1000:g} s"
            # A callback that raised is the likely cause.
            problems = (await self.look(target))["problems"]
            raise CaptureError(
                "; ".join([found, *problems]),
                where=where,
                next_step="correct the selector in the notebook, or give the step a longer 'timeout'",
            ) from error
        except PlaywrightError as error:
            raise CaptureError(
                f"step '{step}' failed: {first_line(error)}", where=where, next_step="correct the step in the notebook"
            ) from error
        # Callbacks answer in order only if each step's effect is there before the next step begins.
        return await self.settle(max_settle=target.max_settle)

    def moved(self) -> None:
        """Forget what was captured: somebody has acted on the page."""
        self._captures.clear()
        self._covers.clear()
        self._seen.clear()

    async def _perform(
        self, action: str, arguments: Mapping[str, Any], root: Any, timeout: float, beside: Path
    ) -> None:
        if action == "wait" and "text" in arguments:
            element = root.get_by_text(arguments["text"]).filter(visible=True).nth(0)
            await element.wait_for(timeout=timeout)
            return
        if action == "press" and "selector" not in arguments:
            await self.page.keyboard.press(arguments["key"])
            return
        element = root.locator(arguments["selector"]).nth(0)
        if action == "upload":
            await self._upload(element, beside / arguments["file"], timeout)
        elif action == "wait":
            await element.wait_for(timeout=timeout)
        elif action == "click":
            await element.click(timeout=timeout)
            await self.page.mouse.move(0, 0)
        elif action == "hover":
            await element.hover(timeout=timeout)
        elif action == "fill":
            await element.fill(arguments["text"], timeout=timeout)
            # A field tells its kernel when it is left or confirmed, not at each letter.
            await element.dispatch_event("change")
        elif action == "press":
            await element.press(arguments["key"], timeout=timeout)
        elif action == "select":
            await element.select_option(label=arguments["option"], timeout=timeout)
        elif action == "drag":
            await self._drag(element, float(arguments["to"]), timeout)

    async def _upload(self, element: Any, file: Path, timeout: float) -> None:
        if not file.is_file():
            raise CaptureError(f"there is no file {file} to upload", next_step="put it beside the notebook")
        if await element.evaluate("element => element.matches('input[type=file]')", timeout=timeout):
            await element.set_input_files(str(file), timeout=timeout)
            return
        # ipywidgets' button makes its file input when it is clicked, outside of the page.
        async with self.page.expect_file_chooser(timeout=timeout) as chooser:
            await element.click(timeout=timeout)
        await (await chooser.value).set_files(str(file), timeout=timeout)

    async def _drag(self, element: Any, to: float, timeout: float) -> None:
        """Drag the (first) handle of a slider to the part `to` of its track; up is more on a vertical one."""
        await element.scroll_into_view_if_needed(timeout=timeout)
        track, handle = await element.evaluate(
            """element => {
                const box = node => { const r = node.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; };
                const slider = element.closest('.noUi-target') ?? element.querySelector('.noUi-target');
                const handle = element.closest('.noUi-handle') ?? slider?.querySelector('.noUi-handle');
                if (slider) return [box(slider.querySelector('.noUi-base')), box(handle)];
                const input = element.matches('input[type=range]') ? element
                    : element.querySelector('input[type=range]');
                if (!input) throw new Error('there is no slider here');
                const [x, y, w, h] = box(input);
                const part = (input.value - input.min) / (input.max - input.min);
                return [[x, y, w, h], [x + part * w, y, 0, h]];
            }"""
        )
        begin = (handle[0] + handle[2] / 2, handle[1] + handle[3] / 2)
        if track[3] > track[2]:
            end = (begin[0], track[1] + (1 - to) * track[3])
        else:
            end = (track[0] + to * track[2], begin[1])
        mouse = self.page.mouse
        await mouse.move(*begin)
        await mouse.down()
        await mouse.move(*end, steps=8)
        await mouse.up()
        await mouse.move(0, 0)

    async def picture(self, attempt: int = 0) -> Pixels:
        """The whole page, from its top left corner to the end of its content, in one capture.

        Targets that look at one state of the page share its captures: the first two since the last step are kept.
        """
        if attempt < len(self._captures):
            return self._captures[attempt]
        begin = perf_counter()
        try:
            secrets = await self._secret_places()
            extent = await self.page.evaluate("() => window.widgetshot.extent()")
            beyond = extent.pop("beyond")
            if self.cdp is not None:
                # Playwright's own screenshot takes twice as long and scrolls the page about.
                answer = await self.cdp.send(
                    "Page.captureScreenshot",
                    {
                        "format": "png",
                        "optimizeForSpeed": True,
                        # The browser lays the page out anew for it, and once more afterwards.
                        "captureBeyondViewport": beyond,
                        "clip": {"x": 0, "y": 0, **extent, "scale": 1},
                    },
                )
                data = base64.b64decode(answer["data"])
            else:
                data = await self.page.screenshot(full_page=True, animations="disabled", caret="hide")
            # Also what has come or gone while the picture was taken.
            secrets += await self._secret_places()
        except PlaywrightError as error:
            cause = "the page crashed" if self.crashed else first_line(error)
            raise CaptureError(f"no picture could be taken: {cause}") from error
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGBA"))
        if secrets:
            pixels = self._paint_over(pixels, secrets)
        self._add("capture", begin)
        if len(self._captures) < 2:
            self._captures.append(pixels)
        return pixels

    async def _secret_places(self) -> list[dict[str, float]]:
        """Where the page shows a secret: put together by its own scripts, or typed into it."""
        if not self.settings.redactor:
            return []
        places: list[dict[str, float]] = await self.page.evaluate(
            "forms => window.widgetshot.secretPlaces(forms)", list(self.settings.redactor.forms)
        )
        return places

    def _paint_over(self, pixels: Pixels, places: list[dict[str, float]]) -> Pixels:
        painted = pixels.copy()
        height, width = pixels.shape[:2]
        for place in places:
            box = _picture_box(place, self.settings.scale, width, height)
            painted[box.y : box.y + box.height, box.x : box.x + box.width] = _PAINT
            self._covers.append(box)
        return painted

    async def look(self, target: Target, following: Sequence[Target] = ()) -> dict[str, Any]:
        """Ask the page, at once, for all that a picture of the target depends on.

        Args:
            following: targets that show the same state of the page; they are asked about together, which is kept for
                them until somebody acts on the page.

        Returns:
            `problems` that make it untrustworthy, the `rect` that it shows, and of each mask with a selector its boxes
            (`masks`), in page coordinates; `wrong` is why one of those selectors is not valid. `shown` has the widgets'
            state (`tree`), the versions of their front ends (`modules`), and `layout`; None where there are problems.
        """
        if target.name in self._seen:
            return self._seen.pop(target.name)
        asked = [
            [self._scope(one), [mask.selector for mask in one.masks if mask.selector]] for one in (target, *following)
        ]
        seen, *ahead = json.loads(await self.page.evaluate("asked => window.widgetshot.look(asked)", asked))
        self._seen = {one.name: answer for one, answer in zip(following, ahead, strict=True) if answer is not None}
        first: dict[str, Any] = seen
        return first

    def view(self, whole: Pixels, rect: Mapping[str, float] | None) -> tuple[Pixels, Box]:
        """The part of the whole page's picture that is the target's, and where it is, in picture pixels.

        Args:
            rect: see `look`.

        Raises:
            CaptureError: the cell shows nothing.
        """
        height, width = whole.shape[:2]
        if rect is None:
            return whole, Box(0, 0, width, height)
        box = _picture_box(rect, self.settings.scale, width, height)
        if not box.width or not box.height:
            raise CaptureError(
                "the cell shows nothing: it has no output", next_step="let the cell display the widget it makes"
            )
        return whole[box.y : box.y + box.height, box.x : box.x + box.width], box

    def masks(self, target: Target, frame: Box, seen: Mapping[str, Any]) -> tuple[tuple[Box, ...], ...]:
        """Where the target's masks are, in pixels of its picture.

        Args:
            seen: see `look`.

        Raises:
            CaptureError: a mask's selector is not valid, or there is nothing to mask.
        """
        if seen["wrong"]:
            raise CaptureError(
                f"a mask's selector is not valid CSS: {seen['wrong']}",
                next_step="correct the selector under 'mask:'",
            )
        rects = iter(seen["masks"])
        boxes: list[tuple[Box, ...]] = []
        for mask in target.masks:
            if mask.box is not None:
                boxes.append((mask.box,))
                continue
            here = tuple(
                Box(box.x - frame.x, box.y - frame.y, box.width, box.height)
                for rect in next(rects)
                for box in [_picture_box(rect, self.settings.scale, 10**6, 10**6)]
            )
            if not here and not mask.inherited:
                raise CaptureError(
                    f"mask {mask.selector!r} ({mask.reason}) matches nothing visible",
                    next_step="correct or remove the mask: what it covered is compared now",
                )
            boxes.append(here)
        return tuple(boxes)

    def _scope(self, target: Target) -> str | None:
        """Selector of what the target's picture shows; None for the whole page."""
        if target.cell_id is None or target.capture == "page":
            return None
        return self.live_page.selectors[target.cell_id]

    async def capture(
        self,
        target: Target,
        expected: Callable[[Pixels, tuple[tuple[Box, ...], ...]], bool],
        unrest: str,
        following: Sequence[Target] = (),
    ) -> Shot:
        """Take the target's shot from the state the page is in.

        The first picture is good when it is the expected one; otherwise the page is captured until two pictures
        in a row are equal.

        Args:
            expected: whether pixels (with these masks) are the baseline's.
            unrest: what `settle` said.
            following: see `look`.

        Raises:
            CaptureError: a widget has failed, the cell shows nothing, the picture is blank.
        """
        previous: Pixels | None = None
        deadline = perf_counter() + (target.max_settle if target.max_settle is not None else self.limit)
        for attempt in range(1_000):
            whole = await self.picture(attempt)
            seen = await self.look(target, following)
            self._refuse(seen["problems"])
            pixels, frame = self.view(whole, seen["rect"])
            masks = self.masks(target, frame, seen)
            if expected(pixels, masks):
                break
            # With a max_settle the page is known never to rest: the picture is taken as it is.
            if target.max_settle is not None and unrest:
                break
            if previous is not None and not unrest and same(previous, pixels, boxes_of(masks)):
                break
            if attempt and perf_counter() > deadline:
                unrest = unrest or "two pictures taken after one another differ"
                break
            previous = pixels
            if attempt + 1 < len(self._captures):
                continue
            unrest = await self.settle(max(0.05, min(self.limit, deadline - perf_counter())))
            self._seen.clear()
        settled = not unrest or target.max_settle is not None
        if pixels.size and not target.allow_blank and _is_blank(pixels):
            raise CaptureError(
                "the picture is blank: every pixel has the same colour",
                next_step="let the widget draw something, or declare 'allow_blank: true' if this is how it looks",
            )
        state = seen["shown"]
        covers = tuple(Box(box.x - frame.x, box.y - frame.y, box.width, box.height) for box in self._covers)
        redactor = self.settings.redactor
        return Shot(
            pixels=pixels,
            masks=masks,
            widgets=redactor.data(state["tree"]),
            modules=state["modules"],
            layout=_elements(redactor.data(state["layout"]["places"]), frame, self.settings.scale, (*masks, covers)),
            layout_cut=bool(state["layout"]["cut"]),
            settled=settled,
            second=None if settled or previous is None else previous,
            unrest=redactor.text(unrest),
            timings=dict(self.timings),
        )

    def _refuse(self, problems: list[str]) -> None:
        if problems:
            raise CaptureError(self.settings.redactor.text("; ".join(problems)), next_step=_advice(problems))

    def _add(self, stage: str, begin: float) -> None:
        self.timings[stage] = self.timings.get(stage, 0.0) + perf_counter() - begin


class PageEvents:
    """Tells a stage what its page says; of a page that is used again, each stage in its turn.

    Playwright's driver is asked for messages once only.
    """

    def __init__(self, page: Any) -> None:
        self.stage: CapturePage | None = None
        page.on("console", lambda message: self._tell(CapturePage._printed, message))
        page.on("pageerror", lambda error: self._tell(CapturePage._said, str(error)))
        page.on("crash", lambda _: self._tell(CapturePage._crash))
        page.on("request", lambda request: self._tell(CapturePage._asked, request.url))
        page.on("websocket", lambda socket: self._tell(CapturePage._asked, socket.url))

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        if self.stage is not None:
            what(self.stage, *arguments)


def _is_blank(pixels: Pixels) -> bool:
    """Whether all of a picture has one colour; most are known not to by their first rows."""
    colours = pixels.view(np.uint32)[..., 0]
    first = colours[0, 0]
    return all((row == first).all() for row in colours)


def _elements(
    places: list[dict[str, Any]], frame: Box, scale: float, masks: tuple[tuple[Box, ...], ...]
) -> tuple[Element, ...]:
    """The page's elements in the picture's pixels; of what a mask covers nothing is said."""
    found = []
    covers = boxes_of(masks)
    for place in places:
        left, top, width, height = (side * scale for side in place["box"])
        box = Box(round(left) - frame.x, round(top) - frame.y, round(width), round(height))
        if any(_inside(box, cover) for cover in covers):
            continue
        element = Element(str(place["name"]), box, int(place["depth"]))
        hidden = any(_meet(box, cover) for cover in covers)
        found.append(replace(element, name=element.kind) if hidden else element)
    return tuple(found)


def _inside(one: Box, other: Box) -> bool:
    return (
        other.x <= one.x
        and other.y <= one.y
        and one.x + one.width <= other.x + other.width
        and one.y + one.height <= other.y + other.height
    )


def _meet(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _picture_box(rect: Mapping[str, float], scale: float, width: int, height: int) -> Box:
    """The whole pixels that a page rectangle touches, inside a picture of the given size."""
    left = max(0, int(np.floor(rect["x"] * scale)))
    top = max(0, int(np.floor(rect["y"] * scale)))
    right = min(width, int(np.ceil((rect["x"] + rect["width"]) * scale)))
    bottom = min(height, int(np.ceil((rect["y"] + rect["height"]) * scale)))
    return Box(left, top, max(0, right - left), max(0, bottom - top))


def _console_text(message: Any) -> str:
    # Chromium does not name what failed to load in the text, only in the place.
    if message.text.startswith("Failed to load resource"):
        return f"{message.text} {message.location.get('url', '')}"
    return str(message.text)


def _advice(problems: list[str]) -> str:
    for problem in problems:
        if "is not installed" in problem:
            name = problem.partition("front end of '")[2].partition("'")[0]
            return f"pip install {name.lstrip('@').split('/')[0] or 'the widget package'}"
        if problem.startswith("a callback raised"):
            return "mend the callback, or let an Output widget show its error"
    return "open the notebook in Jupyter and look at the widget"


def first_line(error: Exception) -> str:
    """What Playwright's error says, without its call log."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


@dataclass
class PageSlot:
    """A fresh page to take pictures of, and what keeps the next one from starting from nothing.

    In Chromium all pages of a slot share a process, one after the other, because a page that stays open (the
    anchor) opens them; so scripts that the anchor has compiled and fonts that it has decoded are there already. A page
    has its own globals all the same, and what it stores in the browser is removed after it.

    A page in which no script but our own has run and no step was performed is emptied and used again; at first that is
    the anchor itself.

    Attributes:
        made_for: a target of the variant that the context has.
        variant: a target of the variant that the page has.
        stage: what is shown in the page, if anything is.
        kept: whether the page is loaded, and as good as a new one.
    """

    context: Any
    page: Any
    cdp: Any
    made_for: Target
    variant: Target
    anchor_url: str
    anchor: Any = None
    anchor_cdp: Any = None
    used: int = 0
    stage: CapturePage | None = None
    ears: PageEvents | None = None
    kept: bool = False

    async def renew(self, target: Target) -> None:
        """Make the next page ready, with the variant of `target`."""
        if self.kept:
            self.used += 1
            # Its process may have died since, for which the next live_page can't be blamed.
            await self.page.evaluate("() => 0")
            await _vary(self.page, self.variant, target)
        else:
            self.page, self.cdp = await self.another(target)
            self.ears = None
        self.variant = target

    async def another(self, target: Target) -> tuple[Any, Any]:
        """Open one more page for the variant of `target`, beside those that are open; the page and its CDP session."""
        if self.anchor is None:
            return await self.context.new_page(), None
        async with self.anchor.expect_popup() as opened:
            await self.anchor.evaluate("() => void window.open('about:blank')")
        page = await opened.value
        self.used += 1
        await _vary(page, self.made_for, target)
        return page, await self.context.new_cdp_session(page)

    async def clear(self) -> None:
        """Empty the page for the next live_page, or close it and remove what it has stored; close those it has opened.

        An anchor in which somebody else's script has run is none any more: then the context is closed.
        """
        stage, self.stage = self.stage, None
        pure = self.kept if stage is None else await self._left(stage)
        # Who has clicked and typed leaves more behind than can be seen, as whether a focus is to be shown.
        self.kept = pure and not (stage is not None and stage.acted)
        if self.page is self.anchor and not pure:
            self.anchor = None
            await self.context.close()
            return
        for page in self.context.pages:
            if page is not self.anchor and not (self.kept and page is self.page):
                await page.close()
        if not pure:
            await self.anchor_cdp.send(
                "Storage.clearDataForOrigin",
                {"origin": "/".join(self.anchor.url.split("/")[:3]), "storageTypes": "all"},
            )

    async def _left(self, stage: CapturePage) -> bool:
        """Whether the page could be emptied, and only our own scripts have run in it."""
        stage.detach()
        try:
            return bool(await asyncio.wait_for(self.page.evaluate("() => window.widgetshot.leave()"), _LEAVE_TIMEOUT))
        except (PlaywrightError, TimeoutError):
            # It went to another address, or waits for a widget that never came.
            return False


async def _vary(page: Any, before: Target, target: Target) -> None:
    """Give a page the variant of `target`, which has that of another one."""
    if target.theme != before.theme:
        await page.emulate_media(color_scheme=target.theme, reduced_motion="reduce")
    if target.viewport != before.viewport:
        await page.set_viewport_size({"width": target.viewport.width, "height": target.viewport.height})


@contextlib.contextmanager
def _compiled_once() -> Iterator[None]:
    """Lets Playwright's driver, a program of Node.js, keep what it has compiled for later runs."""
    name = "NODE_COMPILE_CACHE"
    if name in os.environ:
        yield
        return
    os.environ[name] = str(user_cache_path("widgetshot") / "node")
    try:
        yield
    finally:
        del os.environ[name]


class Camera:
    """A browser of our own.

    Args:
        folder: an existing private folder.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.fingerprint: dict[str, Any] = {}
        self._folder = folder
        self._playwright: Any = None
        self._browser: Any = None
        self._slots: dict[tuple[Clock, str], list[PageSlot]] = {}
        self._scripts_seen = False

    async def start(self) -> None:
        """Launch the browser.

        Raises:
            ServerError: there is none, or it does not start.
        """
        found = find_browser(self.settings.browser, self.settings.browser_executable)
        try:
            with _compiled_once():
                self._playwright = await async_playwright().start()
            kind = getattr(self._playwright, self.settings.browser)
            self._browser = await kind.launch(**launch_options(self.settings, found, self._folder))
            self.fingerprint = fingerprint(self.settings, await product(self._browser, self.settings.browser))
        except BaseException as error:
            await self.stop()
            if isinstance(error, PlaywrightError):
                raise ServerError(
                    f"{found.executable} did not start: {first_line(error)}", next_step="widgetshot doctor"
                ) from error
            raise

    async def stop(self) -> None:
        """End the browser and its driver."""
        self._slots.clear()
        if self._browser is not None:
            await self._browser.close()
        if self._playwright is not None:
            await self._playwright.stop()
        self._browser = self._playwright = None

    async def alive(self) -> bool:
        """Whether the browser still answers. It is asked, because its death becomes known only a moment later."""
        try:
            context = await asyncio.wait_for(self._browser.new_context(), _ANSWER_TIMEOUT) if self.connected else None
            if context is not None:
                await context.close()
        except (PlaywrightError, TimeoutError):
            return False
        return context is not None

    @property
    def connected(self) -> bool:
        return bool(self._browser is not None and self._browser.is_connected())

    async def slot(self, target: Target, anchor_url: str) -> PageSlot:
        """A fresh page for the variant of `target`, which shows nothing so far.

        Args:
            anchor_url: a page of the same origin that loads what all live pages need.

        Raises:
            ServerError: the browser is gone.
        """
        idle = self._slots.get((target.clock, anchor_url), [])
        while idle:
            slot = idle.pop()
            try:
                await slot.renew(target)
                return slot
            except PlaywrightError:
                # Its process has died since: nobody but the page before can be blamed for that.
                with contextlib.suppress(PlaywrightError):
                    await slot.context.close()
        try:
            slot = await self._build(target, anchor_url)
            if slot.anchor is not None and not slot.kept:
                await slot.renew(target)
        except PlaywrightError as error:
            raise ServerError(f"the browser is gone: {first_line(error)}", next_step="widgetshot doctor") from error
        return slot

    async def _build(self, target: Target, anchor_url: str) -> PageSlot:
        context = await self._browser.new_context(**context_options(self.settings, target))
        await prepare(context, target.clock)
        page = await context.new_page()
        if self.settings.browser != "chromium":
            await context.route(is_outside, lambda route: route.abort())
            return PageSlot(context, page, None, target, target, anchor_url)
        await context.add_init_script(_ALONE)
        cdp = await context.new_cdp_session(page)
        await page.goto(anchor_url, timeout=_LOAD_TIMEOUT)
        await page.mouse.move(0, 0)
        # Where notebooks bring scripts, one would spoil the anchor, and it takes longer to load than other pages.
        return PageSlot(context, page, cdp, target, target, anchor_url, page, cdp, kept=not self._scripts_seen)

    async def show(self, slot: PageSlot, live_page: ServedPage, limit: float) -> CapturePage:
        """Show a live page in a slot's page, ready for steps and pictures.

        Args:
            limit: seconds that the page may take to come to rest.

        Raises:
            CaptureError: the page did not load.
        """
        stage = slot.stage = CapturePage(slot.page, slot.cdp, live_page, self.settings, limit)
        slot.ears = stage.listen(slot.page, slot.ears)
        if not slot.kept:
            await stage.load()
        elif not await stage.take_over():
            # It has scripts of its own, or what only a page that loads can show. Nothing has come of it so far.
            slot.kept = False
            stage.detach()
            if slot.page is not slot.anchor:
                await slot.page.close()
            await slot.renew(slot.variant)
            return await self.show(slot, live_page, limit)
        return stage

    async def tab(self, slot: PageSlot, stage: CapturePage, name: str, target: Target) -> CapturePage:
        """A page of the stage's live_page, opened when it is first named and kept as long as the stage.

        Args:
            name: "" is the stage itself.
            target: of the variant that the slot is used for.

        Raises:
            CaptureError: the page could not be opened, or did not load.
        """
        if name and name not in stage.tabs:
            try:
                page, cdp = await slot.another(target)
            except PlaywrightError as error:
                raise CaptureError(f"the tab '{name}' could not be opened: {first_line(error)}") from error
            tab = CapturePage(
                page, cdp, stage.live_page, self.settings, stage.limit, stage.console, stage.blocked, stage.timings
            )
            tab.listen(page)
            await tab.load()
            stage.tabs[name] = tab
        return stage.tabs[name] if name else stage

    async def release(self, slot: PageSlot, *, spoiled: bool) -> None:
        """Take a page down; its slot is kept for the next one.

        Args:
            spoiled: whether its page has crashed or hangs, and everything that shares its process with it.
        """
        try:
            if spoiled and slot.cdp is not None:
                # A hanging page can't be closed, but the browser can end its process. It gives no answer to that.
                with contextlib.suppress(PlaywrightError, TimeoutError):
                    await asyncio.wait_for(slot.cdp.send("Page.crash"), 1.0)
            if slot.anchor is None or spoiled or slot.used >= _PAGES_PER_SLOT:
                await slot.context.close()
                return
            await slot.clear()
            if slot.anchor is None:
                self._scripts_seen = True
                return
        except PlaywrightError as error:
            if self.connected:
                raise WidgetshotError(f"a page could not be closed: {first_line(error)}") from error
            return
        self._slots.setdefault((slot.made_for.clock, slot.anchor_url), []).append(slot)
