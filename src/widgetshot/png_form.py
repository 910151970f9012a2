"""The form of the PNG files that widgetshot writes, which is all of PNG that it accepts among runs and baselines.

PNG has parts that one reader obeys and another ignores: an animation (APNG) shows a browser frames that Pillow does not
decode, and `gAMA`, `iCCP`, `cICP`, `sRGB` or `eXIf` change what a browser draws and nothing that is compared. A file
without them shows a reviewer in the gallery what the comparison will read.
"""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from widgetshot.files import read_png
from widgetshot.model import MAX_PIXELS

if TYPE_CHECKING:
    from widgetshot.model import Pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Bits per sample that each colour type may have: greyscale, RGB, palette, greyscale with alpha, RGBA. The optimiser
# chooses the smallest that loses nothing; none of our pictures has 16.
_DEPTHS = {0: (1, 2, 4, 8), 2: (8,), 3: (1, 2, 4, 8), 4: (8,), 6: (8,)}
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_PALETTE, _GREYSCALE, _RGB = 3, 0, 2
_HEADER_BYTES = 13
_AROUND = 12  # bytes of a chunk besides its content: length, type, checksum
_MIN_MEAN_CHUNK = 1_024  # bytes; the encoder's are 64 KiB and more, but for the last, and many small ones take long
_FEW_CHUNKS = 16
_PIECE_BYTES = 2**20  # of samples that are looked at together


class ForeignPngError(ValueError):
    """The reason why a file is no PNG as widgetshot writes them.

    Args:
        what: what the file is or has, to be read behind `it`.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"it {what}")


def png_size(data: bytes, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Return width and height of a PNG file whose every part is one that widgetshot writes; no pixel is decoded.

    Source of the form: https://www.w3.org/TR/png-3/

    Args:
        max_pixels: width times height beyond which the file is refused by its header.

    Raises:
        ForeignPngError: it is another file, or too large.
    """
    if not data.startswith(SIGNATURE):
        raise ForeignPngError("is no PNG file")
    place, kinds = len(SIGNATURE), [b""]
    width = height = depth = colours = 0
    left = _FEW_CHUNKS + len(data) // _MIN_MEAN_CHUNK
    while kinds[-1] != b"IEND":
        left -= 1
        if left < 0:
            raise ForeignPngError("is cut into more chunks than widgetshot writes")
        length = int.from_bytes(data[place : place + 4])
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        checksum = data[place + 8 + length : place + _AROUND + length]
        if len(checksum) < 4:
            raise ForeignPngError("ends within a chunk")
        if zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(checksum):
            raise ForeignPngError("has a chunk with a wrong checksum")
        if kind == b"IHDR" and kinds == [b""]:
            width, height, depth, colours = _header(content, max_pixels)
        elif not _may_follow(kind, kinds, colours) or not _is_content(kind, length, depth, colours):
            raise ForeignPngError(
                f"has a chunk that widgetshot does not write there: {kind.decode('ascii', 'replace')}"
            )
        if kind != kinds[-1]:
            kinds.append(kind)
        place += _AROUND + length
    if place != len(data):
        raise ForeignPngError("has bytes behind its end")
    return width, height


def read_own_png(data: bytes, max_pixels: int = MAX_PIXELS) -> "Pixels":
    """Decode a PNG file as widgetshot writes them.

    Args:
        max_pixels: as `png_size` takes it.

    Returns:
        shape (height, width, 4), dtype uint8, RGBA.

    Raises:
        ForeignPngError: it is another file, or too large.
        OSError, ValueError, SyntaxError: its pixels can't be decoded (as Pillow raises them).
    """
    png_size(data, max_pixels)
    _check_samples(data)
    _check_palette(data)
    return read_png(data)


def _header(content: bytes, max_pixels: int) -> tuple[int, int, int, int]:
    """Return width, height, bits per sample and colour type."""
    if len(content) != _HEADER_BYTES:
        raise ForeignPngError("has a header of another size")
    width, height = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
    depth, colours, compression, filters, interlace = content[8:]
    if not 0 < width * height <= max_pixels:
        raise ForeignPngError(f"has {width} x {height} pixels; expected at most {max_pixels:,} of them, and some")
    if depth not in _DEPTHS.get(colours, ()) or compression or filters or interlace:
        raise ForeignPngError("has a header that widgetshot does not write")
    return width, height, depth, colours


def _may_follow(kind: bytes, kinds: list[bytes], colours: int) -> bool:
    """Tell whether a chunk may stand behind others, named once where there are several of a kind in a row."""
    match kind:
        case b"PLTE":
            return colours == _PALETTE and kinds[-1] == b"IHDR"
        case b"tRNS":
            return kinds[-1] == (b"PLTE" if colours == _PALETTE else b"IHDR") and colours in (
                _PALETTE,
                _GREYSCALE,
                _RGB,
            )
        case b"IDAT":
            before = kinds[-1]
            return before in (b"IDAT", b"tRNS", b"PLTE" if colours == _PALETTE else b"IHDR")
        case b"IEND":
            return kinds[-1] == b"IDAT"
    return False


def _is_content(kind: bytes, length: int, depth: int, colours: int) -> bool:
    """Tell whether a chunk has as many bytes as its kind may."""
    match kind:
        case b"PLTE":
            return length % 3 == 0 and 0 < length <= 3 * 2**depth
        case b"tRNS":
            return length == {_GREYSCALE: 2, _RGB: 6}.get(colours, length) and 0 < length <= 256
        case b"IEND":
            return length == 0
    return True


def _check_samples(data: bytes) -> None:
    """Refuse a file with fewer or more samples than its size says: readers fill up what is missing each in its way."""
    width, height, depth, colours = _header(data[16 : 16 + _HEADER_BYTES], 2**62)
    left = height * (1 + (width * depth * _SAMPLES[colours] + 7) // 8)
    inflater = zlib.decompressobj()
    try:
        for compressed in _contents(data, b"IDAT"):
            while compressed and left >= 0:
                left -= len(inflater.decompress(compressed, _PIECE_BYTES))
                compressed = inflater.unconsumed_tail
        left -= len(inflater.flush())
    except zlib.error as error:
        raise ForeignPngError(f"has samples that can't be read: {error}") from error
    if left or not inflater.eof or inflater.unused_data:
        raise ForeignPngError("has fewer or more samples than its size says")


def _contents(data: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the contents of all chunks of a kind, of a file in which every chunk is whole."""
    place = len(SIGNATURE)
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        if data[place + 4 : place + 8] == kind:
            yield data[place + 8 : place + 8 + length]
        place += _AROUND + length


def _check_palette(data: bytes) -> None:
    """Refuse pixels of colours that the palette has not: each reader draws them in its own."""
    import io

    import numpy as np
    from PIL import Image

    palette = next(_contents(data, b"PLTE"), b"")
    if not palette:
        return
    colours = len(palette) // 3
    with Image.open(io.BytesIO(data)) as image:
        if image.mode == "P" and int(np.asarray(image).max()) >= colours:
            raise ForeignPngError("has pixels of colours that its palette has not")
