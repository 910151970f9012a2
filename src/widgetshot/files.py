"""Bytes on disk: digests, pictures, and files that are there whole or not at all."""

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from widgetshot.model import Pixels

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()


def read_png(data: bytes) -> Pixels:
    """Decode a picture.

    Returns:
        shape (height, width, 4), dtype uint8, RGBA.

    Raises:
        OSError, ValueError, SyntaxError: the bytes are no whole picture (as Pillow raises them).
    """
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGBA"))


def encode_png(pixels: Pixels, *, optimise: bool) -> bytes:
    """Encode a picture without loss; the same pixels always give the same bytes.

    Args:
        optimise: for what is kept in git. 69 % of the size on average, in twenty times the time.
    """
    image = Image.fromarray(pixels)
    if (pixels[..., 3] == 255).all():
        image = image.convert("RGB")
    raw = io.BytesIO()
    image.save(raw, "PNG", compress_level=1)
    if not optimise:
        return raw.getvalue()
    import oxipng

    return bytes(oxipng.optimize_from_memory(raw.getvalue(), level=2))


def encode_palette(indices: Pixels, palette: tuple[tuple[int, int, int], ...]) -> bytes:
    """Encode palette indices, shape (height, width), as an 8-bit palette PNG."""
    image = Image.fromarray(indices).convert("P")
    image.putpalette([channel for colour in palette for channel in colour])
    raw = io.BytesIO()
    image.save(raw, "PNG", compress_level=1)
    return raw.getvalue()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it.

    Raises:
        OSError: it can't be written; the old file is untouched.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp is private to its owner; the new file gets what an ordinary one would.
        Path(name).chmod(0o666 & ~_UMASK)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes and threads that ask for the same lock waiting; it ends with its holder, however that ends.

    Args:
        path: what is locked; the lock is a file `<path>.lock` beside it, which stays.

    Raises:
        OSError: the lock can't be had, for example because the folder can't be written.
    """
    with path.with_name(f"{path.name}.lock").open("ab") as lock:
        if sys.platform == "win32":
            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Closing the file, which the system does for a process that dies, gives the lock back.
        yield


def _read_umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


# Read once: asking for it changes it for a moment, which other threads could see.
_UMASK = _read_umask()
