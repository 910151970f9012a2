"""Bytes on disk: digests, pictures, and files that are there whole or not at all."""

import contextlib
import errno
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

# numpy and Pillow where pictures are: a notebook that counts its costs (widgetshot.cost) needs neither.
if TYPE_CHECKING:
    from widgetshot.model import Pixels

PACKAGE = Path(__file__).resolve().parent
STATIC = PACKAGE / "static"  # built from js/, shipped in the wheel
LOCAL_FOLDER = ".widgetshot"  # in a project's root: what belongs to one checkout and not into git
_LOCK_POLL_S = 0.01  # between two looks at a lock that somebody else holds
LOCK_WAIT_S = 10.0  # that somebody else may hold one: what is done under it takes milliseconds
MAX_DECODED_PIXELS = 2**24  # at a time
_O_BINARY = getattr(os, "O_BINARY", 0)  # Windows reads text without it


def sha256(data: bytes) -> str:
    """Return the sha256 of bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def read_inside(folder: Path, path: str, max_bytes: int) -> bytes:
    """Read a file of a folder that may have come from anywhere: a file of its own, at that very place.

    Args:
        path: relative to the folder, with forward slashes.
        max_bytes: the size of a file that is refused unread.

    Raises:
        FileNotFoundError: there is none.
        OSError: it can't be read; it or a folder on the way is a link, or leads out; it is no file (a pipe would never
            end); it is too large.
    """
    check_inside(folder, path)
    file = folder / path
    # The file may have been replaced since it was looked at. A pipe without a writer must not be waited for.
    opened = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _O_BINARY)
    with os.fdopen(opened, "rb") as source:
        about = os.fstat(source.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "is no file", str(file))
        data = source.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError(errno.EFBIG, f"is larger than {max_bytes:,} bytes", str(file))
    return data


def check_inside(folder: Path, path: str, checked: set[Path] | None = None) -> None:
    """Refuse a path within a folder that is not what it says; what does not exist is no fault.

    Args:
        path: relative to the folder, with forward slashes.
        checked: folders on the way that are known to be right; those that are found right are added.

    Raises:
        OSError: it leads out of the folder, or it or a folder on the way is a link, or it is no file.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or "\0" in path:
        raise OSError(errno.EINVAL, "leads out of the folder", path)
    place = folder
    for index, part in enumerate(parts):
        place = place / part
        if checked is not None and place in checked:
            continue
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            raise OSError(errno.ELOOP, "is a link, or behind one; a run folder's own files are none", str(place))
        if index < len(parts) - 1:
            if checked is not None and stat.S_ISDIR(mode):
                checked.add(place)
        elif not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "is no file", str(place))


def read_png(data: bytes, *, at_once: int = MAX_DECODED_PIXELS) -> "Pixels":
    """Decode a picture.

    Args:
        at_once: pixels that are decoded at a time; of a larger picture, strips.

    Returns:
        shape (height, width, 4), dtype uint8, RGBA.

    Raises:
        OSError, ValueError, SyntaxError: the bytes are no whole picture (as Pillow raises them).
    """
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height <= at_once:
            return np.asarray(image.convert("RGBA"))
        # On its way to numpy a picture is there four times.
        pixels = np.empty((height, width, 4), dtype=np.uint8)
        rows = max(1, at_once // width)
        for top in range(0, height, rows):
            strip = image.crop((0, top, width, min(height, top + rows)))
            pixels[top : top + rows] = np.asarray(strip.convert("RGBA"))
        return pixels


def encode_png(pixels: "Pixels", *, optimise: bool) -> bytes:
    """Encode a picture without loss; the same pixels always give the same bytes.

    Args:
        optimise: for what is kept in git. 69 % of the size on average, in twenty times the time.

    Raises:
        RuntimeError: it can't be optimised; the system gave no threads for that when it was first done.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    if (pixels[..., 3] == 255).all():
        image = image.convert("RGB")
    raw = io.BytesIO()
    image.save(raw, "PNG", compress_level=1)
    if not optimise:
        return raw.getvalue()
    import oxipng

    try:
        return bytes(oxipng.optimize_from_memory(raw.getvalue(), level=2))
    except BaseException as error:
        # A panic of Rust is no Exception, so that nobody who handles errors would see it.
        if type(error).__name__ != "PanicException":
            raise
        raise RuntimeError(f"the picture can't be encoded: {error}") from error


def start_encoder() -> None:
    """Start the threads of `encode_png`, for which it may be too late when there is a picture.

    Raises:
        RuntimeError: the system gives no more threads.
    """
    import numpy as np

    encode_png(np.zeros((1, 1, 4), np.uint8), optimise=True)


def encode_palette(indices: "Pixels", palette: tuple[tuple[int, int, int], ...]) -> bytes:
    """Encode palette indices, shape (height, width), as an 8-bit palette PNG."""
    from PIL import Image

    image = Image.fromarray(indices).convert("P")
    image.putpalette([channel for colour in palette for channel in colour])
    raw = io.BytesIO()
    image.save(raw, "PNG", compress_level=1)
    return raw.getvalue()


def write_atomically(path: Path, data: bytes, *, on_disk: bool = False) -> None:
    """Write a file so that nobody ever sees a part of it.

    Args:
        on_disk: wait until the disk has it.

    Raises:
        OSError: it can't be written; the old file is untouched.
    """
    new: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        new = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if on_disk:
                file.flush()
                os.fsync(file.fileno())
        # mkstemp is private to its owner; the new file gets what an ordinary one would.
        new.chmod(0o666 & ~_UMASK)
        new.replace(path)
    except BaseException as error:
        if new is not None:
            with contextlib.suppress(OSError):
                new.unlink()
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def local_folder(root: Path) -> Path:
    """Return the folder of what belongs to one checkout and not into git; make it if there is none.

    Raises:
        OSError: it can't be made.
    """
    folder = root / LOCAL_FOLDER
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, b"# Written by widgetshot: local, not for git.\n*\n")
    return folder


class LockHeld(OSError):
    """Somebody else holds a lock.

    Attributes:
        owner: who that is, for a message: `process 4711`, or `another process` where that is not known.
    """

    def __init__(self, path: Path, owner: str, seconds: float) -> None:
        since = f" for {seconds:g} s" if seconds else ""
        super().__init__(f"{owner} has held {path}{since}" if seconds else f"{owner} holds {path}")
        self.owner = owner


@contextlib.contextmanager
def locked(path: Path, *, within: float = LOCK_WAIT_S) -> Iterator[None]:
    """Hold a lock that other threads and processes respect; waits for whoever holds it. It ends with its process.

    Args:
        path: the lock's file, made if there is none. It stays: whoever waits for it has it open.
        within: seconds that whoever holds it may take. In a crowd a turn may take much longer to come, since nobody
            stands in line; all of that time others get on.

    Raises:
        LockHeld: somebody else held it for that time.
        FileNotFoundError: its folder is not there, or not any more.
        OSError: it can't be made, or is a link.
    """
    # Here, because it takes longer to import than all else of this module, and most of what uses it takes no lock.
    from filelock import FileLock, Timeout

    # By itself FileLock would make the folder, too. A link may lead anywhere.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666))
    lock = FileLock(path, preserve_lock_file=True, poll_interval=_LOCK_POLL_S, on_acquired=_sign)
    while True:
        signed = path.stat().st_mtime_ns
        try:
            lock.acquire(timeout=within)
            break
        except Timeout:
            if not within or path.stat().st_mtime_ns == signed:
                raise LockHeld(path, _owner(path), within) from None
        except FileExistsError as error:
            # FileLock makes the folder again where that was just removed, and sees it come and go.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    try:
        yield
    finally:
        lock.release()


def _sign(descriptor: int) -> None:
    """Write whose a lock is into its file, for the words of who finds it held."""
    # On a full disk nobody knows.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)


def _owner(path: Path) -> str:
    try:
        return f"process {int(path.read_bytes()[:20])}"
    except (OSError, ValueError):
        return "another process"


def _read_umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


# Read once: asking for it changes it for a moment, which other threads could see.
_UMASK = _read_umask()
