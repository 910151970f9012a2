"""Every run.json that differs from a good one in a single member: refused with its place, or as good as before."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import pytest

from builders import ENVIRONMENT, MASK, VERDICTS, baseline_of, picture, result_called, result_of
from front_ends import drawn, element, result_in
from stores import in_folder
from widgetshot.errors import RecordError, WidgetshotError
from widgetshot.model import (
    Box,
    Quarantine,
    Repeat,
    Result,
    RunEnd,
    ServiceUsage,
    TimeSpent,
    Trace,
    TraceSpan,
    TraitChange,
)
from widgetshot.report.gallery import write_gallery
from widgetshot.report.history import History
from widgetshot.report.limits import MAX_NAME, MAX_TEXT
from widgetshot.report.merge import merge
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.report.writer import RunWriter
from widgetshot.review.approve import approve

GONE = object()
# Values by what they are called; texts that stand for what Python's JSON can't write are replaced in the document.
VALUES: dict[str, Any] = {
    "gone": GONE,
    "null": None,
    "true": True,
    "false": False,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "1e999": "@1e999@",
    "NaN": "@NaN@",
    "-Infinity": "@-Infinity@",
    "5,000 digits": "@digits@",
    "empty text": "",
    "text": "x",
    "long text": "x" * (MAX_NAME + 1),
    "very long text": "x" * (MAX_TEXT + 1),
    "half a surrogate pair": "\ud800",
    "path": "../../etc/passwd",
    "empty list": [],
    "list": [None],
    "list of 200,000": [0] * 200_000,
    "deep list": "@deep@",
    "empty object": {},
    "object": {"x": 1},
}
RAW = {
    '"@1e999@"': "1e999",
    '"@NaN@"': "NaN",
    '"@-Infinity@"': "-Infinity",
    '"@digits@"': "9" * 5_000,
    '"@deep@"': "[" * 100_000 + "]" * 100_000,
}
TEXTS = ("empty text", "text", "path")
NUMBERS = ("zero", "fraction")
FLAGS = ("true", "false")
ANY = ("null", *FLAGS, *NUMBERS, "negative", *TEXTS, "long text", "empty list", "list", "empty object", "object")
# Members that may be other than they were without a rule being broken: what they may be, and which.
FREE: list[tuple[tuple[str, ...], str]] = [
    # Words for people, and names of things that a run folder does not hold.
    (
        TEXTS,
        """tool.version project environment.python environment.platform suite.name skipped[].notebook skipped[].reason
        changed.ran[].name changed.ran[].why changed.refused notebooks[].notebook services[].name durations[].test
        durations[].name unused[] tests[].sentence tests[].source tests[].markers[] tests[].tolerance tests[].theme
        tests[].masks[].reason tests[].masks[].place tests[].quarantine.reason tests[].traits[].widget
        tests[].traits[].trait tests[].renderer[] tests[].console[] tests[].blocked[] tests[].error.type
        tests[].error.message tests[].error.next tests[].differs.voila comparisons.targets[].sentence
        comparisons.targets[].reason comparisons.targets[].differences[].group
        comparisons.targets[].differences[].sentence""",
    ),
    (("long text",), "tests[].sentence tests[].source tests[].error.message comparisons.targets[].sentence"),
    (("text",), "id"),
    # How long things took: any time within the limits.
    (
        NUMBERS,
        """summary.duration_seconds tests[].duration durations[].seconds notebooks[].seconds services[].seconds
        timings{} notebooks[].timings{} tests[].metrics.timings{}""",
    ),
    (("gone",), "tests[].differs.voila timings{} notebooks[].timings{} tests[].metrics.timings{}"),
    (("empty object", "object"), "timings notebooks[].timings tests[].metrics.timings"),
    (("empty object",), "tests[].differs"),
    # Numbers that nothing else in the run tells.
    (
        ("zero",),
        """suite.left_out services[].instances tests[].metrics.bands[].y tests[].metrics.bands[].at
        tests[].masks[].boxes[][2] tests[].masks[].boxes[][3] tests[].metrics.regions[][2]
        tests[].metrics.regions[][3] tests[].repeat.counts[]""",
    ),
    # Places: of masks in the picture, of regions also outside of it.
    (("zero",), "tests[].masks[].boxes[][0] tests[].masks[].boxes[][1]"),
    (("zero", "negative"), "tests[].metrics.regions[][0] tests[].metrics.regions[][1]"),
    (("zero", "negative"), "comparisons.targets[].regions[][0] comparisons.targets[].regions[][1]"),
    (("zero",), "comparisons.targets[].regions[][2] comparisons.targets[].regions[][3]"),
    # What there need not be.
    (
        ("null",),
        """commit changed suite unused tests[].quarantine tests[].repeat tests[].metrics.change_group
        tests[].pictures.second tests[].pictures.seen tests[].trace tests[].elements comparisons""",
    ),
    (("null",), "tests[].pictures.diff"),  # of an unstable result
    (
        ("empty list",),
        """skipped notebooks services durations changed.not_run changed.ran unused tests[].history tests[].markers
        tests[].masks tests[].masks[].boxes tests[].traits tests[].renderer tests[].console tests[].blocked
        tests[].metrics.regions tests[].metrics.bands comparisons.targets comparisons.targets[].regions""",
    ),
    (
        ("gone",),
        """skipped[] notebooks[] services[] durations[] changed.not_run[] changed.ran[] unused[] tests[].history[]
        tests[].markers[] tests[].masks[] tests[].masks[].boxes[] tests[].traits[] tests[].renderer[]
        tests[].console[] tests[].blocked[] tests[].metrics.regions[] tests[].metrics.bands[]
        comparisons.targets[] comparisons.targets[].regions[]""",
    ),
    # What is so or not, whatever else is.
    (FLAGS, "complete services[].elsewhere tests[].flaky tests[].metrics.bands[].inserted"),
]
# JSON of any form: what a widget or a renderer says of itself.
FREE_JSON = re.compile(r"tests\[\]\.traits\[\]\.(before|after)|(environment|tests\[\])\.(baseline_)?fingerprint\.")
FINGERPRINT = re.compile(r"(environment|tests\[\])\.(baseline_)?fingerprint")


def results() -> list[Result]:
    """One of each verdict, and one that has all there is."""
    full = result_of("full", picture(25), picture(), masks=(MASK,), timings={"load": 0.5})
    assert full.shot is not None
    assert full.baseline is not None
    target = replace(
        full.target, source="x = 1", markers=("slow",), quarantine=Quarantine("flickers", date(2026, 12, 31))
    )
    return [
        replace(
            full,
            target=target,
            shot=replace(full.shot, masks=((Box(1, 2, 3, 4),),)),
            baseline=baseline_of(full.baseline.pixels, fingerprint={"browser": {"version": "1"}}),
            traits=(TraitChange("Button", "style", {"color": "red"}, ["blue", 1.5, None]),),
            repeat=Repeat(5, (5,)),
            console=("boom",),
            blocked=("http://example.com",),
            renderer=("browser version 1 → 2",),
        ),
        replace(result_called("unstable", "varied"), repeat=Repeat(5, (3, 2), 1)),
        replace(result_called("broken", "seen"), seen=picture(), trace=Trace(1.0, cells=(TraceSpan("c0", 0.5, None),))),
        *map(result_called, VERDICTS),
        *two_front_ends(),
    ]


def two_front_ends() -> list[Result]:
    """A target that is drawn differently in two front ends, as declared."""
    differs = (("voila", "its text is small"),)
    sizes = {"lab": 14.0, "voila": 13.0}
    return [
        result_in(drawn(frontend, element("button 'Run'", 10, 10, 40, 20, size=size)), differs=differs)
        for frontend, size in sizes.items()
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which every member of run.json says something."""
    root = tmp_path_factory.mktemp("good")
    made = RunWriter(
        root / "report",
        root=root,
        environment=ENVIRONMENT,
        repeat=5,
        history=History(root),
        compare_frontends=("lab", "voila"),
    )
    made.selected("nightly", 3, {"notebooks/s.ipynb": "needs a cluster"})
    made.only_changed(
        {"page-chromium-linux/notebooks/y/a": "2026-01-01T00:00:00+00:00"}, {"notebooks/x.ipynb": "new"}, ""
    )
    made.measured("tests/test_x.py::test_y", "insert", 0.25)
    for result in results():
        made.add(result)
    made.finish(
        RunEnd(
            complete=True,
            timings={"load": 0.5},
            notebooks={"notebooks/x.ipynb": TimeSpent(1.0, {"load": 0.5})},
            fingerprints={ENVIRONMENT: {"browser": "1"}},
            unused=["page-chromium-linux/notebooks/old/a"],
            services={"redis": ServiceUsage(1.0, 1)},
        )
    )
    run = json.loads((made.folder / "run.json").read_text())
    (made.folder / "run.json").write_text(json.dumps(run | {"commit": "a" * 40}))
    return made.folder


def places(value: Any, place: str = "") -> Iterator[tuple[str, tuple[Any, ...], Any]]:
    """Yield each member as (place without numbers, way to it, value)."""
    yield place, (), value
    if isinstance(value, dict):
        for name, inner in value.items():
            free = place.endswith("timings")
            for at, way, found in places(inner, f"{place}{{}}" if free else f"{place}.{name}".removeprefix(".")):
                yield at, (name, *way), found
    if isinstance(value, list):
        numbered = place.endswith(("boxes[]", "regions[]", "history[]", "viewport"))
        for index, inner in enumerate(value):
            for at, way, found in places(inner, f"{place}[{index if numbered else ''}]"):
                yield at, (index, *way), found


def is_worth_it(place: str, what: str, old: Any) -> bool:
    """Whether a large value says more than a small one: where it is of the right kind."""
    if what == "very long text":
        return place.endswith((".sentence", ".source", ".message", ".before", ".after"))
    if what in ("list of 200,000", "deep list"):
        return isinstance(old, list) or FREE_JSON.match(place) is not None or place in ("tests[]", "tests[].shot")
    return True


def mutated(run: Any, way: tuple[Any, ...], value: Any) -> str:
    """The document in which one member is another, or is gone."""
    whole = json.loads(json.dumps(run))
    node = whole
    for step in way[:-1]:
        node = node[step]
    if value is GONE:
        del node[way[-1]]
    else:
        node[way[-1]] = value
    return text_of(whole)


def text_of(whole: Any) -> str:
    text = json.dumps(whole)
    for mark, raw in RAW.items():
        text = text.replace(mark, raw)
    return text


def answer(act: Callable[[], object]) -> WidgetshotError | None:
    """The error of ours that it ends in, or None; at most a second of work."""
    begin = process_time()
    try:
        act()
    except WidgetshotError as error:
        return error
    finally:
        assert process_time() - begin < 1
    return None


def tells_the_place(said: str, way: tuple[Any, ...], what: str) -> bool:
    """Whether an error says where in the document it is: where the member is, or whose rule it breaks."""
    if said.startswith(("is not JSON: ", "is nested too deeply", "is of format ")):
        return True
    exact = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in way).removeprefix(".")
    # A number that JSON can't hold is wrong by itself, whatever the rules are.
    if what == "1e999":
        known = said.partition(": ")[0].partition("[...]")[0].replace('["', ".").replace('"]', "")
        return exact.startswith(known)
    place = said.partition(": ")[0]
    return place.partition(".")[0].partition("[")[0] in Run.__struct_fields__ or (len(way) == 1 and what == "gone")


def may_be(place: str, what: str) -> bool:
    if FREE_JSON.match(place):
        inner = not place.endswith(("before", "after"))
        return what in ANY or (what == "gone" and inner)
    if FINGERPRINT.fullmatch(place):
        return what in ("empty object", "object")
    return any(what in allowed and place in members.split() for allowed, members in FREE)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "share", [pytest.param(4, id="sample"), pytest.param(1, id="all", marks=pytest.mark.expensive)]
)
def test_a_run_that_differs_in_one_member_is_refused_with_its_place_or_as_good_as_before(
    good: Path, tmp_path: Path, share: int
) -> None:
    file = good / "run.json"
    original = file.read_text()
    run = json.loads(original)
    store, merged = in_folder(tmp_path / "baselines"), tmp_path / "merged"
    readers = (
        lambda: write_gallery(good),
        lambda: merge([good], merged),
        lambda: approve(good, store, everything=True, dry_run=True),
    )
    seen: set[tuple[str, bool]] = set()
    counts = {"refused": 0, "as good": 0}
    odd: list[str] = []
    try:
        for place, way, old in places(run):
            # Of members with one meaning one will do, and one that is null.
            if not way or (place, old is None) in seen:
                continue
            seen.add((place, old is None))
            # The others begin with `read_run`: one mutation of a member that is refused, and one that is not, shows it.
            draw = Random(place)
            sampled: set[bool] = set() if draw.randrange(share) == 0 else {True, False}
            for what, value in draw.sample([*VALUES.items()], len(VALUES) // share):
                if not is_worth_it(place, what, old) or (value == old and type(value) is type(old)):
                    continue
                file.write_text(mutated(run, way, value))
                error = answer(lambda: read_run(good))
                if error is None:
                    counts["as good"] += 1
                    if not may_be(place, what):
                        odd.append(f"{place} {old!r:.40} may be {what}")
                    if True not in sampled:
                        sampled.add(True)
                        for act in (*readers, lambda: read_run(merged)):
                            answer(act)
                    continue
                counts["refused"] += 1
                assert isinstance(error, RecordError), (place, what)
                assert error.where == str(file), (place, what)
                assert error.next_step, (place, what)
                assert tells_the_place(error.what, way, what), (place, what, error.what)
                if False not in sampled:
                    sampled.add(False)
                    assert [str(answer(act)) for act in readers] == [str(error)] * len(readers), (place, what)
    finally:
        file.write_text(original)
    assert odd == []
    assert counts["refused"] > 2_000 / share
