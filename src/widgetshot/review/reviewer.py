"""Reviewers: the default name, and the sentence on who decided what."""

import contextlib
import getpass
import subprocess
from pathlib import Path

from widgetshot.review.documents import TakenDecision
from widgetshot.review.requests import MAX_NAME

_GIT_TIMEOUT_S = 10


def default_reviewer(root: Path) -> str:
    """Return who decides when nothing else is said: git's `user.name` there, or the login."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            ["git", "config", "user.name"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=_GIT_TIMEOUT_S,
        )
        if name := done.stdout.strip():
            return name[:MAX_NAME]
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def sentence_of(decision: TakenDecision) -> str:
    """Return who decided what, in words."""
    verb = "accepted" if decision.verdict == "accept" else "rejected"
    comment = f" ({decision.comment})" if decision.comment else ""
    return f"{decision.reviewer or 'somebody'} has {verb} it{comment}"
