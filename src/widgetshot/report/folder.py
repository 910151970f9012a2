"""The files of a run folder, and who may empty one."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from widgetshot.documents import JsonValue
from widgetshot.errors import ConfigError, RecordError
from widgetshot.files import LockHeld, locked, read_inside

RUN_FILE = "run.json"
MAX_RUN_BYTES = 256_000_000  # of run.json
MAX_BRACKETS = 5_000_000  # that open in it; each list takes 56 bytes of memory at least
JOURNAL = "journal.jsonl"  # results of a run that goes on, or was killed
PICTURES = "pictures"
WORKERS = "workers"  # run folders of pytest-xdist's workers, until they are merged
SERVER_LOG = "server.log"  # of the Jupyter server, under --debug
REVIEW = "review.json"  # the decisions taken on this run so far
PREVIOUS = "previous"  # files of baselines that these decisions replaced
LOCK = ".lock"  # held by whoever writes the run; hidden, so that no artifact takes it along
_LOOK_S = 2.0  # for which others may look whether a run folder is held
_OWN = (RUN_FILE, "index.html", JOURNAL, PICTURES, WORKERS, SERVER_LOG, REVIEW, PREVIOUS)


def picture_path(key: str, kind: str) -> str:
    """Return the path of a result's picture in its run folder.

    Args:
        kind: shot, baseline, diff, second or seen.
    """
    return f"{PICTURES}/{key}.{kind}.png"


def sidecar_path(key: str) -> str:
    """Return the path of the sidecar that a result's shot gets when it becomes the baseline."""
    return f"{PICTURES}/{key}.shot.json"


def trace_path(key: str) -> str:
    """Return the path of the trace of a result."""
    return f"{PICTURES}/{key}.trace.json"


def elements_path(key: str) -> str:
    """Return the path of what a result's shot shows, and how it is drawn."""
    return f"{PICTURES}/{key}.elements.json"


def against_path(key: str, frontend: str) -> str:
    """Return the path of the diff picture of a result's shot against that of another front end."""
    return picture_path(key, f"against-{frontend}")


@contextlib.contextmanager
def held(folder: Path, *, is_part: bool = False) -> Iterator[None]:
    """Keep other runs from a run folder, which is made if there is none, as long as one writes to it.

    Args:
        is_part: whether it is that of a worker of pytest-xdist, which lies in that of the whole.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: another run writes to it, or it can't be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            refuse_foreign(folder)
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder / LOCK, within=0))
            if not is_part:
                refuse_workers(folder)
            elif (whole := folder.parent.parent / LOCK).exists():
                with locked(whole, within=_LOOK_S):
                    pass
        except LockHeld as error:
            raise _in_use(folder, error) from error
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield


def refuse_workers(folder: Path) -> None:
    """Raise RecordError where workers of pytest-xdist write to their parts of a run folder."""
    for lock in (folder / WORKERS).glob(f"*/{LOCK}"):
        try:
            with locked(lock, within=0):
                pass
        except LockHeld as error:
            raise _in_use(folder, error) from error
        except OSError:
            continue  # it has just been removed


def _in_use(folder: Path, error: LockHeld) -> RecordError:
    return RecordError(
        f"another run writes to this run folder ({error.owner})",
        where=str(folder),
        next_step="wait until it has ended, or give this run a folder of its own: --report FOLDER "
        "(pytest: --widgetshot-report FOLDER)",
    )


def _unwritable(folder: Path, error: OSError) -> RecordError:
    return RecordError(
        f"the run folder can't be written: {error}",
        where=str(folder),
        next_step="choose another folder for the report",
    )


def clear(folder: Path) -> None:
    """Make a run folder empty, or make it; nothing that is not ours is removed.

    Raises:
        ConfigError: the folder holds other things than a run.
        RecordError: it can't be made or emptied.
    """
    try:
        refuse_foreign(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # run.json goes last: without it the folder would not be known as ours any more.
        for name in sorted(_OWN, key=RUN_FILE.__eq__):
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def refuse_foreign(folder: Path) -> None:
    """Raise ConfigError where a folder holds other things than a run."""
    # The workers of pytest-xdist, which may have been killed, leave only their parts.
    if not folder.is_dir() or all(file.name in (LOCK, WORKERS) for file in folder.iterdir()):
        return
    if not read_head(folder).is_ours:
        raise ConfigError(
            f"the folder {folder} holds other things than a run", next_step="choose another folder for the report"
        )


def refuse_own_settings(folder: Path, root: Path) -> None:
    """Raise ConfigError where the settings of a project would come from the run folder that is reviewed.

    Args:
        root: the project's folder.
    """
    if root.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            "the project's folder is the run folder, or in it; who made a run does not say where baselines are",
            where=str(folder),
            next_step="type it in the checkout whose baselines are meant, and name the run folder there",
        )


class RunHead(msgspec.Struct, frozen=True):
    """The part of a run.json, of whatever format and however damaged, that says what it is.

    Attributes:
        format, tool: as they are there; UNSET where they are not, or where the file is no JSON object.
    """

    format: JsonValue | UnsetType = UNSET
    tool: JsonValue | UnsetType = UNSET

    @property
    def is_ours(self) -> bool:
        """Whether the file says that widgetshot wrote it."""
        return isinstance(self.tool, dict) and self.tool.get("name") == "widgetshot"


def read_head(folder: Path) -> RunHead:
    """Return what a folder's run.json says of itself."""
    try:
        return msgspec.json.decode(read_inside(folder, RUN_FILE, MAX_RUN_BYTES), type=RunHead)
    except (OSError, ValueError, RecursionError):
        return RunHead()
