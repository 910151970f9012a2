"""PNG files that widgetshot does not write, made chunk by chunk from one that it does."""

import struct
import zlib
from collections.abc import Callable

_HEADER_END = 33  # of the signature and IHDR


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def after_header(data: bytes, *chunks: bytes) -> bytes:
    """A file with chunks behind its header."""
    return data[:_HEADER_END] + b"".join(chunks) + data[_HEADER_END:]


def png(width: int, height: int, depth: int, colours: int, *chunks: bytes, interlace: int = 0) -> bytes:
    """A file with this header and these chunks, and its end."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def pixels(rows: list[bytes]) -> bytes:
    """The chunk of some rows of samples."""
    return chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))


def animated(data: bytes, size: tuple[int, int]) -> bytes:
    """A file whose first frame, which a browser shows, is green, whatever its own pixels are: an APNG."""
    width, height = size
    control = struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 100, 1, 0, 0)
    frame = zlib.compress((b"\0" + b"\0\xff\0" * width) * height)
    end = data.index(b"IEND") - 4
    extra = chunk(b"fcTL", control) + chunk(b"fdAT", struct.pack(">I", 1) + frame)
    return after_header(data[:end] + extra + data[end:], chunk(b"acTL", struct.pack(">II", 1, 0)))


def bomb() -> bytes:
    """A baseline of 13,000 x 13,000 pixels of one bit each: 20 KB in the file, 0.7 GB decoded."""
    return png(13_000, 13_000, 1, 0, pixels([b"\0" * 1_625] * 13_000))


_ROTATED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # by its orientation
# What a browser draws by, and what is compared does not: name -> a file of 30 x 20 pixels with it.
FOREIGN: dict[str, Callable[[bytes], bytes]] = {
    "animation": lambda data: animated(data, (30, 20)),
    "gAMA": lambda data: after_header(data, chunk(b"gAMA", struct.pack(">I", 10_000))),
    "sRGB": lambda data: after_header(data, chunk(b"sRGB", b"\0")),
    "cHRM": lambda data: after_header(data, chunk(b"cHRM", b"\0" * 32)),
    "iCCP": lambda data: after_header(data, chunk(b"iCCP", b"x\0\0" + zlib.compress(b"profile"))),
    "cICP": lambda data: after_header(data, chunk(b"cICP", b"\x09\x10\0\x01")),
    "eXIf": lambda data: after_header(data, chunk(b"eXIf", _ROTATED)),
    "tEXt": lambda data: after_header(data, chunk(b"tEXt", b"Comment\0x")),
    "bKGD": lambda data: after_header(data, chunk(b"bKGD", b"\0" * 6)),
    "pHYs": lambda data: after_header(data, chunk(b"pHYs", struct.pack(">IIB", 1, 9, 0))),
    "a palette that is not used": lambda data: after_header(data, chunk(b"PLTE", b"\0" * 6)),
    "a second header": lambda data: after_header(data, data[8:_HEADER_END]),
    "bytes behind the end": lambda data: data + b"<script>",
    "another file behind the end": lambda data: data + data,
    "a wrong checksum": lambda data: data[:_HEADER_END - 1] + bytes([data[_HEADER_END - 1] ^ 1]) + data[_HEADER_END:],
    "an end within a chunk": lambda data: data[:-20],
    "no end": lambda data: data[:-12],
    "no pixels": lambda _: png(30, 20, 8, 2),
    "no size": lambda _: png(0, 20, 8, 2, pixels([b""] * 20)),
    "interlacing": lambda _: png(30, 20, 8, 2, pixels([b"\0" * 90] * 20), interlace=1),
    "16 bits": lambda _: png(30, 20, 16, 2, pixels([b"\0" * 180] * 20)),
    "many chunks": lambda _: png(30, 20, 8, 2, *[chunk(b"IDAT", b"\0")] * 2_000),
    "too many pixels": lambda _: bomb(),
    "HTML": lambda _: b"<!doctype html><script>alert(1)</script>",
    "nothing": lambda _: b"",
}  # fmt: skip
