"""Images: checked, named by the SHA-256 of their bytes, stored once per project, never by a caller's name."""

import base64
import binascii
import hashlib
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from annotation.models import Media
from projects.models import Project

TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
MOST_PIXELS = 40_000_000


class BadImage(ValueError):
    """Not an image that can be shown; the message says why."""


@dataclass(frozen=True)
class Picture:
    """Checked bytes of one image."""

    data: bytes
    sha256: str
    content_type: str
    width: int
    height: int

    def as_input(self) -> dict[str, object]:
        """What an item's inputs hold in its place."""
        return {"media": self.sha256, "width": self.width, "height": self.height}


def check(given: object) -> Picture:
    """An image from base64 text, with or without a ``data:`` head. The bytes decide the type, not the head."""
    if not isinstance(given, str):
        raise BadImage("an image is given as base64 text or a data: address")
    text = given.partition(",")[2] if given.startswith("data:") else given
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadImage("its text is not base64") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of decompression bombs
            with Image.open(io.BytesIO(data), formats=tuple(TYPES)) as image:
                width, height, kind = image.width, image.height, image.format or ""
                if width * height > MOST_PIXELS:
                    raise BadImage(f"it has {width} × {height} pixels; at most {MOST_PIXELS:,} are taken")
                image.load()
    except BadImage:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Warning, Image.DecompressionBombError):
        raise BadImage("its bytes are not a whole PNG, JPEG, GIF or WebP image") from None
    return Picture(data, hashlib.sha256(data).hexdigest(), TYPES[kind], width, height)


def path_of(project: Project, sha256: str) -> Path:
    return Path(settings.MEDIA_HOME) / str(project.pk) / sha256[:2] / sha256


def store(project: Project, pictures: list[Picture], *, at: datetime) -> None:
    """Write the files, then the rows; a crash between leaves a file that nobody names, never a row without one."""
    for picture in {picture.sha256: picture for picture in pictures}.values():
        _write(path_of(project, picture.sha256), picture.data)
    rows = [
        Media(
            project=project,
            sha256=p.sha256,
            content_type=p.content_type,
            width=p.width,
            height=p.height,
            size=len(p.data),
            created_at=at,
        )
        for p in pictures
    ]
    Media.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _write(path: Path, data: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def read(project: Project, sha256: str) -> bytes:
    """The bytes of an image of this project. FileNotFoundError where there is none."""
    return path_of(project, sha256).read_bytes()


def pixels(project: Project, sha256: str) -> NDArray[np.uint8]:
    """The image in grey, (height, width), 0 black to 255 white."""
    with Image.open(io.BytesIO(read(project, sha256)), formats=tuple(TYPES)) as image:
        return np.asarray(image.convert("L"), dtype=np.uint8)
