"""Files that rows name and that are absent, or not what was written."""

from annotation import media
from annotation.models import Media
from projects import regular_files
from retraining import artifacts, registry
from retraining.models import ModelVersion


def media_faults() -> list[str]:
    """A sentence's beginning for each image that is absent or has another size. Its bytes are not read."""
    rows = Media.objects.select_related("project").order_by("pk").iterator(chunk_size=2000)
    return [fault for row in rows if (fault := _media_fault(row))]


def _media_fault(row: Media) -> str:
    path = media.path_of(row.project, row.sha256)
    try:
        size = regular_files.file_state(path).size
    except OSError as why:
        return f"{path} cannot be read: {why.strerror}"
    return "" if size == row.size else f"{path} has {size:,} bytes where {row.size:,} were written"


def artifact_faults() -> list[str]:
    """The same of each version's artifact, whose signature and hash are verified."""
    files = artifacts.VerifiedFiles()
    versions = ModelVersion.objects.select_related("project").order_by("pk")
    return [f"{version.project.slug}: {fault}" for version in versions if (fault := _artifact_fault(version, files))]


def _artifact_fault(version: ModelVersion, files: artifacts.VerifiedFiles) -> str:
    try:
        registry.verify(version, files)
    except artifacts.ArtifactRefused as why:
        return str(why).rstrip(".")
    return ""
