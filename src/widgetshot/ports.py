"""The seams of widgetshot: each protocol is one thing that can be swapped, and each swap touches one room.

A front end makes a notebook a live page, a browser host gives pages to show it in, an executor runs sessions, a store
holds baselines, a sink takes results. Nothing here does any work.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from widgetshot.conditions import Condition, Problem, Unrest
from widgetshot.files import sha256
from widgetshot.model import ElementStyle

if TYPE_CHECKING:
    from pathlib import Path

    from widgetshot.model import Result, RunEnd, ServedPage, Target
    from widgetshot.selection.session import Session, SessionReport

# Front ends and the pages that they make ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Rect:
    """A rectangle in CSS pixels, from the page's top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Extent:
    """The size of the whole page in CSS pixels."""

    width: float
    height: float


class Scope(NamedTuple):
    """The part of a page that a picture shows.

    Attributes:
        selector: of an element; None for the whole page.
        masks: selectors of the picture's masks.
    """

    selector: str | None
    masks: tuple[str, ...] = ()


@dataclass(frozen=True)
class PageElement:
    """Something that a person would point at.

    Attributes:
        depth: number of the other elements that it stands in.
        box: left, top, width and height in CSS pixels, from the page's top left corner.
        style: None where nobody asked for it.
    """

    name: str
    depth: int
    box: tuple[float, float, float, float]
    style: ElementStyle | None = None


@dataclass(frozen=True)
class Layout:
    """The visible elements of a scope, in the order of the page.

    Attributes:
        cut: whether there were more than the list holds.
    """

    elements: tuple[PageElement, ...]
    cut: bool


@dataclass(frozen=True)
class Shown:
    """The contents of a scope.

    Attributes:
        tree: the state of the widgets, plain JSON.
        modules: front-end module of each kind of widget -> its version.
        missing_glyphs: the characters that no font has, in the order of the page.
    """

    tree: Any
    modules: dict[str, str]
    layout: Layout
    missing_glyphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """All that a picture of a scope depends on.

    Attributes:
        problems: why it can't be trusted.
        rect: what it shows; None for the whole page.
        masks: the boxes of each mask.
        invalid: the browser's words on a mask's selector that it can't understand; None where all are valid.
        shown: None where there are problems.
    """

    problems: tuple[Condition[Problem], ...]
    rect: Rect | None
    masks: tuple[tuple[Rect, ...], ...]
    invalid: str | None
    shown: Shown | None


@dataclass(frozen=True)
class TracedCell:
    """A cell that the page has begun to execute.

    Attributes:
        began: seconds before the answer.
        duration: seconds; None while it runs.
        status: `ok`, `error`, `aborted`, `late`, `gone` where the kernel was, or `running`.
    """

    cell: str
    began: float
    duration: float | None
    status: str


@dataclass(frozen=True)
class TracedMessage:
    """A message between page and kernel.

    Attributes:
        at: seconds before the answer.
        type: channel and type, e.g. `iopub/comm_msg`.
        text: of its content, as much as there is room for.
        cut: whether there was more.
    """

    at: float
    type: str
    text: str
    cut: bool


@dataclass(frozen=True)
class PageTrace:
    """What a page has noted of its notebook.

    Attributes:
        counts: number of messages by channel and type.
        messages: the last of them, without those that only say that the kernel is busy or idle.
    """

    cells: tuple[TracedCell, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    messages: tuple[TracedMessage, ...] = ()


class LivePage(Protocol):
    """The questions that the camera asks of a live page that is open in a browser.

    A page that was opened for a notebook executes it; a further one of the same kernel follows that one instead.

    Every question may raise `playwright.async_api.Error` where the page does not answer, and CaptureError where the
    answer is not of this form.
    """

    async def execute(self, served: "ServedPage", within: float, until: str) -> bool:
        """Execute the cells that have not been executed yet, from top to bottom.

        Args:
            within: seconds after which no further cell is begun.
            until: name of the cell behind which no further cell is begun either; "" for all cells.

        Returns:
            Whether all of these have run.

        Raises:
            NotebookError: the notebook did not get there.
        """
        ...

    async def arrange(self, capture: str) -> bool:
        """Show what a picture shows, where a page has more than one way to show its notebook.

        Args:
            capture: as the option of a shot.

        Returns:
            Whether anything is shown otherwise than before.
        """
        ...

    async def outputs(self) -> str:
        """Return what another page of the same kernel needs to show the same, for its `follow`."""
        ...

    async def follow(self, outputs: str) -> None:
        """Show what another page shows that has executed the notebook, and whatever is added to it.

        It is asked again when the other page has executed further cells.
        """
        ...

    async def ready(self, limit: float, max_settle: float | None) -> Condition[Unrest] | None:
        """Wait until the page is ready to be captured.

        Args:
            limit: seconds.
            max_settle: seconds after which a page that is drawn, but goes on moving, is good enough; None to insist.

        Returns:
            What still moved when the limit was reached; None when all is at rest.
        """
        ...

    async def look(self, scopes: Sequence[Scope], *, styled: bool = False) -> Sequence[Look | None]:
        """Tell all that pictures of some scopes depend on; None for one that can't be told, unless it is the first."""
        ...

    async def acting(self) -> None:
        """Be told that somebody acts on the page from now on: what a callback raises then is a problem."""
        ...

    async def extent(self) -> Extent:
        """Measure the whole page."""
        ...

    async def secret_places(self, forms: Sequence[str]) -> Sequence[Rect]:
        """Tell where the page shows one of some texts."""
        ...

    async def trace(self) -> PageTrace:
        """Tell what has happened so far; nothing where the page does not know."""
        ...

    async def enter(self, url: str) -> bool:
        """Show another live page in this page, which `leave` has emptied; False where it needs a page of its own."""
        ...

    async def leave(self) -> bool:
        """Take down what is shown; True where the page is as good as a new one then, False where it must be closed."""
        ...


@dataclass(frozen=True)
class SourcesSeen:
    """The files that a live page was made from, as far as they could be seen.

    Attributes:
        reads: lines of server/file_trace.py; "" without any.
        work: the private folder that stood for the project's.
        requested: the files that its page asked for, by their paths in the project.
        front_ends: folders of installed front ends.
        kernel_spec: a file; "" without any.
        above: whether the notebook was given what lies above its folder, too.
    """

    reads: str
    work: str
    requested: tuple[str, ...] = ()
    front_ends: tuple[str, ...] = ()
    kernel_spec: str = ""
    above: bool = False


class Frontend(Protocol):
    """Makes notebooks live pages."""

    @property
    def anchor_url(self) -> str:
        """Address of a page that loads what the pages of all notebooks need, and shows nothing; "" without any.

        The page stays open; others are opened by it, and it may be used for a notebook itself, see `LivePage.enter`.
        """
        ...

    @property
    def token(self) -> str:
        """The part of its addresses that is secret; "" without any."""
        ...

    async def open(
        self,
        file: "Path",
        target: "Target",
        kernel: str,
        environment: Mapping[str, str] | None = None,
        *,
        gateway: str = "",
    ) -> "ServedPage":
        """Start a kernel for the notebook of `target` and serve its page, which is to execute it.

        Args:
            kernel: name of the kernel spec; "" leaves it to the notebook.
            environment: variables that this kernel gets besides those of all.
            gateway: address of the Jupyter Kernel Gateway that is to start it; "" for a kernel of this machine.

        Raises:
            NotebookError: there is no such page.
            ServerError: no server or kernel could be had.
        """
        ...

    def connect(self, page: Any) -> LivePage:
        """Return what answers for a browser's page that shows, or will show, pages of this front end.

        Args:
            page: Playwright's, async or wrapped by `capture.sync.Awaitable`.
        """
        ...

    async def alive(self, served: "ServedPage") -> bool:
        """Tell whether the page's kernel still lives."""
        ...

    async def close(self, served: "ServedPage") -> SourcesSeen:
        """End the page and its kernel."""
        ...


# Browsers -----------------------------------------------------------------------------------------------------------


class BrowserHost(Protocol):
    """Gives pages of a browser, which it has launched or was handed."""

    @property
    def kind(self) -> str:
        """`chromium`, `firefox` or `webkit`."""
        ...

    @property
    def fingerprint(self) -> Mapping[str, Any]:
        """The renderer, see `capture.fingerprint`; empty before `start`."""
        ...

    @property
    def sheet(self) -> Mapping[str, str]:
        """The calibration sheet, primitive -> digest (see `capture.sheet`); empty before `start`, and where unknown."""
        ...

    @property
    def connected(self) -> bool:
        """True while the browser is there, as far as is known; its death becomes known only a moment later."""
        ...

    async def start(self) -> None:
        """Make the browser ready.

        Raises:
            ServerError: there is none, or it does not start.
        """
        ...

    async def stop(self) -> None:
        """End what was started and close what was opened here."""
        ...

    async def alive(self) -> bool:
        """Ask the browser whether it still works."""
        ...

    async def new_context(self, target: "Target") -> Any:
        """Open a browser context, Playwright's, for pages in the variant of `target`.

        Clock, random numbers, locale and fonts are pinned in it, and nothing in it reaches beyond this machine.

        Raises:
            playwright.async_api.Error: the browser is gone.
        """
        ...


# Sessions and results -----------------------------------------------------------------------------------------------


class SessionExecutor(Protocol):
    """Runs sessions, side by side. An async context manager; all of it is used in one event loop.

    A session is plain data, and so is what comes of it, so that both can travel to another process. Baselines are read
    where a session runs. They are written, and results are recorded, by whoever has submitted it.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: Any) -> None:
        """End everything. All sessions have ended before, or were closed."""
        ...

    def run(self, session: "Session") -> AsyncGenerator["Result | SessionReport", None]:
        """Run a session; it waits here until its turn has come.

        Yields:
            Exactly one result of each requested target, with its pictures, as soon as it is known. The session goes on
            when the next one is asked for. Last, when its kernels have ended, the session's report.

        Raises:
            ServerError: the server or the browser could not be had, so that no target can have a result.
        """
        ...

    def wind_down(self) -> None:
        """Take it that no other session will be run, and begin to end what those that run need no more."""
        ...


class RunSink(Protocol):
    """Takes the results of a run as they come. Usable from several threads.

    It raises nothing: a run goes on where its results can't be kept in one of several places.
    """

    def add(self, result: "Result", shot: bytes | None = None) -> None:
        """Take one result, with its pictures.

        Args:
            shot: the bytes of the shot's PNG file, where they are encoded already.
        """
        ...

    def finish(self, end: "RunEnd") -> None:
        """Take what is known only now: no result comes any more."""
        ...


# Baselines ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileDigests:
    """The sha256 of each file of a baseline, in hexadecimal digits; None for one that does not exist."""

    picture: str | None = None
    sidecar: str | None = None


@dataclass(frozen=True)
class StoredFiles:
    """The bytes of a baseline as a store keeps them; None for a file that does not exist.

    What several baselines share, such as a calibration sheet, is kept as a sidecar without a picture.

    Attributes:
        picture: a PNG file.
        sidecar: JSON text that says what the picture shows, see `widgetshot.baselines.sidecar`.
    """

    picture: bytes | None = None
    sidecar: bytes | None = None

    @property
    def digests(self) -> FileDigests:
        """The sha256 of each."""
        return FileDigests(*(None if data is None else sha256(data) for data in (self.picture, self.sidecar)))


NO_FILES = StoredFiles()


@dataclass(frozen=True)
class StoreCommands:
    """Commands that a person may type about one baseline, to be shown in messages.

    Attributes:
        inspect: shows what has happened to it.
        restore: puts back what was approved last.
    """

    inspect: str
    restore: str


class BaselineStore(Protocol):
    """Keeps the files of baselines by key. `widgetshot.baselines.access` knows what is in them.

    A key is text such as `page-chromium-linux/notebooks/x/shot[dark]`; none leads out of a folder, see
    `widgetshot.baselines.keys`. Methods may be called from several threads and processes at once. Each raises
    BaselineError, with the place and the next command, where the store can't do what is asked of it.
    """

    def keys(self) -> set[str]:
        """Return the keys of all pictures; a sidecar without one has a key that is none of them."""
        ...

    def read(self, key: str) -> StoredFiles:
        """Return the files of a key, byte for byte as they were written."""
        ...

    def digests(self, key: str) -> FileDigests:
        """Return the digests of the files of a key."""
        ...

    def write(self, files: Mapping[str, StoredFiles]) -> None:
        """Make the files of some keys these: all of them, or none. None removes a file."""
        ...

    def modified_ns(self, key: str) -> int:
        """Return when the files of a key last changed, in nanoseconds since the epoch; 0 if there never were any."""
        ...

    def locate(self, key: str) -> str:
        """Return where the picture of a key is, for a person to look it up."""
        ...

    def commands(self, key: str) -> StoreCommands:
        """Return what a person may type about the baseline of a key."""
        ...

    def keep_command(self) -> str:
        """Return what a person types to keep what was approved; "" where nothing is left to do."""
        ...
