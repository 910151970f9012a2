"""The review sessions that one server offers, by the path of the run folder."""

import contextlib
import threading
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from widgetshot.errors import ConfigError, RecordError, one_line
from widgetshot.project.loading import find_root, load_settings
from widgetshot.project.settings import Settings

if TYPE_CHECKING:
    # Pictures take long to import, and a Jupyter Server that nobody reviews on should not wait for that.
    from widgetshot.review.session import ReviewSession


class ReviewSessions:
    """The review sessions of one server. Usable from several threads.

    Attributes:
        reviewer: default name of who decides, as soon as a session was opened.

    Args:
        root: what a request names is in this folder; settings are those of the project that it lies in.
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
            ConfigError: the project's settings are wrong, or the run folder lies in another project.
        """
        from widgetshot.baselines.stores import open_baselines
        from widgetshot.review.reviewer import default_reviewer
        from widgetshot.review.session import ReviewSession

        with self._lock:
            session = self._open.get(path)
            if session is None:
                folder = self._inside(path) if path else None
                settings = self._settings(folder, path)
                session = ReviewSession(folder or settings.report, open_baselines(settings), settings.root)
            elif session.run.id != session.id:
                session = ReviewSession(session.folder, session.baselines, session.root)
            self._open[path] = session
            self.reviewer = self.reviewer or default_reviewer(self._root)
            return session

    def _settings(self, folder: Path | None, path: str) -> Settings:
        """Return the settings of the project that the server was started in.

        Who made a run folder must not say where its pictures go: a run folder that came from elsewhere may bring a
        `pyproject.toml` along.

        Raises:
            ConfigError: the settings are wrong, or put baselines outside of the project; the run folder lies in a
                project of its own.
        """
        root = find_root(self._root.resolve())
        if folder is not None and (other := find_root(folder.parent)) != root:
            raise ConfigError(
                f"lies in another project than the server ({one_line(other.name)}), whose settings are not trusted",
                where=one_line(path)[:200],
                next_step="in the checkout whose baselines are meant: widgetshot review RUN",
            )
        settings = load_settings(root)
        if not settings.baselines.resolve().is_relative_to(root):
            raise ConfigError(
                "the baselines lie outside of the project that the server was started in",
                where="pyproject.toml [tool.widgetshot] baselines",
                next_step="in the checkout whose baselines are meant: widgetshot review RUN",
            )
        return settings

    def _inside(self, path: str) -> Path:
        root = self._root.resolve()
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # a loop of links, a null character
            folder = (root / path).resolve()
            if not PurePath(path).is_absolute() and folder.is_relative_to(root) and folder != root:
                return folder
        raise RecordError(
            "is no run folder under the server's folder", where=path[:200], next_step="widgetshot review RUN"
        )
