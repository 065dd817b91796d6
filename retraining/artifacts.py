"""Artifacts on disk: written whole or not at all, named by their SHA-256, signed, and checked before every load.

The signature's key is derived from SECRET_KEY, which is not in the database: who can write rows or files, but not
both and the key, cannot have anything loaded. It covers the file's hash and all that a prediction needs beside it.
"""

import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.encoding import force_bytes

from projects import regular_files
from projects.regular_files import FileState

LARGEST = 512 * 2**20  # bytes of a file
LARGEST_UNPACKED = 2 * 2**30
MOST_PARTS = 100_000
ORPHANS_KEPT = timedelta(hours=24)
SUFFIX = ".skops"


class ArtifactRefused(Exception):
    """The artifact was not loaded; the message says why, in words fit for a user."""


@dataclass(frozen=True)
class Stored:
    """A file that is safely on disk, not yet named by any row."""

    sha256: str
    size: int


def folder() -> Path:
    return Path(settings.ARTIFACT_HOME)


def path_of(sha256: str) -> Path:
    return folder() / f"{sha256}{SUFFIX}"


def write(data: bytes) -> Stored:
    """Put the bytes on disk under their hash: after this returns, a power cut does not take them back."""
    if len(data) > LARGEST:
        raise ArtifactRefused(f"The model takes {len(data) / 2**20:.0f} MiB; at most {LARGEST // 2**20} are kept.")
    sha256 = hashlib.sha256(data).hexdigest()
    regular_files.write_whole(path_of(sha256), data, workplace=folder())
    return Stored(sha256, len(data))


def sign(sha256: str, *, project_id: int, family: str, parameters: Mapping[str, Any]) -> str:
    """HMAC-SHA256, as hex, over the file's hash, whose it is and how it is read."""
    return _signature(settings.SECRET_KEY, sha256, project_id, family, parameters)


def _signature(secret: str | bytes, sha256: str, project_id: int, family: str, parameters: Mapping[str, Any]) -> str:
    key = hmac.digest(force_bytes(secret), b"plumbline: signature of model artifacts, 1", "sha256")
    message = json.dumps([sha256, project_id, family, parameters], sort_keys=True, separators=(",", ":"))
    return hmac.digest(key, message.encode(), "sha256").hex()


def read_artifact(
    sha256: str, *, size: int, signature: str, project_id: int, family: str, parameters: Mapping[str, Any]
) -> bytes:
    """The bytes, once size, hash, signature and unpacked size are right. Raises ArtifactRefused."""
    check_signature(sha256, signature=signature, project_id=project_id, family=family, parameters=parameters)
    return _read_whole(sha256, size)[0]


def check_signature(
    sha256: str, *, signature: str, project_id: int, family: str, parameters: Mapping[str, Any]
) -> None:
    """Raises ArtifactRefused unless the row is as it was when it was signed here."""
    expected = [
        _signature(secret, sha256, project_id, family, parameters)
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    if not any(hmac.compare_digest(signature, good) for good in expected):
        raise ArtifactRefused("Its signature was not made with this installation's key, or its row was changed.")


class VerifiedFiles:
    """Which files held what their hash says, by the state in which they were read: a look that costs one `stat`."""

    def __init__(self) -> None:
        self._seen: dict[str, FileState] = {}

    def verify(self, sha256: str, size: int) -> None:
        """Read the file where it was not read in this state before. Raises ArtifactRefused."""
        try:
            state = regular_files.file_state(path_of(sha256))
        except OSError as why:
            raise _unreadable(why) from None
        if self._seen.get(sha256) != state:
            self._seen[sha256] = _read_whole(sha256, size)[1]


def _read_whole(sha256: str, size: int) -> tuple[bytes, FileState]:
    data, state = _read_file(sha256, size)
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), sha256):
        raise ArtifactRefused("Its file was changed after it was written: the hash differs.")
    check_unpacked(data)
    return data, state


def _read_file(sha256: str, size: int) -> tuple[bytes, FileState]:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ArtifactRefused("Its name is not a hash.")
    try:
        with regular_files.opened(path_of(sha256)) as (file, state):
            if state.size != size or state.size > LARGEST:
                raise ArtifactRefused(f"Its file has {state.size:,} bytes where {size:,} were written.")
            return file.read(LARGEST + 1), state
    except OSError as why:
        raise _unreadable(why) from None


def _unreadable(why: OSError) -> ArtifactRefused:
    return ArtifactRefused(f"Its file cannot be read: {why.strerror}.")


def check_unpacked(data: bytes) -> None:
    """A small file that unpacks to a huge one is refused by its own table of contents, before any of it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise ArtifactRefused("Its file is not an artifact of the kind that is written here.") from None
    unpacked = sum(part.file_size for part in parts)
    if unpacked > LARGEST_UNPACKED or len(parts) > MOST_PARTS:
        raise ArtifactRefused(
            f"It would unpack to {unpacked / 2**20:,.0f} MiB in {len(parts):,} parts; that is too much."
        )


def sweep(*, named: Iterable[str], at: datetime) -> int:
    """Remove files that no version names, once they are a day old: what a killed run left. Returns how many."""
    keep = {f"{sha256}{SUFFIX}" for sha256 in named}
    ours = (path for path in folder().iterdir() if path.suffix in (SUFFIX, regular_files.UNFINISHED))
    return regular_files.remove_old((path for path in ours if path.name not in keep), older_than=ORPHANS_KEPT, at=at)
