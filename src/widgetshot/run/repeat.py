"""One result of several runs of the same target (`--repeat`)."""

from dataclasses import dataclass, field, replace

from widgetshot.errors import ExitCode
from widgetshot.files import sha256
from widgetshot.model import Repeat, Result, Shot, Tolerance, Verdict, boxes_of
from widgetshot.run.verdicts import moved_elements
from widgetshot.verdict.compare import compare
from widgetshot.verdict.explain import explain
from widgetshot.verdict.judge import flaky_sentence
from widgetshot.verdict.pixels import same, without_masked
from widgetshot.verdict.renderers import SAME
from widgetshot.verdict.traits import trait_changes

_STRICT = Tolerance(threshold=0.0)


@dataclass
class Repeated:
    """The results of one target under `--repeat`.

    The first two distinct pictures are kept, to show them; of further ones digests, because there may be many. So where
    a selector's masks lie elsewhere from run to run, two that differ under them alone are told apart from the third on.
    """

    result_one: Result | None = None
    shot_two: Shot | None = None
    digests: dict[str, int] = field(default_factory=dict)  # of each further distinct picture -> its place in `counts`
    counts: list[int] = field(default_factory=list)
    runs: int = 0
    first: int = 0
    failed: Result | None = None
    failures: int = 0
    duration: float = 0.0

    def add(self, result: Result) -> None:
        """Take the result of one more run."""
        self.runs += 1
        self.duration += result.duration
        if result.shot is None or result.verdict is Verdict.UNSTABLE:
            self.failures += 1
            # What no notebook can be blamed for must not hide behind what one can.
            if self.failed is None or _exit_code(result) > _exit_code(self.failed):
                self.failed = replace(result, sentence=f"in run {self.runs}: {result.sentence}")
            return
        number = self._number(result, result.shot)
        if number == len(self.counts):
            self.counts.append(0)
        self.counts[number] += 1

    def _number(self, result: Result, shot: Shot) -> int:
        """Tell which of the distinct pictures this is, from 0; the number of those so far if it is another one."""
        if self.result_one is None:
            self.result_one = result
            return 0
        assert self.result_one.shot is not None
        if _same_shots(self.result_one.shot, shot):
            return 0
        if self.shot_two is None:
            self.shot_two, self.first = shot, self.runs
            return 1
        if _same_shots(self.shot_two, shot):
            return 1
        pixels = without_masked(shot.pixels, boxes_of(shot.masks))
        return self.digests.setdefault(sha256(repr(pixels.shape).encode() + pixels.tobytes()), len(self.counts))

    def result(self) -> Result:
        """Return the result of all runs together."""
        repeat = Repeat(self.runs, tuple(self.counts), self.first)
        if self.failed is not None:
            part = "every run" if self.failures == self.runs else f"{self.failures} of {self.runs} runs"
            result = replace(self.failed, sentence=f"{self.failed.sentence} ({part} failed)")
            return replace(result, repeat=repeat, duration=self.duration)
        assert self.result_one is not None
        result, one, other = self.result_one, self.result_one.shot, self.shot_two
        assert one is not None
        if other is not None:
            result = _varied(result, one, other, repeat)
        else:
            result = replace(result, sentence=f"{result.sentence}; the same picture in {self.runs} runs")
        return replace(result, repeat=repeat, duration=self.duration)


def _varied(result: Result, one: Shot, other: Shot, repeat: Repeat) -> Result:
    """Return the first result, with the second picture beside its own and what differs between the two."""
    comparison = compare(one.pixels, other.pixels, _STRICT, boxes_of(other.masks), boxes_of(one.masks))
    traits = trait_changes(one.widgets, other.widgets)
    moved = moved_elements(one, other, brief=bool(traits))
    why = explain(traits, moved, SAME, known=True, cut=one.layout_cut or other.layout_cut)
    return replace(
        result,
        verdict=Verdict.UNSTABLE,
        sentence=f"{flaky_sentence(repeat, comparison)}; {why}",
        shot=replace(one, settled=False, second=other.pixels),
        comparison=comparison,
        traits=traits,
    )


def _exit_code(result: Result) -> int:
    return result.failure.exit_code if result.failure is not None else ExitCode.DIFFERENCES


def _same_shots(one: Shot, other: Shot) -> bool:
    return same(one.pixels, other.pixels, boxes_of((*one.masks, *other.masks)))
