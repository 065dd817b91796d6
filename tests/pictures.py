"""Small image files of every kind that a browser, a phone or a scanner writes."""

import base64
import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

SMALL = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40  # 3 wide, 2 high, every pixel its own grey


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file, without loss where the format can."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **{"lossless": True} if kind == "WEBP" else {}, **options)
    return buffer.getvalue()


def grey(values: Any = SMALL, kind: str = "PNG", **options: Any) -> bytes:
    return file(Image.fromarray(np.asarray(values, dtype=np.uint8)), kind, **options)


def turned(orientation: int, kind: str = "PNG") -> bytes:
    """A picture with an EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return grey(kind=kind, exif=exif)


def deep(values: Any) -> bytes:
    """A PNG of 16 bits."""
    return file(Image.fromarray(np.asarray(values, dtype=np.uint16)))


def clear(opacity: int = 0, kind: str = "PNG") -> bytes:
    """Black at an opacity of 0 to 255."""
    return file(Image.new("RGBA", (3, 2), (0, 0, 0, opacity)), kind)


def many_pictures() -> bytes:
    """A JPEG with a second picture behind the first, as phones write for depth or stereo: 64 wide, 48 high."""
    first, second = Image.new("RGB", (64, 48), (10, 10, 10)), Image.new("RGB", (32, 24), "white")
    return file(first, "MPO", save_all=True, append_images=[second])


def animated(kind: str = "GIF") -> bytes:
    """Black, then white."""
    frames = [Image.new("L", (3, 2), 0), Image.new("L", (3, 2), 255)]
    return file(frames[0], kind, save_all=True, append_images=frames[1:])


def broken_profile() -> bytes:
    """A PNG whose colour profile, behind its pixels, is empty: Pillow raises IndexError."""
    whole = grey()
    end = whole.index(b"IEND") - 4
    return whole[:end] + _chunk(b"iCCP", b"") + whole[end:]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def encoded(data: bytes) -> str:
    """As a body carries it."""
    return base64.b64encode(data).decode()
