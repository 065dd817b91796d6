"""Images and artifacts of an archive: each is what its name says, and is decoded or loaded before it is kept."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from annotation import media
from inputs import images
from inputs.types.image import CheckedImage
from overview.project_archive.container import ArchiveReader
from overview.project_archive.values import BadArchive
from projects.models import Project
from retraining import artifact_vetting, artifacts

Kind = tuple[str, int, int]


def keep_images(archive: ArchiveReader, project: Project) -> dict[str, tuple[Kind, int]]:
    """Write every image of the archive; returns media type, width and height, and bytes, as read from each."""
    found = {}
    for sha256 in _named(archive, "media"):
        data = archive.read_part(f"media/{sha256}", most=settings.BODY_LIMIT)
        try:
            decoded = images.decode(data)
        except images.BadImage as why:
            raise BadArchive(f"Its image {sha256[:12]}… cannot be taken: {why}.") from None
        media.write_files(project, [CheckedImage(data, sha256, decoded)])
        found[sha256] = ((decoded.content_type, decoded.width, decoded.height), len(data))
    return found


def keep_artifacts(archive: ArchiveReader, families: dict[str, str]) -> dict[str, int]:
    """Try every artifact as a model of its family, and keep it; returns the size of each by its hash."""
    kept = {}
    for sha256 in _named(archive, "artifacts"):
        if sha256 not in families:
            raise BadArchive("It holds an artifact that no version names.")
        data = archive.read_part(f"artifacts/{sha256}", most=artifacts.LARGEST)
        try:
            artifact_vetting.vet(data, family=families[sha256])
            kept[sha256] = artifacts.write(data).size
        except artifacts.ArtifactRefused as why:
            raise BadArchive(f"Its model {sha256[:12]}… cannot be taken. {why}") from None
    return kept


def _named(archive: ArchiveReader, store: str) -> Iterator[str]:
    """The hashes that name the files of this store, each that of its bytes."""
    for name, part in sorted(archive.manifest.parts.items()):
        if Path(name).parent.name != store:
            continue
        if Path(name).name != part.sha256:
            if name in archive.manifest.absent:
                continue
            raise BadArchive(f"Its part {name} is not what its name says.")
        yield part.sha256
