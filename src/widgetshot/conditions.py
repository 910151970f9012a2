"""Reasons as codes, and their sentences: a page is not at rest, a picture can't be trusted, a notebook has no page.

Causes that come from a page's script or from another process are codes with parameters; nobody takes a sentence apart.
The sentences are made here and nowhere else. js/src/live/protocol.ts has the codes that the script of a page uses.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from string import Formatter
from typing import Generic, TypeVar


class Unrest(StrEnum):
    """The reasons why a page is not at rest: it waits for something, or something moved last."""

    SCRIPTS_LOADING = "scripts-loading"
    WIDGETS_LOADING = "widgets-loading"
    KERNEL_BUSY = "kernel-busy"
    KERNEL_WORKS = "kernel-works"
    ASSETS_LOADING = "assets-loading"
    WORK_PENDING = "work-pending"
    ELEMENTS_CHANGING = "elements-changing"
    IMAGE_LOADED = "image-loaded"
    FILE_READ = "file-read"
    REQUEST_ANSWERED = "request-answered"
    WORKER_ANSWERED = "worker-answered"
    KERNEL_MESSAGE = "kernel-message"
    # The camera says these by itself, of a page that says it is at rest.
    REQUESTS_PENDING = "requests-pending"
    PICTURES_DIFFER = "pictures-differ"


class Problem(StrEnum):
    """The reasons why a picture of a page can't be trusted."""

    CALLBACK_RAISED = "callback-raised"
    FRONT_END_BROKEN = "front-end-broken"
    FRONT_END_FAILED = "front-end-failed"
    FRONT_END_MISSING = "front-end-missing"
    IMAGE_MISSING = "image-missing"
    PAGE_NOT_STARTED = "page-not-started"
    RENDERER_MISSING = "renderer-missing"
    SCRIPT_BLOCKED = "script-blocked"
    STATE_MISSING = "state-missing"
    WIDGET_FAILED = "widget-failed"
    WIDGET_NOT_DRAWN = "widget-not-drawn"
    WIDGET_SHOWS_ERROR = "widget-shows-error"
    WIDGET_STILL_LOADING = "widget-still-loading"
    WIDGET_UNKNOWN = "widget-unknown"


class OpenFailure(StrEnum):
    """The reasons why a notebook has no live page."""

    NOTEBOOK_UNREADABLE = "notebook-unreadable"
    NOTHING_SAVED = "nothing-saved"
    KERNEL_UNKNOWN = "kernel-unknown"
    KERNEL_NOT_STARTED = "kernel-not-started"
    NO_PROCESS = "no-process"
    CLOCK_NOT_FROZEN = "clock-not-frozen"
    GATEWAY_ABSENT = "gateway-absent"
    GATEWAY_REFUSES = "gateway-refuses"
    GATEWAY_LOST = "gateway-lost"
    GATEWAY_DROPS = "gateway-drops"
    KERNEL_UNKNOWN_THERE = "kernel-unknown-there"
    KERNEL_NOT_STARTED_THERE = "kernel-not-started-there"
    CELL_RAISED = "cell-raised"
    CELL_LATE = "cell-late"
    CELL_NOT_RUN = "cell-not-run"
    KERNEL_DIED = "kernel-died"


Code = Unrest | Problem | OpenFailure
C = TypeVar("C", bound=Code)

_SENTENCES: dict[Code, str] = {
    Unrest.SCRIPTS_LOADING: "the page is still loading its scripts",
    Unrest.WIDGETS_LOADING: "widgets are still being loaded or drawn",
    Unrest.KERNEL_BUSY: "the kernel is busy and does not answer",
    Unrest.KERNEL_WORKS: "the {kind} '{name}' still runs in the kernel ({where})",
    Unrest.ASSETS_LOADING: "fonts or images are still loading",
    Unrest.WORK_PENDING: "timers or requests are pending",
    Unrest.ELEMENTS_CHANGING: "the page's elements changed",
    Unrest.IMAGE_LOADED: "an image was loaded",
    Unrest.FILE_READ: "a file was read",
    Unrest.REQUESTS_PENDING: "requests of the page or its frames have no answer",
    Unrest.REQUEST_ANSWERED: "a request was answered",
    Unrest.WORKER_ANSWERED: "a worker answered",
    Unrest.KERNEL_MESSAGE: "the kernel sent '{type}'",
    Unrest.PICTURES_DIFFER: "two pictures taken after one another differ",
    Problem.CALLBACK_RAISED: "a callback raised {name}: {value}",
    Problem.FRONT_END_BROKEN: "the front end of '{module}' ({version}) is not installed: {cause}",
    Problem.FRONT_END_FAILED: "the front end '{module}' failed: {message}",
    Problem.FRONT_END_MISSING: "the front end of '{module}' ({version}) is not installed: neither a labextension nor "
    "nbextensions/{module}/index.js brings it",
    Problem.IMAGE_MISSING: "an image did not load: {url}",
    Problem.PAGE_NOT_STARTED: "the page could not start: {cause}",
    Problem.RENDERER_MISSING: "nothing that is installed draws '{type}', so that its plain text stands there",
    Problem.SCRIPT_BLOCKED: "it asks for a script from elsewhere, which no page gets: {url}",
    Problem.STATE_MISSING: "the notebook was saved without the state of the widget {name}",
    Problem.WIDGET_FAILED: "{message}",
    Problem.WIDGET_NOT_DRAWN: "a widget could not be drawn: {cause}",
    Problem.WIDGET_SHOWS_ERROR: "a widget shows an error in place of itself",
    Problem.WIDGET_STILL_LOADING: "a widget still says 'Loading widget...'",
    Problem.WIDGET_UNKNOWN: "the kernel knows no widget {id}: it was closed or never opened",
    OpenFailure.NOTEBOOK_UNREADABLE: "can't be read: {cause}",
    OpenFailure.NOTHING_SAVED: "it is to be shown as it was saved ('execute: false'), and was saved without outputs",
    OpenFailure.KERNEL_UNKNOWN: "its kernel '{kernel}' is not installed",
    OpenFailure.KERNEL_NOT_STARTED: "the kernel '{kernel}' did not start: {cause}",
    OpenFailure.NO_PROCESS: "the kernel '{kernel}' did not start, because the system gives no more processes: {cause}",
    OpenFailure.CLOCK_NOT_FROZEN: "its kernel's clock can't be frozen: {cause}",
    OpenFailure.GATEWAY_ABSENT: "no kernel gateway answers at {gateway}: {cause}",
    OpenFailure.GATEWAY_REFUSES: "the kernel gateway {gateway} refuses what it is asked: {cause}",
    OpenFailure.GATEWAY_LOST: "the connection to the kernel gateway {gateway} was lost, and its kernel with it",
    OpenFailure.GATEWAY_DROPS: "the kernel gateway {gateway} kept messages of the kernel back, as more came at once "
    "than it passes on",
    OpenFailure.KERNEL_UNKNOWN_THERE: "its kernel '{kernel}' is not there at the kernel gateway {gateway}, which has "
    "{names}",
    OpenFailure.KERNEL_NOT_STARTED_THERE: "the kernel gateway {gateway} did not start the kernel '{kernel}': {cause}",
    OpenFailure.CELL_RAISED: "the cell raised {error}",
    OpenFailure.CELL_LATE: "the cell was not finished after {seconds} s",
    OpenFailure.CELL_NOT_RUN: "the cell could not be run: {cause}",
    OpenFailure.KERNEL_DIED: "the kernel died while the cell ran (out of memory, a crash in native code, or it killed "
    "itself)",
}
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LOOK_AT_IT = "open the notebook in Jupyter and look at the widget"


@dataclass(frozen=True)
class Condition(Generic[C]):
    """A cause as data.

    Attributes:
        params: the values for the sentence.

    Raises:
        ValueError: the parameters are not those of the code.
    """

    code: C
    params: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.params.keys() != param_names(self.code):
            raise ValueError(f"'{self.code}' has the parameters {sorted(param_names(self.code))}")

    def __str__(self) -> str:
        """Return the condition as a sentence without a full stop."""
        return _SENTENCES[self.code].format(**self.params)


@cache
def param_names(code: Code) -> frozenset[str]:
    """Return the names of the parameters that conditions of this code have."""
    return frozenset(name for _, name, _, _ in Formatter().parse(_SENTENCES[code]) if name)


def advice(problems: Iterable[Condition[Problem]]) -> str:
    """Return what to do next about problems of a page."""
    for problem in problems:
        match problem.code:
            case Problem.FRONT_END_MISSING | Problem.FRONT_END_BROKEN:
                package = problem.params["module"].lstrip("@").split("/")[0]
                # A page's word: what is no name of a package could be anything that pip or a shell obeys.
                return f"pip install {package if _PACKAGE.fullmatch(package) else 'the widget package'}"
            case Problem.RENDERER_MISSING:
                return f"install the JupyterLab extension that draws {problem.params['type']}"
            case Problem.SCRIPT_BLOCKED:
                return (
                    "let it draw with what is installed, e.g. alt.renderers.enable('mimetype') for Altair, or with "
                    "scripts that it holds itself"
                )
            case Problem.STATE_MISSING:
                return 'save it while its kernel runs, with JupyterLab\'s setting "Save Widget State Automatically"'
            case Problem.CALLBACK_RAISED:
                return "mend the callback, or let an Output widget show its error"
    return _LOOK_AT_IT
