"""Uploaded files: private, written to disk as they come, and removed after their time.

A file stands below MEDIA_HOME under its upload's id, never under a name that a caller chose.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings
from django.db.models import Exists, OuterRef

from annotation import image_zips
from annotation.models import DataImport, StoredUpload
from annotation.models.file_jobs import NAME_LENGTH, upload_id
from jobs.models import OPEN
from projects import regular_files
from projects.models import ApiKey, User
from projects.zip_files import UnsafeZip
from validation import InvalidInput

LEFT_FOR = timedelta(days=1)  # how long a file may lie here without a row, or half written
UNNAMED = "file"


class UploadRefused(InvalidInput):
    """A file that is not taken; the message is one sentence."""


class UploadTooLarge(UploadRefused):
    """A file with more bytes than UPLOAD_LIMIT."""


class UploadGone(UploadRefused):
    """A file that was removed after its time, or that a backup did not hold."""


def store_upload(parts: Iterable[bytes], *, name: str, owner: User, at: datetime) -> StoredUpload:
    """Keep the file whose bytes come in these parts. Raises UploadRefused for an empty or too large one."""
    uid = upload_id()
    size = 0
    with regular_files.whole_file(_path(uid), workplace=_workplace()) as file:
        for part in parts:
            size += len(part)
            if size > settings.UPLOAD_LIMIT:
                raise UploadTooLarge(too_large(size))
            file.write(part)
        if not size:
            raise UploadRefused("The file is empty.")
    return StoredUpload.objects.create(
        uid=uid, owner=owner, name=_plain_name(name), size=size, created_at=at, expires_at=at + kept_for()
    )


def store_table(parts: Iterable[bytes], *, name: str, owner: User, at: datetime) -> StoredUpload:
    """Keep a file of rows; a ZIP of images as the table that image_zips makes of it. Raises UploadRefused."""
    stored = store_upload(parts, name=name, owner=owner, at=at)
    if not image_zips.is_image_zip(stored.name):
        return stored
    try:
        with opened(stored) as stream:
            rows = image_zips.table_parts(stream, name=stored.name, size=stored.size)
            ending = next(rows).decode()
            return store_upload(rows, name=stored.name + ending, owner=owner, at=at)
    except UnsafeZip as why:
        raise UploadRefused(str(why)) from None
    finally:
        remove_upload(stored)


def too_large(size: int) -> str:
    """The sentence that refuses a file of at least so many bytes."""
    limit = settings.UPLOAD_LIMIT >> 20
    return (
        f"The file has {size / 2**20:,.1f} MiB or more; at most {limit:,} MiB are taken. Larger ones: "
        "./plumbline import_data."
    )


def person_of(by: User | ApiKey) -> User:
    """Who acts, themselves or by a key."""
    return by.user if isinstance(by, ApiKey) else by


def kept_for() -> timedelta:
    return timedelta(days=settings.FILE_DAYS)


@contextmanager
def opened(upload: StoredUpload) -> Iterator[BinaryIO]:
    """The file, open to read. Raises UploadGone."""
    try:
        with regular_files.opened(_path(upload.uid)) as (file, _):
            yield file
    except FileNotFoundError:
        raise UploadGone(f"{upload.sent_name} is no longer here; upload it again.") from None


def remove_upload(upload: StoredUpload) -> None:
    """Remove the file and its row."""
    _path(upload.uid).unlink(missing_ok=True)
    upload.delete()


def sweep(*, at: datetime) -> int:
    """Remove files after their time, unless an import still reads them, and what killed processes left. How many."""
    reading = DataImport.objects.filter(upload=OuterRef("pk"), job__state__in=OPEN)
    ended = list(StoredUpload.objects.filter(~Exists(reading), expires_at__lte=at).order_by("pk"))
    for upload in ended:
        remove_upload(upload)
    return len(ended) + regular_files.remove_old(_without_row(), older_than=LEFT_FOR, at=at)


def _without_row() -> Iterator[Path]:
    yield from _workplace().glob(f"*{regular_files.UNFINISHED}")
    files = {path.name: path for path in _folder().glob("upload_*")}
    known = set(StoredUpload.objects.filter(uid__in=list(files)).values_list("uid", flat=True)) if files else set()
    yield from (path for name, path in files.items() if name not in known)


def _plain_name(name: str) -> str:
    """The last part of the sender's name for the file, in characters that a page shows."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable())[-NAME_LENGTH:] or UNNAMED


def _folder() -> Path:
    return Path(settings.MEDIA_HOME) / "uploads"


def _workplace() -> Path:
    return _folder() / "unfinished"


def _path(uid: str) -> Path:
    return _folder() / uid
