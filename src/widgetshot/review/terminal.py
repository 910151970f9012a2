"""The review at a terminal: one result after the other, one key each."""

import sys
from pathlib import Path
from typing import Literal

import click

from widgetshot.errors import StaleDecision, WidgetshotError, visible
from widgetshot.printing import ask, say
from widgetshot.report.entry_json import Entry
from widgetshot.report.pictures import picture_bytes
from widgetshot.review.requests import DecisionRequest, UndoRequest
from widgetshot.review.reviewer import sentence_of
from widgetshot.review.session import ReviewSession

_HELP = """  a  accept: the shot becomes the baseline at once
  r  reject: the baseline stays; with a comment, if you like
  s  skip it for now
  u  undo your last decision, and look at it again
  o  open the pictures
  q  quit; what is decided stays decided
  ?  this help"""
_MAX_TRAITS = 5
_Step = Literal["next", "back", "quit"]


class TerminalReview:
    """Ask for a decision on everything that needs one. Each is applied at once.

    At a terminal single keys are read; from a pipe, lines: the key, and after `r` its comment.

    Args:
        reviewer: written into the decisions.
    """

    def __init__(self, session: ReviewSession, reviewer: str) -> None:
        self.session = session
        self.reviewer = reviewer
        self._single_keys = sys.stdin.isatty()
        self._entries: list[Entry] = []
        self._place = 0
        self._mine: list[tuple[int, UndoRequest]] = []  # where own decisions were taken and what takes them back

    def run(self) -> None:
        """Walk until everything has been shown, the input ends, or the reviewer quits.

        Raises:
            RecordError: the run or its decisions can't be read.
        """
        decided = self.session.state().decisions
        entries = self.session.open_results()
        self._entries = [entry for entry in entries if entry.key not in decided]
        if len(self._entries) < len(entries):
            say(f"{len(entries) - len(self._entries)} of {len(entries)} are decided already")
        while self._place < len(self._entries):
            entry = self._entries[self._place]
            decision = self.session.state().decisions.get(entry.key)
            if decision is not None:
                _say(f"{entry.name}: {sentence_of(decision)} meanwhile")
                self._place += 1
                continue
            self._show(entry)
            step = self._ask(entry)
            if step == "quit":
                return
            if step == "next":
                self._place += 1

    def _show(self, entry: Entry) -> None:
        say()
        _say(f"[{self._place + 1}/{len(self._entries)}] {entry.name}: {entry.verdict}: {entry.sentence}")
        if entry.error is not None and entry.error.message != entry.sentence:
            for line in visible(entry.error.message).splitlines():
                say(f"  error:    {line}")
        for change in entry.traits[:_MAX_TRAITS]:
            _say(f"  trait:    {change.widget}.{change.trait} {change.before!r} -> {change.after!r}")
        if (more := len(entry.traits) - _MAX_TRAITS) > 0:
            say(f"            and {more} more")
        for difference in entry.renderer:
            _say(f"  renderer: {difference}")
        if regions := entry.metrics.regions:
            largest = regions[0]
            where = f"{largest.width}x{largest.height} at ({largest.x}, {largest.y})"
            say(f"  regions:  {len(regions)}, the largest {where}")
        for mask in entry.masks:
            _say(f"  mask:     {mask.place}, {len(mask.boxes)} box(es): not compared: {mask.reason}")
        for kind, path in self._pictures(entry).items():
            _say(f"  {kind + ':':9} {path}")
        if not entry.verdict.acceptable:
            say(f"  {entry.verdict} results can't be accepted: no picture of it can be trusted")

    def _pictures(self, entry: Entry) -> dict[str, Path]:
        found = {kind: getattr(entry.pictures, kind) for kind in ("baseline", "shot", "second", "diff", "seen")}
        return {kind: self.session.folder / picture.path for kind, picture in found.items() if picture}

    def _ask(self, entry: Entry) -> _Step:
        """Read keys until one of them leads away from this result."""
        while True:
            key = self._key("[a]ccept [r]eject [s]kip [u]ndo [o]pen [q]uit [?] ")
            try:
                match key:
                    case "a":
                        self._decide(entry, "accept", "")
                        return "next"
                    case "r":
                        comment = self._line("comment: ")
                        if comment is not None:
                            self._decide(entry, "reject", comment)
                            return "next"
                    case "s":
                        return "next"
                    case "u" if self._mine:
                        self._undo()
                        return "back"
                    case "u":
                        say("there is no decision of yours to take back")
                    case "o":
                        self._open(entry)
                    case "q" | "":
                        return "quit"
                    case _:
                        say(_HELP)
            except WidgetshotError as error:
                _say(f"✗ {error.where}: {error.what}")
                if error.next_step:
                    _say(f"  next: {error.next_step}")
                if entry.key in self.session.state().decisions:
                    return "back"  # somebody else was faster, which is said there

    def _decide(self, entry: Entry, verdict: Literal["accept", "reject"], comment: str) -> None:
        key = entry.key
        decision = DecisionRequest(
            key=key,
            verdict=verdict,
            shot_sha256=entry.shot_sha256,
            baseline_sha256=entry.baseline_sha256,
            sidecar_sha256=entry.sidecar_sha256,
            seen=0,
            comment=comment,
            reviewer=self.reviewer,
        )
        version = self.session.decide([decision]).decisions[key].version
        self._mine.append((self._place, UndoRequest(key, version)))
        _say(f"✓ accepted: {self.session.baselines.locate(key)} is written" if verdict == "accept" else "✗ rejected")

    def _undo(self) -> None:
        place, undo = self._mine[-1]
        try:
            self.session.undo([undo])
        except StaleDecision:
            self._mine.pop()  # it is not ours to take back any more
            raise
        self._mine.pop()
        self._place = place
        say("taken back")

    def _open(self, entry: Entry) -> None:
        for kind, path in self._pictures(entry).items():
            try:
                # Whatever else lies there, a desktop would open or start as what it is.
                picture_bytes(self.session.folder, entry, kind)
            except WidgetshotError as error:
                _say(f"  is not opened: {error.what}")
                continue
            if click.launch(str(path.resolve())) != 0:
                _say(f"  can't be opened here: {path}")

    def _key(self, prompt: str) -> str:
        """The next key; "" at the end of the input."""
        if not self._single_keys:
            while line := sys.stdin.readline():
                if line.strip():
                    return line.strip()[0].lower()
            return ""
        ask(prompt)
        try:
            # More than one character is a function key, or was typed before this result was seen.
            key = click.getchar()[:1].lower()
        except (EOFError, KeyboardInterrupt):
            key = ""
        say(visible(key).strip())
        return key

    def _line(self, prompt: str) -> str | None:
        """A line of text; None when the reviewer thinks better of it (Ctrl-C)."""
        if self._single_keys:
            ask(prompt)
        try:
            return sys.stdin.readline().strip()
        except KeyboardInterrupt:
            say()
            return None


def _say(text: str) -> None:
    """Print one line, whatever a notebook calls itself."""
    say(" ".join(visible(text).splitlines()))
