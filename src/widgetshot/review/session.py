"""The decisions on one run: applied to the baselines as they are taken, remembered, and taken back."""

import contextlib
import getpass
import hmac
import json
import os
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from widgetshot.baselines.access import Baselines
from widgetshot.errors import ConfigError, RecordError, StaleDecision, WidgetshotError
from widgetshot.files import LOCAL_FOLDER, local_folder, locked, sha256, write_atomically
from widgetshot.model import Verdict
from widgetshot.ports import StoredFiles
from widgetshot.report.entry_json import Entry
from widgetshot.report.folder import JOURNAL, PREVIOUS, REVIEW, RUN_FILE
from widgetshot.report.reader import read_run
from widgetshot.report.run_json import Run
from widgetshot.review.approve import approve

FORMAT = 1
_LOCK = "review.lock"
_SECRET = "review.key"
_LONGEST_COMMENT = 10_000
_LONGEST_NAME = 200
_AGAIN = "look at it again: reload the page, or widgetshot review"
# The order in which a person is asked; matches are no question. As VERDICTS in js/src/gallery/run.ts.
_URGENCY = (Verdict.CHANGED, Verdict.RESIZED, Verdict.NEW, Verdict.UNSTABLE, Verdict.BROKEN)

# Digests of a baseline's picture and of its sidecar; None for a file that does not exist.
Digests = list[str | None]


class MalformedDecision(ConfigError):
    """What was sent is no decision."""


class UnknownResult(ConfigError):
    """A decision on something that the run does not have."""


@dataclass(frozen=True)
class Decision:
    """What a reviewer says of one result, bound to what was seen.

    Attributes:
        verdict: accept or reject.
        shot_sha256, baseline_sha256: of the pictures looked at; None for one that did not exist.
        seen: version of the decision on this key that the reviewer knew of; 0 for none.
    """

    key: str
    verdict: str
    shot_sha256: str | None
    baseline_sha256: str | None
    seen: int = 0
    comment: str = ""
    reviewer: str = ""

    @classmethod
    def parse(cls, value: Any) -> "Decision":
        """A decision from JSON.

        Raises:
            MalformedDecision: a field is missing, unknown, or of another type.
        """
        fields = dict(_object(value, cls.__dataclass_fields__))
        for name in ("shot_sha256", "baseline_sha256"):
            if name not in fields or not (fields[name] is None or isinstance(fields[name], str)):
                raise MalformedDecision(f"'{name}' must be a digest or null", where=_place(fields))
        for name, longest in (("comment", _LONGEST_COMMENT), ("reviewer", _LONGEST_NAME)):
            text = fields.get(name, "")
            if not isinstance(text, str) or len(text) > longest:
                raise MalformedDecision(f"'{name}' must be text of at most {longest} characters", where=_place(fields))
        if fields.get("verdict") not in ("accept", "reject"):
            raise MalformedDecision("'verdict' must be accept or reject", where=_place(fields))
        return cls(**fields)


@dataclass(frozen=True)
class Undo:
    """That a decision is taken back; `seen` as in `Decision`."""

    key: str
    seen: int

    @classmethod
    def parse(cls, value: Any) -> "Undo":
        """From JSON.

        Raises:
            MalformedDecision: a field is missing, unknown, or of another type.
        """
        return cls(**_object(value, cls.__dataclass_fields__))


def _object(value: Any, fields: Iterable[str]) -> Mapping[str, Any]:
    """What both have in common: an object with a key, a version seen, and no field that nobody knows."""
    if not isinstance(value, Mapping):
        raise MalformedDecision(f"must be an object, not {value!r:.80}")
    if not isinstance(value.get("key"), str):
        raise MalformedDecision("'key' must be text")
    if type(value.get("seen")) is not int or value["seen"] < 0:
        raise MalformedDecision("'seen' must be a version, 0 for none", where=_place(value))
    if unknown := sorted(set(value) - set(fields)):
        raise MalformedDecision(f"unknown field '{unknown[0]}'", where=_place(value))
    return value


def _place(value: Mapping[str, Any]) -> str:
    return str(value["key"])[:200]


class Review:
    """The decisions on one run folder. Safe to use from several threads and several processes at once.

    They are in the folder's `review.json`, the baselines' files they replaced in `previous/`. Both are read again only
    where they were written: the file carries a seal made with a secret of this checkout, because whoever could write
    it could make an undo put any bytes among the baselines.

    Attributes:
        id: the run's id; another run in the same folder is another review.

    Args:
        root: the project's folder.

    Raises:
        RecordError: the folder holds no run that can be read.
    """

    def __init__(self, run_folder: Path, baselines: Baselines, root: Path) -> None:
        self.folder = run_folder
        self.baselines = baselines
        self.root = root
        self._read: tuple[Any, Run] | None = None
        self.id = self.run.id

    @property
    def run(self) -> Run:
        """The run that is in the folder now, as `read_run` gives it."""
        files = (self.folder / RUN_FILE, self.folder / JOURNAL)
        signature = [_signature(file) for file in files]
        if self._read is None or self._read[0] != signature:
            self._read = (signature, read_run(self.folder))
        return self._read[1]

    def open_results(self) -> list[Entry]:
        """Entries of run.json that need a decision, the most urgent first; decided or not."""
        entries = [entry for entry in self.run.tests if _is_open(entry)]
        return sorted(
            entries,
            key=lambda entry: (_URGENCY.index(entry.verdict), -(entry.metrics.changed_pixels or 0)),
        )

    def counts(self) -> tuple[int, int, int]:
        """How many results were accepted, were rejected, and are left."""
        decisions = self.state()["decisions"]
        verdicts = [decisions[key]["verdict"] for entry in self.open_results() if (key := entry.key) in decisions]
        accepted = verdicts.count("accept")
        return accepted, len(verdicts) - accepted, len(self.open_results()) - len(verdicts)

    def state(self) -> dict[str, Any]:
        """What is decided: `format`, `run`, `version`, and `decisions` by key.

        Raises:
            RecordError: `review.json` can't be read, or was not written here.
        """
        return _public(self._load())

    def decide(self, decisions: Sequence[Decision]) -> dict[str, Any]:
        """Take decisions: all of them, or none. Accepting writes the baseline, rejecting puts back what was there.

        Returns:
            The state after it.

        Raises:
            UnknownResult: the run has no such result.
            ConfigError: it can't be accepted, or needs no decision.
            StaleDecision: a picture, the baseline, the run or somebody else's decision is not what the reviewer saw.
            RecordError, BaselineError: a file can't be read or written.
        """
        with self._held() as document:
            known = document["decisions"]
            _refuse(decisions, lambda decision: self._check(decision, document))
            accepted = [one.key for one in decisions if one.verdict == "accept" and not self._is_there(one.key, known)]
            restored = [one.key for one in decisions if one.verdict == "reject" and _written(known, one.key)]
            version = document["version"] + 1
            now = datetime.now(UTC).isoformat(timespec="seconds")
            with self._putting_back(document, accepted, restored) as replaced:
                after = dict(known)
                for one in decisions:
                    undo = known.get(one.key, {}).get("undo") if one.verdict == "accept" else None
                    if one.key in accepted:
                        undo = {"before": replaced[one.key], "after": self._digests(one.key)}
                    after[one.key] = {
                        "verdict": one.verdict,
                        "comment": one.comment,
                        "reviewer": one.reviewer,
                        "time": now,
                        "version": version,
                        "written": one.verdict == "accept",
                        "undo": undo,
                    }
                return self._save(document | {"version": version, "decisions": after, "pending": {}})

    def undo(self, undos: Sequence[Undo]) -> dict[str, Any]:
        """Take decisions back, all of them or none; baselines are byte for byte what they were before.

        Returns:
            The state after it.

        Raises:
            UnknownResult: the run has no such result.
            StaleDecision: the decision is another one by now, or the baseline is not the one that was written.
            RecordError, BaselineError: a file can't be read or written.
        """
        with self._held() as document:
            known = document["decisions"]
            _refuse(undos, lambda undo: self._check_undo(undo, document))
            restored = [undo.key for undo in undos if _written(known, undo.key)]
            gone = {undo.key for undo in undos}
            with self._putting_back(document, [], restored):
                left = {key: decision for key, decision in known.items() if key not in gone}
                return self._save(document | {"version": document["version"] + 1, "decisions": left, "pending": {}})

    def _check(self, decision: Decision, document: Mapping[str, Any]) -> None:
        entry = self._entry(decision.key)
        name = entry.name
        self._check_seen(decision, document, name)
        if not _is_open(entry):
            why = "the run has written its baseline" if entry.updated else "it matches its baseline"
            raise ConfigError(f"needs no decision: {why}", where=name)
        if decision.shot_sha256 != entry.shot_sha256:
            raise StaleDecision("the picture decided on is not the one of this run", where=name, next_step=_AGAIN)
        if decision.baseline_sha256 != entry.baseline_sha256:
            raise StaleDecision("the baseline decided on is not the one this run saw", where=name, next_step=_AGAIN)
        if _written(document["decisions"], decision.key):
            self._check_restorable(decision.key, document, name)
            return
        current = self.baselines.digest(decision.key)
        already = decision.verdict == "accept" and current == decision.shot_sha256
        if current != entry.baseline_sha256 and not already:
            raise StaleDecision("its baseline has changed since the run", where=name, next_step="widgetshot run")
        if decision.verdict == "accept" and not entry.verdict.acceptable:
            # With the reason; before anything of the group is written.
            approve(self.folder, self.baselines, [decision.key])

    def _check_undo(self, undo: Undo, document: Mapping[str, Any]) -> None:
        name = self._entry(undo.key).name
        self._check_seen(undo, document, name)
        if undo.key not in document["decisions"]:
            raise StaleDecision("nothing is decided on it", where=name)
        if _written(document["decisions"], undo.key):
            self._check_restorable(undo.key, document, name)

    def _entry(self, key: str) -> Entry:
        for entry in self.run.tests:
            if entry.key == key:
                return entry
        raise UnknownResult("the run has no such result", where=key[:200], next_step=_AGAIN)

    def _check_seen(self, one: Decision | Undo, document: Mapping[str, Any], name: str) -> None:
        current = document["decisions"].get(one.key)
        if current is None and one.seen:
            raise StaleDecision("the decision on it has been taken back meanwhile", where=name, next_step=_AGAIN)
        if current is not None and one.seen != current["version"]:
            raise StaleDecision(f"{told(current)} meanwhile", where=name, next_step=_AGAIN)

    def _check_restorable(self, key: str, document: Mapping[str, Any], name: str) -> None:
        undo = document["decisions"][key]["undo"]
        if self._digests(key) not in (undo["after"], undo["before"]):
            raise StaleDecision(
                "its baseline is not the one that accepting it wrote; what is there now stays",
                where=name,
                next_step=self.baselines.commands(key).inspect,
            )

    def _is_there(self, key: str, known: Mapping[str, Any]) -> bool:
        return _written(known, key) and self._digests(key) == known[key]["undo"]["after"]

    @contextlib.contextmanager
    def _putting_back(
        self, document: dict[str, Any], accepted: Sequence[str], restored: Sequence[str]
    ) -> Iterator[dict[str, Digests]]:
        """Write and restore baselines; if that, or what is done with them, fails, all are as before.

        What is about to be replaced is noted first, so that even a killed process leaves no baseline half decided.

        Yields:
            The digests of what was replaced, by key.
        """
        files = {key: self.baselines.snapshot(key) for key in [*accepted, *restored]}
        if not files:
            yield {}
            return
        before = {key: [self._keep(both.picture), self._keep(both.sidecar)] for key, both in files.items()}
        known = document["decisions"]
        pending = {key: {"before": before[key], "target": self._entry(key).shot_sha256} for key in accepted}
        pending |= {key: {"before": before[key], "target": known[key]["undo"]["before"][0]} for key in restored}
        self._save(document | {"pending": pending})
        try:
            if accepted:
                approve(self.folder, self.baselines, accepted)
            for key in restored:
                self._restore(key, known[key]["undo"]["before"])
            yield before
        except BaseException:
            self.baselines.restore(files)
            # When even this can't be written, the note stays, and the next one to come finds nothing left to do.
            with contextlib.suppress(RecordError):
                self._save(document | {"pending": {}})
            raise

    def _recover(self, document: dict[str, Any]) -> dict[str, Any]:
        """Put back what a process that was killed had begun to write."""
        for key, note in document["pending"].items():
            if self.baselines.digest(key) in (note["before"][0], note["target"]):
                self._restore(key, note["before"])
        whole = document | {"pending": {}}
        self._save(whole)
        return whole

    def _digests(self, key: str) -> Digests:
        digests = self.baselines.digests(key)
        return [digests.picture, digests.sidecar]

    def _restore(self, key: str, digests: Digests) -> None:
        self.baselines.restore({key: StoredFiles(*(self._kept(key, digest) for digest in digests))})

    def _keep(self, data: bytes | None) -> str | None:
        if data is None:
            return None
        digest, folder = sha256(data), self.folder / PREVIOUS
        try:
            if folder.is_symlink():
                raise RecordError("is a link; a run folder's own folders are none", where=str(folder))
            folder.mkdir(exist_ok=True)
            write_atomically(folder / digest, data)
        except OSError as error:
            raise self._unwritable(error) from error
        return digest

    def _kept(self, key: str, digest: str | None) -> bytes | None:
        if digest is None:
            return None
        file = self.folder / PREVIOUS / digest
        try:
            data = file.read_bytes()
        except OSError as error:
            raise RecordError(
                f"what was there before can't be read: {error}",
                where=str(file),
                next_step=self.baselines.commands(key).restore,
            ) from error
        if sha256(data) != digest:
            raise RecordError(
                "what was there before is damaged", where=str(file), next_step=self.baselines.commands(key).restore
            )
        return data

    @contextlib.contextmanager
    def _held(self) -> Iterator[dict[str, Any]]:
        """Nobody else decides on anything in this checkout meanwhile. Yields what is decided."""
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(local_folder(self.root) / _LOCK))
            except OSError as error:
                raise RecordError(
                    f"no lock can be had: {error}", where=str(self.root), next_step="make that folder writable"
                ) from error
            if self.run.id != self.id:
                raise StaleDecision("the folder holds another run now", where=str(self.folder), next_step=_AGAIN)
            document = self._load()
            yield self._recover(document) if document["pending"] else document

    def _load(self) -> dict[str, Any]:
        file = self.folder / REVIEW
        fresh = {"format": FORMAT, "run": self.id, "version": 0, "decisions": {}, "pending": {}}
        try:
            document = json.loads(file.read_bytes())
            seal = document.pop("seal")
            own = self._seal(document)
            if own is None or not hmac.compare_digest(seal, own):
                raise RecordError(
                    "was not written in this checkout, so nothing in it can be trusted or taken back",
                    where=str(file),
                    next_step=f"rm '{file}'",
                )
        except FileNotFoundError:
            return fresh
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise RecordError(f"can't be read: {error!r}", where=str(file), next_step=f"rm '{file}'") from error
        if document["format"] != FORMAT:
            raise RecordError(
                f"is of format {document['format']!r}; this version reads {FORMAT}",
                where=str(file),
                next_step="use the version of widgetshot that wrote it",
            )
        return dict(document) if document["run"] == self.id else fresh

    def _save(self, document: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._make_secret()
            text = json.dumps({**document, "seal": self._seal(document)}, indent=1)
            write_atomically(self.folder / REVIEW, text.encode())
        except OSError as error:
            raise self._unwritable(error) from error
        return _public(document)

    def _seal(self, document: Mapping[str, Any]) -> str | None:
        """Message authentication code (HMAC-SHA256) of a document, with the secret of this checkout; None without."""
        try:
            secret = (self.root / LOCAL_FOLDER / _SECRET).read_bytes()
        except FileNotFoundError:
            return None
        return hmac.new(secret, json.dumps(document, sort_keys=True).encode(), "sha256").hexdigest()

    def _make_secret(self) -> None:
        file = local_folder(self.root) / _SECRET
        if file.exists():
            return
        # Private to its owner from the beginning, and whole or not at all.
        new = file.with_suffix(".tmp")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(secrets.token_bytes(32))
        new.replace(file)

    def _unwritable(self, error: OSError) -> RecordError:
        return RecordError(
            f"the decision can't be kept: {error}",
            where=str(self.folder),
            next_step="free some space, then decide again",
        )


def default_reviewer(root: Path) -> str:
    """Who decides, when nothing else is said: git's `user.name` there, or the login."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["git", "config", "user.name"], cwd=root, capture_output=True, text=True, check=False, timeout=10
        )
        if name := done.stdout.strip():
            return name[:_LONGEST_NAME]
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def told(decision: Mapping[str, Any]) -> str:
    """Who decided what, in words."""
    verb = "accepted" if decision["verdict"] == "accept" else "rejected"
    comment = f" ({decision['comment']})" if decision["comment"] else ""
    return f"{decision['reviewer'] or 'somebody'} has {verb} it{comment}"


def _is_open(entry: Entry) -> bool:
    return entry.verdict in _URGENCY and not entry.updated


def _written(decisions: Mapping[str, Any], key: str) -> bool:
    return key in decisions and bool(decisions[key]["written"])


def _public(document: Mapping[str, Any]) -> dict[str, Any]:
    decisions = {
        key: {name: value for name, value in decision.items() if name != "undo"}
        for key, decision in document["decisions"].items()
    }
    return {"format": FORMAT, "run": document["run"], "version": document["version"], "decisions": decisions}


def _refuse(many: Sequence[Decision] | Sequence[Undo], check: Any) -> None:
    """Raise what is wrong with any of them, all at once."""
    problems: list[WidgetshotError] = []
    keys: set[str] = set()
    for one in many:
        try:
            if one.key in keys:
                raise MalformedDecision("is decided twice", where=_place({"key": one.key}))
            keys.add(one.key)
            check(one)
        except WidgetshotError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise type(problems[0])(
            "nothing was decided:\n" + "\n".join(f"- {problem}" for problem in problems),
            next_step=problems[0].next_step,
        )


def _signature(file: Path) -> tuple[int, int, int] | None:
    """Tells one version of a file from another; files that are replaced atomically are other files each time."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
