"""The baselines that a run reads and writes, and the keeping of each result."""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from widgetshot.baselines.access import Baselines
from widgetshot.baselines.candidate import shot_bytes
from widgetshot.baselines.sidecar import describe
from widgetshot.errors import BaselineError
from widgetshot.model import Baseline, Result, Target
from widgetshot.project.settings import Settings
from widgetshot.run.evidence import without_needless
from widgetshot.run.verdicts import broken, notes_sheet, redacted, under_quarantine, writes_baseline
from widgetshot.shell import typed
from widgetshot.verdict.renderers import SHEET

if TYPE_CHECKING:
    from widgetshot.ports import RunSink


def read_baseline(target: Target, baselines: Baselines, settings: Settings) -> Baseline | None:
    """Return the baseline that a target is compared with, or None.

    Raises:
        BaselineError: it is damaged or shows a secret, and this run may not replace it.
    """
    try:
        baseline = baselines.read(settings.key(target))
        if baseline is not None and settings.redactor:
            _refuse_secrets(baseline, target, settings)
        return baseline
    except BaselineError:
        # Taking it anew is one of the two ways out, so under an update it counts as absent.
        if settings.update in ("none", "sheets", "missing"):
            raise
        return None


def _refuse_secrets(baseline: Baseline, target: Target, settings: Settings) -> None:
    """Raise BaselineError where the picture must show a secret, since its sidecar does: a report would hold it."""
    described = json.dumps([baseline.widgets, list(map(str, baseline.layout or ()))], ensure_ascii=False)
    if settings.redactor.text(described) != described:
        raise BaselineError(
            "its baseline holds the value of a declared secret: it was approved before that was declared",
            where=target.nodeid,
            next_step=f"change that secret, which is in git's history, then: widgetshot run {typed(target.notebook)} "
            "--update-baselines=all",
        )


class Recording:
    """Keeps the results of a run: writes baselines where the run is to, and hands each result on. Usable from threads.

    Args:
        baselines: where the run writes those that it is to.
        sinks: what takes the results.
    """

    def __init__(self, settings: Settings, baselines: Baselines, sinks: Sequence["RunSink"]) -> None:
        self._settings = settings
        self._baselines = baselines
        self._sinks = sinks
        self._today = datetime.now(UTC).date()
        self._noted = 0
        self._noting = threading.Lock()

    @property
    def notices(self) -> list[str]:
        """What was written besides baselines, in a sentence for whoever typed the command."""
        if not self._noted:
            return []
        pictures = f"{self._noted} baseline{'s' if self._noted > 1 else ''}"
        return [f"the calibration sheet of this renderer was noted beside {pictures}, whose pictures stay as they are"]

    def keep(self, result: Result) -> Result:
        """Write what is to be written.

        Returns:
            The result as it was recorded. Its pictures are on the disk then, and leave memory.
        """
        data: bytes | None = None
        result = redacted(under_quarantine(result, self._today), self._settings.redactor)
        result = without_needless(result, self._settings)
        if notes_sheet(result, self._settings.update):
            result = self._note_sheet(result)
        if writes_baseline(result, self._settings.update):
            result = replace(result, updated=True)
            data = shot_bytes(result)
            try:
                self._baselines.write(result.key, data, describe(result))
            except BaselineError as error:
                result, data = _unwritten(result, error), None
        for sink in self._sinks:
            sink.add(result, data)
        comparison = result.comparison and replace(result.comparison, diff=None)
        return replace(result, shot=None, baseline=None, comparison=comparison, seen=None, trace=None)

    def _note_sheet(self, result: Result) -> Result:
        assert result.baseline is not None
        digest = result.fingerprint[SHEET]
        try:
            noted = self._baselines.note_sheet(result.key, result.baseline.sha256, digest, result.sheet)
        except BaselineError as error:
            return _unwritten(result, error)
        with self._noting:
            self._noted += noted
        return result


def _unwritten(result: Result, error: BaselineError) -> Result:
    """Return the result of a target whose baseline could not be written."""
    failed = broken(result.target, result.key, error, renderer=result.fingerprint, duration=result.duration)
    return replace(failed, repeat=result.repeat)
