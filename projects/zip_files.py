"""ZIP files that somebody sent: what of them is refused before anything is unpacked."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from validation import InvalidInput

MOST_UNPACKED = 200  # times the file's own size; rows of real projects pack to between a fifth and a fiftieth
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, UnicodeDecodeError)


class UnsafeZip(InvalidInput):
    """A ZIP file that is not unpacked; the message says why."""


@contextmanager
def opened_zip(file: Path | BinaryIO, size: int, *, name: str) -> Iterator[zipfile.ZipFile]:
    """The file with this many bytes, whose table of contents was checked. Raises UnsafeZip, also for damage inside."""
    try:
        with zipfile.ZipFile(file) as opened:
            check_contents(opened, size, name=name)
            yield opened
    except DAMAGED as why:
        raise UnsafeZip(f"{name} is no archive, or a damaged one: {why}.") from None


def check_contents(file: zipfile.ZipFile, size: int, *, name: str = "It") -> None:
    """Raise UnsafeZip for names that lead out of it, links, encryption, a name twice, and far more bytes than it has.

    A part cannot unpack to more than its claimed size: zipfile reads no further, and checks its sum.
    """
    parts = file.infolist()
    if odd := next((part.filename for part in parts if not _is_inside(part)), None):
        raise UnsafeZip(f"{name} holds {odd[:80]!r}, which is no file below its own folder.")
    if len({part.filename for part in parts}) < len(parts):
        raise UnsafeZip(f"{name} holds a part twice.")
    if any(part.flag_bits & 1 for part in parts):
        raise UnsafeZip(f"{name} is encrypted.")
    if sum(part.file_size for part in parts) > MOST_UNPACKED * size:
        raise UnsafeZip(f"{name} would unpack to more than {MOST_UNPACKED} times its size.")


def _is_inside(part: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(part.filename)
    odd = "\\" in part.filename or "\0" in part.filename or ":" in part.filename.split("/")[0]
    return not (odd or path.is_absolute() or ".." in path.parts or stat.S_ISLNK(part.external_attr >> 16))
