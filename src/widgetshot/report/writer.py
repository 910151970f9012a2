"""Results -> run folder, while the run goes on."""

import threading
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter

from msgspec.structs import replace

from widgetshot.baselines.candidate import shot_bytes
from widgetshot.baselines.sidecar import describe, encode_description
from widgetshot.documents import encode
from widgetshot.errors import RecordError
from widgetshot.files import encode_palette, encode_png, sha256, write_atomically
from widgetshot.model import Result, RunEnd, Verdict
from widgetshot.report.comparing import Recorded, compare_results
from widgetshot.report.comparison_json import FrontEndComparisons
from widgetshot.report.elements_file import elements_bytes
from widgetshot.report.entry import NO_PICTURES, entry_of
from widgetshot.report.entry_json import Entry, EntryElements, EntryTrace, Picture, Pictures, ShotPicture
from widgetshot.report.folder import JOURNAL, RUN_FILE, clear, elements_path, picture_path, sidecar_path, trace_path
from widgetshot.report.head import finished, new_run
from widgetshot.report.history import History
from widgetshot.report.limits import LAST_PLACE, MAX_ITEMS, cut_line, cut_name, seconds
from widgetshot.report.run_json import (
    ENVIRONMENTS,
    Changed,
    Duration,
    NotRun,
    Ran,
    Run,
    Shard,
    Skipped,
    Suite,
    summarise,
)
from widgetshot.report.trace_file import trace_bytes
from widgetshot.verdict.diff_picture import PALETTE

_WRITE_INTERVAL_S = 1.0  # between two writes of run.json while a run goes on; what came since is in the journal


class RunWriter:
    """Writes a run folder while the run goes on. Usable from several threads.

    When the disk is full or the folder vanishes, the run goes on without it: `failure` says why. A result whose
    pictures could not be written is then in `run`, which is for the terminal, and not in the folder.

    Args:
        history: of earlier runs; gets this one too, when it has ended.
        compare_frontends: two front ends whose results are compared with each other at the end; none if nobody asked.

    Attributes:
        run: the run so far, as of the last write.
        failure: why the folder is not whole; None as long as it is.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        root: Path,
        environment: str,
        repeat: int = 1,
        history: History | None = None,
        compare_frontends: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self._compare_frontends = compare_frontends
        self._history = history
        self.failure: RecordError | None = None
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._encoded: dict[str, bytes] = {}  # those of them that the folder has whole
        self._places: dict[str, int] = {}  # of all shards
        self._begin = self._written = perf_counter()
        self.run = new_run(root, environment, repeat)
        clear(folder)
        self._write_run()

    def only_changed(self, not_run: Mapping[str, str], ran: Mapping[str, str], refused: str) -> None:
        """Record what `--changed` left out, and why it did not leave out the rest.

        Args:
            not_run: key of each target that was left out -> when it passed, ISO 8601.
            ran: each session that is run -> why.
            refused: why everything is run, or "".
        """
        changed = Changed(
            not_run=[NotRun(key=key, passed=passed) for key, passed in islice(not_run.items(), MAX_ITEMS)],
            ran=[Ran(name=cut_name(session), why=cut_line(why)) for session, why in islice(ran.items(), MAX_ITEMS)],
            refused=cut_line(refused) or None,
        )
        with self._lock:
            self.run = replace(self.run, changed=changed)
            self._write_run()

    def measured(self, test: str, part: str, duration: float) -> None:
        """Record how many seconds a named part of a Python test took."""
        with self._lock:
            if len(self.run.durations) < MAX_ITEMS:
                self.run.durations.append(
                    Duration(test=cut_name(test), name=cut_name(part), seconds=seconds(duration, digits=6))
                )

    def selected(self, suite: str, left_out: int, skipped: Mapping[str, str]) -> None:
        """Record what was not asked for, or can't be had.

        Args:
            suite: the marker that all targets of the run carry, or "".
            left_out: how many targets don't.
            skipped: path of each notebook that is skipped -> why.
        """
        with self._lock:
            self.run = replace(
                self.run,
                suite=Suite(name=cut_name(suite), left_out=left_out) if suite else None,
                skipped=[
                    Skipped(notebook=cut_name(path), reason=cut_line(why))
                    for path, why in islice(skipped.items(), MAX_ITEMS)
                ],
            )

    def dealt(self, number: int, count: int, plan: str, order: Sequence[str]) -> None:
        """Record that the run is one of several shards.

        Args:
            plan: digest of what each of them consists of.
            order: keys of the targets of all shards, as they were declared; for all pictures of a Python test that of
                their folder.
        """
        with self._lock:
            self._places = {key: place for place, key in enumerate(order)}
            self.run = replace(self.run, shard=Shard(number=number, count=count, plan=plan, order=[]))
            self._write_run()

    def _shard_of(self, shard: Shard, entries: Sequence[Entry]) -> Shard:
        return replace(shard, order=[self._place(entry.key) for entry in entries])

    def _place(self, key: str) -> int:
        """Return the place of a target among those of all shards; what nobody foresaw comes last."""
        while key and key not in self._places:
            key = key.rpartition("/")[0]
        return self._places.get(key, LAST_PLACE)

    def add(self, result: Result, shot: bytes | None = None) -> None:
        """Record one result with its pictures.

        Args:
            shot: the shot's file, if it is encoded already.
        """
        entry = entry_of(result)
        encoded: bytes | None = None
        try:
            entry = replace(
                entry,
                pictures=self._write_pictures(result, shot),
                elements=self._write_elements(result),
                trace=self._write_trace(result),
            )
            encoded = encode(entry)
        except OSError as error:
            self._fail(error)
        with self._lock:
            self._entries[entry.key] = entry
            self._encoded.pop(entry.key, None)
            if encoded is None:
                return
            self._encoded[entry.key] = encoded
            try:
                with (self.folder / JOURNAL).open("ab") as journal:
                    journal.write(encoded + b"\n")
            except OSError as error:
                self._fail(error)
            if perf_counter() - self._written > _WRITE_INTERVAL_S:
                self._write_run()

    def _write_pictures(self, result: Result, shot: bytes | None) -> Pictures:
        pictures = NO_PICTURES
        if result.shot is not None:
            data = shot or shot_bytes(result)
            taken = self._write_picture(result, "shot", data, result.shot.pixels.shape)
            pictures = replace(
                pictures,
                shot=ShotPicture(
                    path=taken.path,
                    sha256=taken.sha256,
                    width=taken.width,
                    height=taken.height,
                    sidecar_sha256=self._write_sidecar(result) if result.verdict.acceptable else None,
                ),
            )
            if result.shot.second is not None:
                second = result.shot.second
                data = encode_png(second, optimise=False)
                pictures = replace(pictures, second=self._write_picture(result, "second", data, second.shape))
        if result.baseline is not None and result.verdict is not Verdict.MATCH:
            before = result.baseline
            written = self._write_picture(result, "baseline", before.data, before.pixels.shape)
            pictures = replace(pictures, baseline=written)
        if result.comparison is not None and result.comparison.diff is not None:
            diff = result.comparison.diff
            data = encode_palette(diff, PALETTE)
            pictures = replace(pictures, diff=self._write_picture(result, "diff", data, diff.shape))
        if result.seen is not None:
            data = encode_png(result.seen, optimise=False)
            pictures = replace(pictures, seen=self._write_picture(result, "seen", data, result.seen.shape))
        return pictures

    def _write_elements(self, result: Result) -> EntryElements | None:
        data = None if result.shot is None else elements_bytes(result.shot)
        if data is None:
            return None
        path = elements_path(result.key)
        self._write(path, data)
        return EntryElements(path=path, sha256=sha256(data))

    def _write_trace(self, result: Result) -> EntryTrace | None:
        if result.trace is None:
            return None
        path, data = trace_path(result.key), trace_bytes(result.trace)
        self._write(path, data)
        return EntryTrace(path=path, sha256=sha256(data))

    def _write_picture(self, result: Result, kind: str, data: bytes, shape: tuple[int, ...]) -> Picture:
        path = picture_path(result.key, kind)
        self._write(path, data)
        return Picture(path=path, sha256=sha256(data), width=shape[1], height=shape[0])

    def _write_sidecar(self, result: Result) -> str:
        data = encode_description(describe(result))
        self._write(sidecar_path(result.key), data)
        return sha256(data)

    def _write(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, data)

    def finish(self, end: RunEnd) -> None:
        """Write the final run.json."""
        with self._lock:
            if self._history is not None:
                noted = self._history.note(self._entries.values(), self.run.started, self.run.commit)
                self._entries = {entry.key: entry for entry in noted}
                self._encoded = {key: encode(self._entries[key]) for key in self._encoded}
            place = {key: index for index, key in enumerate(end.order)}
            self._entries = dict(sorted(self._entries.items(), key=lambda item: place.get(item[0], len(place))))
            self.run = finished(self._with_environments(), end)
            if self._compare_frontends and self.failure is None:
                self.run = replace(self.run, comparisons=self._compare())
            self._write_run()
            if self.failure is None:
                (self.folder / JOURNAL).unlink(missing_ok=True)

    def _compare(self) -> FrontEndComparisons | None:
        """Compare what was drawn in both front ends; None where the folder can't be written."""
        recorded = [Recorded(entry, self.folder) for entry in self._entries.values()]
        try:
            return compare_results(recorded, self._compare_frontends, self._write)
        except OSError as error:
            self._fail(error)
            return None

    def _write_run(self) -> None:
        duration = perf_counter() - self._begin
        entries = list(self._entries.values())
        if self.run.shard is not None:
            self.run = replace(self.run, shard=self._shard_of(self.run.shard, entries))
        self.run = written = replace(self._with_environments(), summary=summarise(entries, duration), tests=entries)
        if len(self._encoded) < len(entries):
            entries = [entry for entry in entries if entry.key in self._encoded]
            shard = self.run.shard and self._shard_of(self.run.shard, entries)
            written = replace(
                self.run, summary=summarise(entries, duration), tests=entries, complete=False, shard=shard
            )
        try:
            write_atomically(self.folder / RUN_FILE, run_bytes(written, [self._encoded[one.key] for one in entries]))
            self._written = perf_counter()
        except OSError as error:
            self._fail(error)

    def _with_environments(self) -> Run:
        """Return the run with the names of the environments that its results are of, and those of the other shards."""
        names = {key.partition("/")[0] for key in (*self._entries, *self._places)}
        if not names:
            return self.run
        return replace(self.run, environment=replace(self.run.environment, name=ENVIRONMENTS.join(sorted(names))))

    def _fail(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = RecordError(
                f"the run folder can't be written: {error.strerror or error}",
                where=str(self.folder),
                next_step="free some space, or choose another folder for the report (--report)",
            )


def run_bytes(run: Run, encoded: Sequence[bytes] | None = None) -> bytes:
    """Return a run as run.json holds it: a line for each part of it and for each test.

    Args:
        encoded: the tests as JSON, where they are encoded already.
    """
    tests = [encode(entry) for entry in run.tests] if encoded is None else encoded
    lines = []
    for member in Run.__struct_fields__:
        value = b"[\n" + b",\n".join(tests) + b"\n]" if member == "tests" and tests else encode(getattr(run, member))
        lines.append(encode(member) + b": " + value)
    return b"{\n" + b",\n".join(lines) + b"\n}\n"
