"""The words of widgetshot as frozen values. Nothing here does I/O.

A picture is a numpy array of shape (height, width, 4), dtype uint8, RGBA.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from widgetshot.conditions import Condition, Unrest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
else:
    # Collecting notebooks needs no picture, and numpy takes a tenth of a second to load.
    Pixels = Any


# Parts between slashes, none of which is empty or begins with a dot. What it says holds in JavaScript, too.
KEY_PATTERN = r"^[^/.\\\u0000:][^/\\\u0000:]*(/[^/.\\\u0000][^/\\\u0000]*)+$"
MAX_KEY = 5_000  # characters
# The largest picture, in pixels: 20,000 CSS pixels of the default width at a scale of 2. A picture of that size takes
# 320 MB, several of them are in memory while they are compared, and Pillow warns of files that hold a few more.
MAX_PIXELS = 80_000_000
MAX_SHARDS = 1_000


def is_key(text: str) -> bool:
    """Tell whether a text may be the key of a result: the name of a baseline, and of the files of a run."""
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, or a file's name that is no UTF-8
        return False
    return len(text) <= MAX_KEY and re.search(KEY_PATTERN, text) is not None


# The front ends, as options and environments name them; `declare.front_ends` says what each of them can do.
FRONT_ENDS = ("page", "lab", "notebook", "voila", "static")
PAGE_FRONT_END = FRONT_ENDS[0]


def front_end_of(environment: str) -> str:
    """Return the front end that an environment's name begins with; our own page where it is none that is known."""
    name = environment.partition("-")[0]
    return name if name in FRONT_ENDS else PAGE_FRONT_END


def label_of(frontend: str, variant: str) -> str:
    """Return what stands in brackets behind the names of shots: front end and variant, but for the default ones."""
    return ",".join(part for part in ("" if frontend == PAGE_FRONT_END else frontend, variant) if part)


# In a fingerprint, of what can't be found out: it is never the same as anything.
UNKNOWN = "unknown"


class Verdict(StrEnum):
    """The outcome for one target."""

    MATCH = "match"
    CHANGED = "changed"
    RESIZED = "resized"
    NEW = "new"
    BROKEN = "broken"
    UNSTABLE = "unstable"

    @property
    def passed(self) -> bool:
        """True if nothing differs."""
        return self is Verdict.MATCH

    @property
    def acceptable(self) -> bool:
        """True if a person may turn the shot into the baseline."""
        return self in (Verdict.CHANGED, Verdict.RESIZED, Verdict.NEW)


class Status(StrEnum):
    """The way in which a result counts for its run."""

    PASSED = "passed"
    FAILED = "failed"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the picture (CSS pixels times `scale`): left, top, width, height."""

    x: int
    y: int
    width: int
    height: int

    def as_list(self) -> list[int]:
        """Return left, top, width and height."""
        return [self.x, self.y, self.width, self.height]

    def within(self, width: int, height: int) -> "Box | None":
        """Return the part of it that lies in a picture of some size; None for none."""
        left, top = max(0, self.x), max(0, self.y)
        right, bottom = min(width, self.x + self.width), min(height, self.y + self.height)
        return Box(left, top, right - left, bottom - top) if left < right and top < bottom else None


def boxes_of(masks: Iterable[Iterable[Box]]) -> list[Box]:
    """Return the boxes of all masks."""
    return [box for boxes in masks for box in boxes]


@dataclass(frozen=True)
class Viewport:
    """Size of the browser's layout viewport, in CSS pixels."""

    width: int
    height: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True)
class Tolerance:
    """The amount that may differ before the verdict is `changed`.

    Attributes:
        pixels: number of pixels that may differ.
        share: share of the picture's pixels that may differ, 0 to 1.
        step: steps (0 to 255) by which each channel of a pixel may differ from the baseline's and count as equal.
        threshold: colour distance (0 to 1) below which two pixels are equal, as in pixelmatch, which then also
            ignores anti-aliasing. 0 is strict whatever the renderer; None leaves it to the renderer: strict for
            the baseline's own, perceptual for another one.
    """

    pixels: int = 0
    share: float = 0.0
    step: int = 0
    threshold: float | None = None

    def allowance(self, total: int) -> int:
        """Return the number of pixels that may differ in a picture of `total` pixels."""
        # 0.29 * 100 is 28.999999999999996 in floating point, and means 29.
        return max(self.pixels, int(self.share * total + 1e-9))

    def rule(self, same_renderer: bool) -> "Rule":
        """Return the rule by which pixels are compared."""
        if self.threshold is None:
            return Rule.STRICT if same_renderer else Rule.PERCEPTUAL
        return Rule.PIXELMATCH if self.threshold > 0 else Rule.STRICT

    def words(self, rule: "Rule") -> str:
        """Return the tolerance in a sentence."""
        amount = f"up to {self.pixels} pixel{'' if self.pixels == 1 else 's'} may differ"
        if self.share:
            amount += f" or {self.share:.4%} of the picture"
        match rule:
            case Rule.PIXELMATCH:
                how = f"colours closer than {self.threshold:g} count as equal, anti-aliasing is ignored"
            case Rule.PERCEPTUAL:
                how = "another renderer drew the baseline, so edges may be smoothed otherwise"
            case Rule.STRICT if self.step:
                how = "any colour channel counts"
            case Rule.STRICT:
                how = "any step of any colour channel counts"
        if self.step:
            how += f", if it differs by more than {self.step} of 255 steps"
        return f"{amount}; {how}"

    def __str__(self) -> str:
        return self.words(self.rule(same_renderer=True))


class Rule(StrEnum):
    """The rules by which a pixel counts as different, see `compare`."""

    STRICT = "strict"
    PERCEPTUAL = "perceptual"
    PIXELMATCH = "pixelmatch"


@dataclass(frozen=True)
class Mask:
    """A part of the picture that is not compared, and why.

    Exactly one of `selector` (inside the target's cell) and `box` is set. An `inherited` one is declared for the
    whole notebook and may match nothing.
    """

    reason: str
    selector: str = ""
    box: Box | None = None
    inherited: bool = False

    @property
    def place(self) -> str:
        """The area that it covers, in one line: two masks of one place cover the same."""
        return self.selector or str(self.box and self.box.as_list())


@dataclass(frozen=True)
class Step:
    """One action on the live page before a shot.

    Attributes:
        action: click, fill, press, hover, select, drag, upload or wait.
        arguments: the action's arguments, already validated.
    """

    action: str
    arguments: Mapping[str, Any]

    @property
    def tab(self) -> str:
        """The tab that it acts in; "" is the main one."""
        return str(self.arguments.get("tab", ""))

    def __str__(self) -> str:
        return f"{self.action} {', '.join(f'{k}={v!r}' for k, v in self.arguments.items())}"


@dataclass(frozen=True)
class Quarantine:
    """A reason why a target may fail without failing the run, and the last day on which it may."""

    reason: str
    until: date

    def holds(self, today: date) -> bool:
        """Return True if it has not ended yet."""
        return today <= self.until

    def __str__(self) -> str:
        return f"{self.reason} (until {self.until.isoformat()})"


@dataclass(frozen=True)
class Need:
    """A service that must run before a notebook executes.

    Attributes:
        exclusive: True if it is to be one that nobody else uses, started for each execution.
    """

    name: str
    exclusive: bool = False


@dataclass
class ServiceUsage:
    """The use that a run made of a service.

    Attributes:
        seconds: how long it took to be ready, over all instances.
        instances: how often it was started.
        elsewhere: True if one was used that the run did not start.
    """

    seconds: float = 0.0
    instances: int = 0
    elsewhere: bool = False


@dataclass(frozen=True)
class Clock:
    """The time that a notebook sees.

    Attributes:
        start: ISO 8601; the page's clock starts there.
        frozen: True if the page's clock and the kernel's both stand still at `start`.
    """

    start: str = "2026-01-01T12:00:00+00:00"
    frozen: bool = False


@dataclass(frozen=True)
class Target:
    """One picture that a notebook declares; known from the file alone.

    Attributes:
        notebook: path relative to the project's root, with forward slashes.
        shot: the shot's name.
        cell_id: nbformat id (or position, for old notebooks) of the cell; None for the whole page.
        order: position among those of the notebook, the order in which they are taken.
        frontend: what makes a page of the notebook; one of `FRONT_ENDS`.
        differs: front ends in which it is known to look otherwise than in others, each with the reason.
        variant: theme and viewport, as far as they are not the default ones.
        capture: the part of the page that it shows, see the option.
        max_settle: seconds after which a page that never settles is captured anyway; None to insist.
        tab: the browser page, among those of one kernel, that the picture shows; "" is the main one.
        after: name of the cell after which it is taken, before the next one runs; "" for after all cells.
        execute: whether the notebook is executed; else it is shown as it was saved, without a kernel.
        quarantine: under which it may fail without failing the run.
        markers: names of pytest markers, sorted.
    """

    notebook: str
    shot: str
    cell_id: str | None
    order: int
    source: str = ""
    steps: tuple[Step, ...] = ()
    masks: tuple[Mask, ...] = ()
    tolerance: Tolerance = Tolerance()
    theme: str = "light"
    viewport: Viewport = Viewport(960, 720)
    variant: str = ""
    frontend: str = PAGE_FRONT_END
    differs: tuple[tuple[str, str], ...] = ()
    capture: str = "cell"
    max_settle: float | None = None
    allow_blank: bool = False
    tab: str = ""
    after: str = ""
    timeout: float = 60.0
    clock: Clock = Clock()
    execute: bool = True
    quarantine: Quarantine | None = None
    markers: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`lab,dark`: the front end and the variant, as far as they are not the default ones."""
        return label_of(self.frontend, self.variant)

    @property
    def name(self) -> str:
        """`shot` or `shot[label]`."""
        return f"{self.shot}[{self.label}]" if self.label else self.shot

    @property
    def nodeid(self) -> str:
        """`notebooks/x.ipynb::shot[label]`, as pytest and messages show it."""
        return f"{self.notebook}::{self.name}"

    @property
    def path(self) -> str:
        """The key without its environment: `notebooks/x/shot[variant]`."""
        name = f"{self.shot}[{self.variant}]" if self.variant else self.shot
        return f"{self.notebook.removesuffix('.ipynb')}/{name}"

    def key(self, environment: str) -> str:
        """Return the key of this target's baseline in an environment."""
        return f"{environment}/{self.path}"

    @property
    def session(self) -> tuple[str, str]:
        """Targets of one session share a kernel and a page: (notebook, label)."""
        return (self.notebook, self.label)

    @property
    def color_scheme(self) -> str:
        """What pages are told that the user prefers: `light` or `dark`."""
        return "dark" if self.theme == "dark" else "light"

    def carries(self, marker: str) -> bool:
        """Tell whether a marker selects it: one that it declares, or the name of its front end."""
        return marker in self.markers or marker == self.frontend


@dataclass(frozen=True)
class ServedPage:
    """A notebook that has a live page, which executes it. Pure data.

    Attributes:
        id: the server's name for it; closing it ends its kernel.
        url: where the page is, token included.
        selectors: cell id -> CSS selector of the cell's box.
        timings: seconds per stage spent on the server.
        token: the part of the address that is secret; "" without any.
        notices: what whoever looks at the page is to know of how it was made.
        notebook: the notebook as messages call it.
        gateway: address of the gateway that has started its kernel; "" for one of this machine.
        cell_timeout: seconds that each of its cells may take.
        executing_url: where the notebook is executed, if not in the page that is captured.
        static_url: where what came of that is shown then.
    """

    id: str
    url: str
    selectors: Mapping[str, str]
    timings: Mapping[str, float] = field(default_factory=dict)
    token: str = ""
    notices: tuple[str, ...] = ()
    notebook: str = ""
    gateway: str = ""
    cell_timeout: float = 0.0
    executing_url: str = ""
    static_url: str = ""


@dataclass(frozen=True)
class Font:
    """The font that text is drawn with.

    Attributes:
        family: the one of the style sheet's list that the browser has.
        advance: pixels that a sample of text takes in it at 100 pixels; fonts of two names that agree in it are one.
        size: CSS pixels.
        weight, line, colour: of the text, and the height of a line, as CSS computes them.
    """

    family: str
    advance: float
    size: float
    weight: str
    line: str
    colour: str


@dataclass(frozen=True)
class ElementStyle:
    """How an element is drawn, in the words of CSS; of four sides one where they are equal.

    Attributes:
        font: None where it shows no text of its own.
        background: the colour that it stands on.
        part: the part of a widget that it belongs to, such as `toolbar`; "" where there is no word for it.
    """

    font: Font | None
    background: str
    border: str
    padding: str
    part: str = ""


@dataclass(frozen=True)
class Element:
    """Something that a person would point at, and where it is in the picture.

    Attributes:
        name: what it is and says, e.g. `button 'Run'`.
        depth: how many of the other elements it stands in.
        style: None where nobody asked for it.
    """

    name: str
    box: Box
    depth: int = 0
    style: ElementStyle | None = None

    @property
    def kind(self) -> str:
        """The kind of element, without what it says."""
        return self.name.partition(" '")[0]

    def __str__(self) -> str:
        """One line of a sidecar: `  0,12 120x28 button 'Run'`."""
        box = self.box
        return f"{'  ' * self.depth}{box.x},{box.y} {box.width}x{box.height} {self.name}"

    @classmethod
    def parse(cls, line: str) -> "Element":
        """Return the element of such a line.

        Raises:
            ValueError: it is none.
        """
        text = line.lstrip(" ")
        place, size, name = text.split(" ", 2)
        x, y = place.split(",")
        width, height = size.split("x")
        return cls(name, Box(int(x), int(y), int(width), int(height)), (len(line) - len(text)) // 2)


@dataclass(frozen=True)
class Shot:
    """The picture taken in this run.

    Attributes:
        pixels: the raw picture, nothing masked.
        masks: boxes of each mask of the target, as measured on the page, same order as `Target.masks`.
        widgets: the widget tree's state, plain JSON.
        modules: front-end module of each kind of widget shown -> its version.
        layout: what is visible and where, in the order of the page; nothing of it under a mask.
        layout_cut: True if there was more than the layout holds.
        missing_glyphs: characters that no font has, each of them drawn as a box, in the order of the page.
        settled: True if the page came to rest.
        second: where the page never came to rest, another picture of it that differs.
        unrest: what kept moving.
    """

    pixels: Pixels
    masks: tuple[tuple[Box, ...], ...] = ()
    widgets: Any = None
    modules: Mapping[str, str] = field(default_factory=dict)
    layout: tuple[Element, ...] = ()
    layout_cut: bool = False
    missing_glyphs: tuple[str, ...] = ()
    settled: bool = True
    second: Pixels | None = None
    unrest: Condition[Unrest] | None = None
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """The picture last approved, with its sidecar; `data` are the file's own bytes.

    Attributes:
        masks: place of each mask (see `Mask.place`) -> the boxes that it covered.
        layout, layout_cut: as a shot's; None and False where the sidecar does not say.
        missing_glyphs: as a shot's.
        sheet: calibration sheet of the renderer, primitive -> digest; empty where it is not known.
    """

    pixels: Pixels
    data: bytes
    sha256: str
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    widgets: Any = None
    masks: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    layout: tuple[Element, ...] | None = None
    layout_cut: bool = False
    missing_glyphs: tuple[str, ...] = ()
    sheet: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Band:
    """Rows of pixels that one of two pictures has and the other has not.

    Attributes:
        inserted: True if the shot has them; otherwise the baseline has.
        y: where they begin in the picture that has them.
        at: where they are missing in the other picture.
        height: how many they are.
    """

    inserted: bool
    y: int
    at: int
    height: int


@dataclass(frozen=True)
class Comparison:
    """The differences between a baseline and a shot.

    Attributes:
        changed: number of pixels that differ outside the masks, by the tolerance's rule, place by place.
        total: number of pixels compared, masks excluded.
        regions: boxes around what differs, in the diff picture, largest first.
        resized: True if the two sizes differ.
        diff: the diff picture as palette indices, shape (height, width), see `diff_picture.PALETTE`.
        rule: how pixels were compared.
        bands: where the pictures could be aligned: the rows that one of them lacks. The diff picture and the regions
            then show the shot with only these rows and what else differs; otherwise both pictures, padded at the
            right and the bottom.
        marked: number of pixels that the diff picture marks; other than `changed` where there are bands.
        equal: True if no pixel outside the masks differs at all, whatever the rule.
    """

    changed: int
    total: int
    regions: tuple[Box, ...] = ()
    resized: bool = False
    diff: Pixels | None = None
    rule: Rule = Rule.STRICT
    bands: tuple[Band, ...] = ()
    marked: int = 0
    equal: bool = False

    @property
    def share(self) -> float:
        """Share of the compared pixels that differ, 0 to 1."""
        return self.changed / self.total if self.total else 0.0


@dataclass(frozen=True)
class TraitChange:
    """One widget trait that is not what it was when the baseline was approved."""

    widget: str
    trait: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Repeat:
    """The distinct pictures of a target that was captured several times, see `--repeat`.

    Attributes:
        runs: how often it was captured.
        counts: how often each distinct picture came out, masks left out, in order of appearance.
        first: number (from 1) of the first run whose picture was another one; 0 if all were the same.
    """

    runs: int
    counts: tuple[int, ...]
    first: int = 0

    @property
    def distinct(self) -> int:
        """The number of distinct pictures."""
        return len(self.counts)


@dataclass(frozen=True)
class Failure:
    """The reason why a result has no trustworthy shot; `kind` is the error's class name."""

    kind: str
    message: str
    next_step: str = ""
    exit_code: int = 1


@dataclass
class TimeSpent:
    """The time that went into a notebook, or into a part of it.

    Attributes:
        seconds: from the begin to the end of the work, summed over variants.
        stages: seconds of that for each stage.
    """

    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)

    def add(self, stages: Mapping[str, float], seconds: float = 0.0) -> None:
        """Count seconds that were spent on stages, and what passed meanwhile."""
        self.seconds += seconds
        for stage, spent in stages.items():
            self.stages[stage] = self.stages.get(stage, 0.0) + spent


@dataclass(frozen=True)
class TraceSpan:
    """Something that took its time while a notebook was executed and captured.

    Attributes:
        begin: seconds since its page was opened.
        duration: seconds; None if it had not ended.
        status: how it ended, as a word; "" where there is only one way.
    """

    name: str
    begin: float
    duration: float | None
    status: str = ""


@dataclass(frozen=True)
class TraceMoment:
    """Something that happened at once.

    Attributes:
        at: seconds since the page was opened.
    """

    name: str
    at: float
    text: str = ""


@dataclass(frozen=True)
class Trace:
    """The way to a result: what happened on its page until then, the last of it where there was much; no secrets.

    Attributes:
        duration: seconds between the opening of the page and the end of the trace.
        cells: named by their ids.
        stages: of the capture: load, execute, settle, capture.
        steps, shots: those of all targets so far.
        requests: of the page, named by method and address.
        console: errors.
        messages: the last between page and kernel, named by channel and type; `text` is the begin of their content.
        counts: number of all messages, by channel and type.
    """

    duration: float
    cells: tuple[TraceSpan, ...] = ()
    stages: tuple[TraceSpan, ...] = ()
    steps: tuple[TraceSpan, ...] = ()
    shots: tuple[TraceSpan, ...] = ()
    requests: tuple[TraceSpan, ...] = ()
    console: tuple[TraceMoment, ...] = ()
    messages: tuple[TraceMoment, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """A target with what came of it.

    Attributes:
        sentence: the verdict in words a designer understands.
        console: errors the page wrote to its console.
        blocked: URLs outside this machine that the page asked for; none was answered.
        renderer: what differs between the baseline's renderer and this one, in words.
        sheet: calibration sheet of this one, primitive -> digest; empty where it is not known.
        quarantined: why a failure of it doesn't fail the run; None without a quarantine, or after its end.
        repeat: how steady it was, under `--repeat`.
        updated: True if this run wrote the baseline (only under --update-baselines).
        duration: seconds from opening its session, or from the previous shot, to the verdict.
        spent: the time that its session took since its previous result; None where nobody counted it.
        seen: the page, or the cell, as it was when the result became what it is; never a baseline. None where no page
            answered, or where nobody needs it.
        trace: what happened until then; None where nobody needs it.
    """

    target: Target
    key: str
    verdict: Verdict
    sentence: str
    shot: Shot | None = None
    baseline: Baseline | None = None
    comparison: Comparison | None = None
    failure: Failure | None = None
    traits: tuple[TraitChange, ...] = ()
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    console: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    renderer: tuple[str, ...] = ()
    sheet: Mapping[str, str] = field(default_factory=dict)
    quarantined: Quarantine | None = None
    repeat: Repeat | None = None
    updated: bool = False
    duration: float = 0.0
    spent: TimeSpent | None = None
    seen: Pixels | None = None
    trace: Trace | None = None

    @property
    def passed(self) -> bool:
        """True if nothing differs, or if this run wrote the baseline."""
        return self.verdict.passed or self.updated

    @property
    def status(self) -> Status:
        """`passed`, `failed`, or `quarantined`: failed, but that is known and for now allowed."""
        if self.passed:
            return Status.PASSED
        return Status.FAILED if self.quarantined is None else Status.QUARANTINED


@dataclass(frozen=True)
class RunEnd:
    """The part of a run that is known only when it has ended.

    Attributes:
        complete: false where it was stopped.
        order: keys of the targets in the order in which they were declared.
        timings: seconds of each stage, over all notebooks.
        notebooks: path of each notebook -> the time that went into it.
        fingerprints: environment -> its renderer, of those in which something was drawn.
        unused: keys of baselines that no notebook declares; None where that is not known.
        services: those that were started, by name.
    """

    complete: bool
    order: Sequence[str] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    notebooks: Mapping[str, TimeSpent] = field(default_factory=dict)
    fingerprints: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unused: Sequence[str] | None = None
    services: Mapping[str, ServiceUsage] = field(default_factory=dict)
