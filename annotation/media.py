"""Images of items: named by the SHA-256 of their bytes, stored once per project, never by a caller's name."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from annotation.models import Media
from inputs import images
from inputs.images import Grey
from inputs.registry import INPUT_TYPES
from inputs.types.image import CheckedImage
from projects import regular_files
from projects.chunks import CHUNK
from projects.models import Project

ARRIVING = "arriving"  # a file in the folder of a project whose row is not stored yet
LEFT_FOR = timedelta(days=1)


def path_of(project: Project, sha256: str) -> Path:
    return Path(settings.MEDIA_HOME) / str(project.pk) / sha256[:2] / sha256


def write_files(project: Project, pictures: Sequence[CheckedImage]) -> None:
    """Write the file of each image that has none yet.

    Call it before the transaction that records them: a crash between leaves a file that nobody names, never a row
    without one.
    """
    for picture in {picture.sha256: picture for picture in pictures}.values():
        _write(path_of(project, picture.sha256), picture.data)


def record(project: Project, pictures: Sequence[CheckedImage], *, at: datetime) -> None:
    """Make the row of each image that has none yet."""
    rows = [
        Media(
            project=project,
            sha256=p.sha256,
            content_type=p.decoded.content_type,
            width=p.decoded.width,
            height=p.decoded.height,
            size=len(p.data),
            created_at=at,
        )
        for p in sorted(pictures, key=lambda picture: picture.sha256)
    ]
    Media.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)


def shown(project: Project, media: Media) -> tuple[bytes, str]:
    """Bytes and media type with which every browser shows the picture that a model sees.

    The file itself where browsers show it so; else a PNG that is rendered once and kept beside it. FileNotFoundError
    where the file is missing.
    """
    path = path_of(project, media.sha256)
    kept = path.with_name(f"{path.name}.shown.png")
    if kept.exists():
        return regular_files.read_file(kept), "image/png"
    data = regular_files.read_file(path)
    if images.is_shown_as_read(data):
        return data, media.content_type
    picture = images.rendered(data)
    _write(kept, picture)
    return picture, "image/png"


def _write(path: Path, data: bytes) -> None:
    if not path.exists():
        regular_files.write_whole(path, data, workplace=_workplace())


def _workplace() -> Path:
    """Where files are until they are whole."""
    return Path(settings.MEDIA_HOME) / "unfinished"


@contextmanager
def arriving(project: Project) -> Iterator[None]:
    """Images are written for a project whose row is stored inside: where that fails they are removed, and where this
    process is killed `sweep` does it."""
    folder = Path(settings.MEDIA_HOME) / str(project.pk)
    folder.mkdir(mode=0o700, parents=True)
    (folder / ARRIVING).touch(mode=0o600)
    try:
        yield
        (folder / ARRIVING).unlink()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def sweep(*, at: datetime) -> int:
    """Remove what killed processes left half written, or without a project, a day ago. Returns how many."""
    left = _workplace().glob(f"*{regular_files.UNFINISHED}")
    return regular_files.remove_old(left, older_than=LEFT_FOR, at=at) + _sweep_arriving(at)


def _sweep_arriving(at: datetime) -> int:
    removed = 0
    for marker in Path(settings.MEDIA_HOME).glob(f"*/{ARRIVING}"):
        if marker.stat().st_mtime > (at - LEFT_FOR).timestamp():
            continue
        if Project.objects.filter(pk=int(marker.parent.name)).exists():  # killed just after its rows were stored
            marker.unlink()
        else:
            shutil.rmtree(marker.parent, ignore_errors=True)
        removed += 1
    return removed


def read_image(project: Project, sha256: str) -> bytes:
    """The bytes of an image of this project. FileNotFoundError where there is none."""
    return regular_files.read_file(path_of(project, sha256))


def pixels(project: Project, sha256: str) -> Grey:
    """What a model sees of a stored image: `images.grey_pixels`."""
    return images.grey_pixels(read_image(project, sha256))


def columns(
    project: Project,
    rows: Sequence[Mapping[str, Any]],
    types: Mapping[str, str],
    decoded: Mapping[str, Grey] | None = None,
) -> dict[str, list[Any]]:
    """Stored inputs as the columns that `inputs.frame.to_frame` takes: of an image its pixels, of a conversation its
    text, None where absent.

    `decoded` has the pixels of images that were decoded already, by their SHA-256; other images are read from files.
    """
    known = decoded or {}
    return {name: [_cell(project, row.get(name), kind, known) for row in rows] for name, kind in types.items()}


def _cell(project: Project, value: Any, kind: str, decoded: Mapping[str, Grey]) -> Any:
    if value is None:
        return None
    if not INPUT_TYPES[kind].in_media:
        return INPUT_TYPES[kind].column_value(value)
    sha256 = value["media"]
    return decoded[sha256] if sha256 in decoded else pixels(project, sha256)
