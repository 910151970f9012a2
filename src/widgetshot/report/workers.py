"""The run folders of pytest-xdist's workers, which lie in that of their run until they are merged."""

import contextlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from widgetshot.report.folder import RUN_FILE, SERVER_LOG, WORKERS, refuse_workers
from widgetshot.report.history import History
from widgetshot.report.merge import merge


def worker_folder(report: Path, worker: str) -> Path:
    """Return the run folder of a worker.

    Args:
        report: the run folder of the whole.
    """
    return report / WORKERS / worker


def clear_workers(report: Path) -> None:
    """Remove what the workers of a run that was killed have left.

    Raises:
        RecordError: another run's workers write to it.
    """
    refuse_workers(report)
    shutil.rmtree(report / WORKERS, ignore_errors=True)


def merge_workers(report: Path, history: History, compare_frontends: Sequence[str] = ()) -> bool:
    """Make one run folder of those of the workers; False if there are none.

    Args:
        history: of earlier runs; gets this one too.
        compare_frontends: two front ends whose results are compared with each other; none where nobody asked.

    Raises:
        ConfigError, RecordError: they can't be merged.
    """
    workers = report / WORKERS
    folders = sorted(folder for folder in workers.glob("*") if (folder / RUN_FILE).is_file())
    if not folders:
        return False
    # Out of the way of the run folder that they become, which is made anew.
    moved = report.with_name(f"{report.name}.workers")
    shutil.rmtree(moved, ignore_errors=True)
    workers.rename(moved)
    try:
        parts = [moved / folder.name for folder in folders]
        merge(parts, report, workers=True, history=history, compare_frontends=compare_frontends)
        _join_logs(parts, report)
    finally:
        shutil.rmtree(moved, ignore_errors=True)
    return True


def _join_logs(parts: Sequence[Path], report: Path) -> None:
    """Put the logs of the workers' servers behind each other, as far as there are any."""
    for part in parts:
        # A log that can't be kept must not take the results with it.
        with (
            contextlib.suppress(OSError),
            (part / SERVER_LOG).open("rb") as log,
            (report / SERVER_LOG).open("ab") as all,
        ):
            all.write(f"{part.name}:\n".encode())
            shutil.copyfileobj(log, all)
