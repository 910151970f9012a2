"""The review sessions that one server offers, by the path of the run folder."""

import contextlib
import threading
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from widgetshot.errors import RecordError
from widgetshot.project.loading import find_root, load_settings

if TYPE_CHECKING:
    # Pictures take long to import, and a Jupyter Server that nobody reviews on should not wait for that.
    from widgetshot.review.session import ReviewSession


class ReviewSessions:
    """The review sessions of one server. Usable from several threads.

    Attributes:
        reviewer: default name of who decides, as soon as a session was opened.

    Args:
        root: what a request names is in this folder.
        default: the one meant by a request that names none; without it, the run folder of the project in `root`.
    """

    def __init__(self, root: Path, default: "ReviewSession | None" = None) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._open: dict[str, ReviewSession] = {"": default} if default else {}
        self.reviewer = ""

    def open(self, path: str) -> "ReviewSession":
        """Return the session of a run folder, or of the run that has replaced the one there was.

        Args:
            path: relative to the server's folder; "" for the default.

        Raises:
            RecordError: there is no run, or the path leads out of the server's folder.
            ConfigError: the project's settings are wrong.
        """
        from widgetshot.baselines.stores import open_baselines
        from widgetshot.review.reviewer import default_reviewer
        from widgetshot.review.session import ReviewSession

        with self._lock:
            session = self._open.get(path)
            if session is None:
                folder = self._inside(path) if path else None
                settings = load_settings(find_root(folder.parent if folder else self._root))
                session = ReviewSession(folder or settings.report, open_baselines(settings), settings.root)
            elif session.run.id != session.id:
                session = ReviewSession(session.folder, session.baselines, session.root)
            self._open[path] = session
            self.reviewer = self.reviewer or default_reviewer(self._root)
            return session

    def _inside(self, path: str) -> Path:
        root = self._root.resolve()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # a loop of links, a null character
            folder = (root / path).resolve()
            if not PurePath(path).is_absolute() and folder.is_relative_to(root) and folder != root:
                return folder
        raise RecordError(
            "is no run folder under the server's folder", where=path[:200], next_step="widgetshot review RUN"
        )
