"""Write a project into an archive, in one state of its rows, while it is worked on."""

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from annotation import media
from annotation.models import Media
from overview.project_archive.container import FORMAT, PIECE, ArchiveManifest, ArchiveWriter, TableOfRows
from overview.project_archive.tables import ARCHIVED, TO_NULL, ArchivedModel
from overview.project_archive.values import BadArchive, to_archive
from projects import audit, regular_files
from projects.models import AuditEvent, Project, User
from projects.read_snapshots import consistent_reads
from retraining import artifacts, registry
from retraining.models import ModelVersion

CHUNK = 1000
NOT_EXPORTED = ("id", "slug", "audit_slug")
AUDIT_FIELDS = (
    *("sequence", "at", "actor", "project", "project_pk", "action", "target", "details", "previous_hash", "hash"),
)


@dataclass(frozen=True)
class Exported:
    """What an archive holds, and the fingerprint by which it is known where it arrives."""

    manifest: ArchiveManifest
    fingerprint: str


def export_project(project: Project, path: Path, *, at: datetime) -> Exported:
    """Write the archive beside its place and rename it once it is whole.

    Raises BadArchive where the file is there already or cannot be written, and where the audit trail is broken: an
    archive vouches for it.
    """
    if path.exists():
        raise BadArchive(f"{path} is there already. Name a file that is not.")
    if broken := audit.first_break():
        raise BadArchive(f"The audit trail is broken, so no archive can vouch for it: {broken[1]}.")
    unfinished = path.with_name(f"{path.name}{regular_files.UNFINISHED}")
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                done = _write(ArchiveWriter(archive), project, at=at)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as why:
        raise BadArchive(f"{path} cannot be written: {why.strerror or why}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return done


def _write(archive: ArchiveWriter, project: Project, *, at: datetime) -> Exported:
    with consistent_reads():
        project.refresh_from_db()
        people: set[int] = set()
        tables = {model.name: _write_table(archive, model, project, people) for model in ARCHIVED}
        absent = [*_write_media(archive, project), *_write_artifacts(archive, project)]
        manifest = ArchiveManifest(
            format=FORMAT,
            exported_at=at.isoformat(),
            slug=project.slug,
            project=_project_row(project),
            tables=tables,
            people=archive.add_lines("people.jsonl", _people(people)),
            audit_events=archive.add_lines("audit.jsonl", _audit_events(project)),
            absent=absent,
            parts=archive.parts,
        )
    return Exported(manifest, archive.finish(manifest))


def _project_row(project: Project) -> dict[str, Any]:
    fields = [field for field in Project._meta.concrete_fields if field.attname not in NOT_EXPORTED]
    return {field.attname: to_archive(field, getattr(project, field.attname)) for field in fields}


def _write_table(archive: ArchiveWriter, model: ArchivedModel, project: Project, people: set[int]) -> TableOfRows:
    """One list a row. Whom foreign keys name is added to `people`; those into other tables stay ids of the archive."""
    fields, ids = model.fields, Counter[str]()
    nulls = [at for at, field in enumerate(fields) if field.related_model in TO_NULL]
    persons = [at for at, field in enumerate(fields) if field.related_model is User]
    key = next(at for at, field in enumerate(fields) if field.primary_key)

    def lines() -> Iterator[list[Any]]:
        rows = model.model._default_manager.filter(**{model.path: project}).order_by("pk")
        for row in rows.values_list(*(field.attname for field in fields)).iterator(chunk_size=CHUNK):
            ids["first"], ids["last"] = ids["first"] or row[key], row[key]
            people.update(row[at] for at in persons if row[at] is not None)
            line = [to_archive(field, value) for field, value in zip(fields, row, strict=True)]
            for at in nulls:
                line[at] = None
            yield line

    rows = archive.add_lines(f"rows/{model.name}.jsonl", lines())
    return TableOfRows([field.attname for field in fields], rows, ids["first"] or None, ids["last"] or None)


def _people(ids: set[int]) -> Iterator[list[Any]]:
    """Who is named by rows: id in the archive, names; no rights, no passwords, no addresses."""
    people = User.objects.filter(pk__in=ids).order_by("pk")
    yield from (list(row) for row in people.values_list("pk", "username", "first_name", "last_name"))


def _audit_events(project: Project) -> Iterator[dict[str, Any]]:
    events = AuditEvent.objects.of(project).order_by("sequence")
    fields = [AuditEvent._meta.get_field(name) for name in AUDIT_FIELDS]
    for row in events.values_list(*AUDIT_FIELDS).iterator(chunk_size=CHUNK):
        yield {field.name: to_archive(field, value) for field, value in zip(fields, row, strict=True)}


def _write_media(archive: ArchiveWriter, project: Project) -> Iterator[str]:
    """Gives the names of images that are absent or not what was written."""
    rows = Media.objects.filter(project=project).order_by("pk").values_list("sha256", flat=True)
    for sha256 in rows.iterator(chunk_size=CHUNK):
        name = f"media/{sha256}"
        try:
            with regular_files.opened(media.path_of(project, sha256)) as (file, _):
                part = archive.add(name, iter(lambda file=file: file.read(PIECE), b""))  # type: ignore[misc]
        except OSError:
            yield name
            continue
        if part.sha256 != sha256:
            yield name


def _write_artifacts(archive: ArchiveWriter, project: Project) -> Iterator[str]:
    """Only what is signed here: an archive does not vouch for a model that this installation would not load."""
    files, written = artifacts.VerifiedFiles(), set()
    for version in ModelVersion.objects.filter(project=project).select_related("project").order_by("pk"):
        name = f"artifacts/{version.artifact_sha256}"
        if name in written:
            continue
        try:
            registry.verify(version, files)
        except artifacts.ArtifactRefused:
            yield name
            continue
        written.add(name)
        with regular_files.opened(artifacts.path_of(version.artifact_sha256)) as (file, _):
            archive.add(name, iter(lambda file=file: file.read(PIECE), b""))  # type: ignore[misc]
