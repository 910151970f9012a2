"""The same pixels in every run: browser flags, fonts, clock, random numbers, locale, and no request to elsewhere."""

import os
import shutil
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from widgetshot.capture.browser import Browser
from widgetshot.files import STATIC
from widgetshot.model import Clock, Target
from widgetshot.project.settings import Settings

_SHARED_MEMORY = Path("/dev/shm")
_SHARED_MEMORY_BYTES = 2**30  # a whole run needs less
# For pages that a page of ours opens: they know nothing of it.
WITHOUT_OPENER = "window.opener = null;"
_LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]"}
_NO_PROXY = "--no-proxy-server"
# Of no account for pictures, nor for what is sent. Which line of a script asked for something, which Playwright gets
# with every request, would be found out by parsing the whole script once more.
_SAVING = ("--no-first-run", "--js-flags=--no-enable-lazy-source-positions")
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
    # Of pictures that move, the first frame; and what a page has beyond the viewport is drawn, so that it can be
    # captured while the page stays as it is. Only the last such flag counts, so it repeats Playwright's own: there is
    # a mouse, which can hover.
    "--blink-settings=imageAnimationPolicy=2,mainFrameClipsContent=false,primaryHoverType=2,availableHoverTypes=2,"
    "primaryPointerType=4,availablePointerTypes=4",
    # Nothing leaves the machine: every name and address but loopback is unknown, and the browser itself is silent.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    _NO_PROXY,
    # Those rules know nothing of datagrams, which pages send by WebRTC.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    # A page goes on as fast while another one is in front of it, and may be opened by one (`PageSlot`); and nobody
    # tries something new on every tenth user. Playwright adds these, too, to what it launches, which others don't.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-popup-blocking",
    "--disable-field-trial-config",
    *_SAVING,
)
# What Playwright asks for where it launches: a picture is taken of a frame that was drawn for it. Not among the flags
# above, because only the last one of its name counts, and Playwright's own has more of them.
_FEATURES = "--enable-features"
_FEATURE = "CDPScreenshotNewSurface"
# A proxy asks for names itself, whatever is resolved here.
UNDOING = frozenset({"--proxy-server", "--proxy-pac-url", "--proxy-auto-detect", "--proxy-bypass-list", "--host-rules"})
# Of a browser that somebody else has launched: flags, or names of flags, of which pictures are known to be the same.
# Some of them Chromium adds by itself.
HARMLESS = frozenset(
    {
        *(flag.partition("=")[0] for flag in _FLAGS),
        "--force-device-scale-factor",
        "--headless",
        f"{_FEATURES}={_FEATURE}",
        "--use-gl=angle",
        "--use-angle=swiftshader-webgl",
        "--ozone-platform=headless",
        "--allow-pre-commit-input",
        "--flag-switches-begin",
        "--flag-switches-end",
        "--enable-automation",
        "--remote-debugging-port",
        "--remote-debugging-address",
        "--remote-allow-origins",
        "--user-data-dir",
        "--no-sandbox",
        "--disable-setuid-sandbox",
        "--no-zygote",
        "--no-default-browser-check",
        "--disable-dev-shm-usage",
        "--disable-breakpad",
        "--disable-crash-reporter",
        "--crash-dumps-dir",
        "--disable-extensions",
        "--disable-default-apps",
        "--metrics-recording-only",
        "--mute-audio",
        "--password-store",
        "--use-mock-keychain",
    }
)

# Run before any script of a page: the same random numbers and the same time in every run, also where a page is used
# again (js/src/live). Unless it is frozen, time goes on (frozen time breaks every debounce), but it starts at the same
# moment.
_PINNED_RANDOM_NUMBERS = """
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
_PINNED_CLOCK = """
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

# Lets the page's script watch what goes on in a frame of the same origin, before any script of the frame runs.
_WATCHED_FRAMES = """
(() => {
  try {
    if (window !== window.top) window.top.widgetshotFrame?.(window);
  } catch {
    // Of another origin: nobody can look into it.
  }
})();
"""

# What pages ask for -> the pinned font they get. Chromium's own generic families go by the names of old fonts.
FONT_ALIASES = {
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
    """Return the arguments of `BrowserType.launch` for steady pixels.

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
                for font, names in FONT_ALIASES.items()
                for name in names
            ),
        }
        conf.write_text(_FONTS_CONF % names, encoding="utf-8")
        env["FONTCONFIG_FILE"] = str(conf)
    options: dict[str, Any] = {"executable_path": browser.executable, "env": env, "headless": True}
    if browser.kind == "chromium":
        options["args"] = _chromium_flags(settings)
        if has_room(_SHARED_MEMORY):
            # Otherwise all that its processes hand to each other, every capture for one, is a file on a disk.
            options["ignore_default_args"] = ["--disable-dev-shm-usage"]
    return options


def _chromium_flags(settings: Settings) -> list[str]:
    return [*_FLAGS, f"--force-device-scale-factor={settings.scale:g}"]


def served_launch_options(settings: Settings, browser: Browser, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return how Playwright's server launches a browser for others: its launch options, as JSON, and its environment.

    Args:
        folder: an existing private folder; must live as long as the browser.
    """
    options = launch_options(settings, browser, folder)
    served: dict[str, Any] = {"executablePath": str(options["executable_path"]), "headless": True}
    if "args" in options:
        # It reaches the machines of others by a proxy of Playwright's, see `browser_guard`.
        served["args"] = [flag for flag in options["args"] if flag != _NO_PROXY]
    if "ignore_default_args" in options:
        served["ignoreDefaultArgs"] = options["ignore_default_args"]
    return served, {name: str(value) for name, value in options["env"].items()}


def required_flags(settings: Settings) -> tuple[str, ...]:
    """Return the flags without which a Chromium that somebody else launches can't draw this project's pictures."""
    flags = (flag for flag in _chromium_flags(settings) if flag not in _SAVING)
    return "--headless", *flags, f"{_FEATURES}={_FEATURE}"


def has_room(folder: Path) -> bool:
    """Tell whether a browser's processes can share their memory in a folder; in containers it is often tiny."""
    try:
        return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _SHARED_MEMORY_BYTES
    except OSError:
        return False


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def context_options(settings: Settings, target: Target) -> dict[str, Any]:
    """Return the arguments of `Browser.new_context` for a page in the variant of `target`."""
    return {
        "viewport": {"width": target.viewport.width, "height": target.viewport.height},
        "device_scale_factor": settings.scale,
        "locale": settings.locale,
        "timezone_id": settings.timezone,
        "color_scheme": target.color_scheme,
        "reduced_motion": "reduce",
        "service_workers": "block",
    }


def is_outside(url: str) -> bool:
    """Tell whether a request for this address would leave the machine."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in _LOOPBACK


async def prepare(context: Any, clock: Clock) -> None:
    """Pin the random numbers and the clock of all pages of a browser context, and have their frames watched.

    Args:
        context: Playwright's, async or wrapped by `Awaitable`.
    """
    await context.add_init_script(_PINNED_RANDOM_NUMBERS)
    await context.add_init_script(_WATCHED_FRAMES)
    start = datetime.fromisoformat(clock.start)
    if clock.frozen:
        await context.clock.set_fixed_time(start)
    else:
        await context.add_init_script(_PINNED_CLOCK % {"start": int(start.timestamp() * 1000)})
