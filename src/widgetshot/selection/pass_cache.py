"""Sessions that a run may leave out: they passed, and nothing that their pictures are made from has changed since.

Where that was asked for before, every run notes what each notebook was seen to read and the state that all of it was
in, if all of its pictures passed. With `--changed` that is compared with the state now. What can't be known counts as
changed. The rules are explained in docs/how-to/changed.md.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from widgetshot.baselines.access import Baselines
from widgetshot.declare.folder import goes_up
from widgetshot.declare.notebook import Notebook
from widgetshot.errors import WidgetshotError
from widgetshot.files import LOCAL_FOLDER, LockHeld, local_folder, locked
from widgetshot.model import Target
from widgetshot.project.settings import Settings
from widgetshot.selection.current import CurrentState
from widgetshot.selection.document import PassDocument, PassedSession, read_passed, write_passed
from widgetshot.selection.notes import FinishedSession, note_of, with_session
from widgetshot.selection.session import Session
from widgetshot.selection.states import digest_of
from widgetshot.selection.words import change_of, differing, names_changed, packages_changed, surroundings_changed

_FILE = "passed.json"
_LOCK = "passed.lock"


class PassCache:
    """The sessions that passed, in a small local file beside the project.

    An unreadable file counts as none: then everything is run.

    Attributes:
        notices: what is lost of it, in sentences.
        noting: whether what passes is noted; that takes its time, so it is done where it has been asked for once.

    Args:
        renderer: gives what draws the pictures; raises WidgetshotError where that can't be said.
        installed: folders of what is installed that have a part in all pictures; None for those of this process.
    """

    def __init__(
        self,
        settings: Settings,
        renderer: Callable[[], Mapping[str, Any]],
        baselines: Baselines,
        installed: frozenset[str] | None = None,
    ) -> None:
        self.notices: list[str] = []
        self._settings = settings
        self._baselines = baselines
        self._now = CurrentState(settings, renderer, installed)
        self._file = settings.root / LOCAL_FOLDER / _FILE
        self.noting = self._file.exists()

    def begin(self) -> None:
        """Note what passes from now on, in later runs of this checkout, too."""
        if self.noting:
            return
        self.noting = True
        with contextlib.suppress(OSError), locked(local_folder(self._settings.root) / _LOCK):
            # Several that begin at once share one salt.
            self.__dict__.pop("_document", None)
            if not self._file.exists():
                write_passed(self._file, self._document)

    # What is asked before a run ------------------------------------------------------------------------------

    def why(self, session: Session) -> tuple[str, str]:
        """Return why a session must be run, in words, or ""; and when it passed, ISO 8601.

        Raises nothing: whatever goes wrong is a reason to run it.
        """
        passed = self._document.sessions.get(self._key(session))
        if passed is None:
            return "not known to have passed", ""
        try:
            return self._why(session, passed), passed.time
        except (OSError, ValueError, KeyError, WidgetshotError) as error:
            return f"what is known of it can't be compared: {error}", ""

    def _why(self, session: Session, passed: PassedSession) -> str:
        notebook = session.notebook
        if notebook.services:
            return f"nobody knows what is in its services ({', '.join(need.name for need in notebook.services)})"
        if notebook.gateway_url:
            return f"its kernel runs elsewhere ({notebook.gateway_url}), where nobody sees what it reads"
        for target in session.targets:
            if target.name not in passed.baselines:
                return f"{target.name} is not known to have passed"
        if notebook.inputs is None and passed.unseen:
            return f"not all that it depends on is known: it {passed.unseen}"
        return self._own_change(session, passed) or self._folder_change(passed) or self._shared_change(passed)

    def _own_change(self, session: Session, passed: PassedSession) -> str:
        """Return what changed of files, baselines and options; "" for nothing."""
        for path, before in passed.files.items():
            if word := change_of(before, self._now.file(path)):
                return f"{self._short(path)} {word}"
        for target in session.targets:
            if passed.baselines[target.name] != self._baselines.version(self._target_key(target)):
                return f"the baseline of {target.name} changed"
        options = self._now.options(session)
        if options != passed.options:
            return f"its configuration changed: {differing(passed.options, options)}"
        matched, known = self._now.matched(session.notebook) or {}, passed.matched or {}
        for path in sorted(matched.keys() | known.keys()):
            if word := change_of(known.get(path), matched.get(path)):
                return f"{self._short(path)} {word}"
        return ""

    def _folder_change(self, passed: PassedSession) -> str:
        """Return which names in folders changed; "" for none."""
        for names_of, listings in (
            (self._now.names_beside, passed.beside),
            (self._now.names_in, passed.folders),
            (self._now.module_names_in, passed.modules),
        ):
            for path, digest in listings.items():
                now = names_of(path)
                if digest_of(now) != digest:
                    return f"{self._short(path)}: {names_changed(self._document.listings[digest], now)}"
        return ""

    def _shared_change(self, passed: PassedSession) -> str:
        """Return what changed of that which notebooks share; "" for nothing."""
        before, now = self._document.surroundings[passed.surroundings], self._now.surroundings(self._document.salt)
        if before != now:
            return surroundings_changed(before, now)
        for path, digest in passed.trees.items():
            tree = self._now.tree(path)
            if digest_of(tree) != digest:
                return f"what is installed changed: {packages_changed(path, self._document.trees[digest], tree)}"
        return ""

    # What is noted after a run ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at what all notebooks share, before any of them is executed.

        What changes from then on is another state the next time.
        """
        if not self.noting:
            return
        with contextlib.suppress(OSError, WidgetshotError):
            self._now.surroundings(self._document.salt)
            for path in self._now.shared_trees:
                self._now.tree(path)

    def look_beside(self, notebook: Notebook) -> None:
        """Look at what lies beside a notebook, and above it where it may look there, before it is executed."""
        if not self.noting:
            return
        file = self._settings.root / notebook.path
        with contextlib.suppress(OSError):
            self._now.names_beside(str(file.parent))
            programs = [file, *file.parent.glob("*.py")]
            if any(goes_up(program.read_text(encoding="utf-8", errors="replace")) for program in programs):
                self._now.names_beside(str(self._settings.root))

    def note(self, finished: Iterable[FinishedSession]) -> None:
        """Keep what passed, forget what did not."""
        salt = self._document.salt
        found = {
            self._key(one.session): note_of(one, self._settings, self._now, self._baselines, salt) for one in finished
        }
        if not found:
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(local_folder(self._settings.root) / _LOCK))
            except LockHeld as error:
                self.notices.append(f"what passed is not noted for --changed: {error}")
                return
            except OSError:
                pass  # without a place for a lock there is hardly one to write
            # Another run may have ended meanwhile. Its salt is not ours where both made one; it is run again then.
            document = replace(read_passed(self._file)[0], salt=salt)
            for key, noted in found.items():
                document = with_session(document, key, noted)
            try:
                write_passed(self._file, document)
            except OSError as error:
                self.notices.append(f"what passed is not noted for --changed: {error}")

    def _short(self, path: str) -> str:
        root = str(self._settings.root)
        if path == root:
            return "the project"
        return Path(path).relative_to(root).as_posix() if path.startswith(root + os.sep) else path

    def _key(self, session: Session) -> str:
        return f"{self._settings.environment(session.frontend)}/{session.name}"

    def _target_key(self, target: Target) -> str:
        return self._settings.key(target)

    @cached_property
    def _document(self) -> PassDocument:
        document, why = read_passed(self._file)
        if why:
            self.notices.append(f"what had passed is not known any more, so that all of it is run: {why}")
        return document


def refusal() -> str:
    """Return why `--changed` is not followed here, or ""."""
    in_ci = os.environ.get("CI", "").casefold() not in ("", "0", "false")
    return "in CI ($CI is set) everything is run, whatever --changed says" if in_ci else ""
