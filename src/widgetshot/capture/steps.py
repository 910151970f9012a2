"""The actions of a step: what a person would do to the page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from widgetshot.errors import CaptureError

DEFAULT_STEP_TIMEOUT_MS = 10_000
_SLIDER_BOXES = """element => {
    const box = node => { const r = node.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; };
    const slider = element.closest('.noUi-target') ?? element.querySelector('.noUi-target');
    const handle = element.closest('.noUi-handle') ?? slider?.querySelector('.noUi-handle');
    if (slider) return [box(slider.querySelector('.noUi-base')), box(handle)];
    const input = element.matches('input[type=range]') ? element : element.querySelector('input[type=range]');
    if (!input) throw new Error('there is no slider here');
    const [x, y, w, h] = box(input);
    const part = (input.value - input.min) / (input.max - input.min);
    return [[x, y, w, h], [x + part * w, y, 0, h]];
}"""


async def perform(page: Any, root: Any, action: str, arguments: Mapping[str, Any], beside: Path) -> None:
    """Perform one action.

    Args:
        page: Playwright's page, async or wrapped by `Awaitable`.
        root: locator of the part of the page in which its element is looked for.
        action, arguments: see `Step`.
        beside: the notebook's folder, for uploads.

    Raises:
        CaptureError: the file to upload is absent.
        playwright.async_api.TimeoutError: its element is absent, or never became usable.
        playwright.async_api.Error: anything else went wrong.
    """
    timeout = timeout_ms(arguments)
    if action == "wait" and "text" in arguments:
        await root.get_by_text(arguments["text"]).filter(visible=True).nth(0).wait_for(timeout=timeout)
        return
    if action == "press" and "selector" not in arguments:
        await page.keyboard.press(arguments["key"])
        return
    element = root.locator(arguments["selector"]).nth(0)
    match action:
        case "upload":
            await _upload(page, element, beside / arguments["file"], timeout)
        case "wait":
            await element.wait_for(timeout=timeout)
        case "click":
            await element.click(timeout=timeout)
            await page.mouse.move(0, 0)
        case "hover":
            await element.hover(timeout=timeout)
        case "fill":
            await element.fill(arguments["text"], timeout=timeout)
            # A field tells its kernel when it is left or confirmed, not at each letter.
            await element.dispatch_event("change")
        case "press":
            await element.press(arguments["key"], timeout=timeout)
        case "select":
            await element.select_option(label=arguments["option"], timeout=timeout)
        case "drag":
            await _drag(page.mouse, element, float(arguments["to"]), timeout)


def timeout_ms(arguments: Mapping[str, Any]) -> float:
    """Return the milliseconds that a step's element may take to be usable."""
    return float(arguments["timeout"]) * 1000 if "timeout" in arguments else DEFAULT_STEP_TIMEOUT_MS


async def _upload(page: Any, element: Any, file: Path, timeout: float) -> None:
    if not file.is_file():
        raise CaptureError(f"there is no file {file} to upload", next_step="put it beside the notebook")
    if await element.evaluate("element => element.matches('input[type=file]')", timeout=timeout):
        await element.set_input_files(str(file), timeout=timeout)
        return
    # ipywidgets' button makes its file input when it is clicked, outside of the page.
    async with page.expect_file_chooser(timeout=timeout) as chooser:
        await element.click(timeout=timeout)
    await (await chooser.value).set_files(str(file), timeout=timeout)


async def _drag(mouse: Any, element: Any, to: float, timeout: float) -> None:
    """Drag the (first) handle of a slider to the part `to` of its track; up is more on a vertical one."""
    await element.scroll_into_view_if_needed(timeout=timeout)
    track, handle = await element.evaluate(_SLIDER_BOXES)
    begin = (handle[0] + handle[2] / 2, handle[1] + handle[3] / 2)
    upright = track[3] > track[2]
    end = (begin[0], track[1] + (1 - to) * track[3]) if upright else (track[0] + to * track[2], begin[1])
    await mouse.move(*begin)
    await mouse.down()
    await mouse.move(*end, steps=8)
    await mouse.up()
    await mouse.move(0, 0)
