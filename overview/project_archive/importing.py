"""Take a project from an archive: verified, loaded in one transaction, models signed anew, or nothing at all."""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Model

from annotation import media, search
from annotation.models import Item, SearchText
from overview.project_archive import arriving_events
from overview.project_archive.arrival import Arrival
from overview.project_archive.arriving_files import keep_artifacts, keep_images
from overview.project_archive.arriving_people import accounts
from overview.project_archive.arriving_rows import MovedIds, RowBuilder, check_tables
from overview.project_archive.container import ArchiveManifest, ArchiveReader, TableOfRows, opened_archive
from overview.project_archive.tables import ARCHIVED, ArchivedModel
from overview.project_archive.values import BadArchive, BadValue, from_archive
from projects import audit, side_questions, specs
from projects.bulk_insert import insert_new
from projects.chunks import CHUNK
from projects.models import AuditEvent, InputContract, LabelSchema, Project
from projects.project_settings import BadSpec
from projects.settings_versions import decision_of

PROVEN = {True: "signed with this installation's key", False: "not signed with this installation's key"}


@dataclass(frozen=True)
class ImportedProject:
    """What arrived: `origin` says how it is known where the archive is from, `new_people` whose account was made."""

    project: Project
    manifest: ArchiveManifest
    fingerprint: str
    origin: str
    new_people: list[str]


def import_project(
    path: Path, *, slug: str = "", fingerprint: str = "", admin: str = "", at: datetime
) -> ImportedProject:
    """Make a project of the archive, under its own slug or another one.

    `fingerprint` is what the export printed: another archive is refused then. Raises BadArchive.
    """
    with opened_archive(path) as archive:
        origin = _origin(archive, fingerprint)
        check_tables(archive.manifest)
        events = arriving_events.verified(archive)
        ids = MovedIds(archive.manifest)
        project = _project(archive.manifest, slug=slug, pk=ids.project)
        with media.arriving(project):
            pictures = keep_images(archive, project)
            sizes = keep_artifacts(archive, _families(archive))
            arrival = Arrival(project, pictures, sizes, at)
            try:
                new_people = _store(archive, arrival, ids, events, origin=origin, admin=admin)
            except (IntegrityError, DataError) as why:
                raise BadArchive(f"Its rows contradict each other: {str(why).strip().splitlines()[0]}.") from None
    project.refresh_from_db()
    return ImportedProject(project, archive.manifest, archive.fingerprint, origin, new_people)


def _origin(archive: ArchiveReader, fingerprint: str) -> str:
    if fingerprint and not hmac.compare_digest(fingerprint.strip().lower().encode(), archive.fingerprint.encode()):
        raise BadArchive(f"Its fingerprint is {archive.fingerprint}: it is not the archive that was exported.")
    if archive.signed_here or not fingerprint:
        return PROVEN[archive.signed_here]
    return "known by its fingerprint"


def _project(manifest: ArchiveManifest, *, slug: str, pk: int) -> Project:
    """The project, not stored yet."""
    slug = slug or manifest.slug
    try:
        specs.check_slug(slug)
    except BadSpec as why:
        raise BadArchive(f"{why} Another one: --as SLUG") from None
    fields = {field.attname: field for field in Project._meta.concrete_fields if field.attname not in ("id", "slug")}
    values = {}
    for name, value in manifest.project.items():
        if name not in fields:
            raise BadArchive(f"It was made by a newer version of Plumbline: a project has no {name} here.")
        try:
            values[name] = from_archive(fields[name])(value)
        except BadValue as why:
            raise BadArchive(f"The project cannot be taken: its {name}: {why}.") from None
    if "created_at" not in values or "title" not in values:
        raise BadArchive("Its project has no title, or no time at which it was made.")
    return Project(pk=pk, slug=slug, **values)


def _families(archive: ArchiveReader) -> dict[str, str]:
    """Hash of each artifact to the family that its version says."""
    table = archive.manifest.tables.get("retraining.modelversion", TableOfRows([], 0, None, None))
    if not {"artifact_sha256", "family"} <= set(table.fields):
        return {}
    hash_at, family_at = table.fields.index("artifact_sha256"), table.fields.index("family")
    found = {}
    for line in archive.lines("rows/retraining.modelversion.jsonl"):
        if not isinstance(line, list) or len(line) != len(table.fields):
            raise BadArchive("A row of retraining.modelversion has not as many values as its table has columns.")
        found[str(line[hash_at])] = str(line[family_at])
    return found


@transaction.atomic
def _store(
    archive: ArchiveReader,
    arrival: Arrival,
    ids: MovedIds,
    events: Callable[[], Iterable[AuditEvent]],
    *,
    origin: str,
    admin: str,
) -> list[str]:
    """All rows, in one transaction. Returns the names of the people whose account was made."""
    project, at = arrival.project, arrival.at
    project.save(force_insert=True)
    people, new = accounts(archive)
    for model in ARCHIVED:
        if table := archive.manifest.tables.get(model.name):
            for rows in RowBuilder(model, table, ids, people).chunks(archive, CHUNK):
                arrival.prepare(rows)
                _insert(model.model, rows)
            _check_count(model, project, table)
    _check_settings(project)
    types = project.contract().types()
    search.fill_missing(Item.objects.filter(project=project), SearchText, {project.pk: types}, most=2**62)
    details = {"fingerprint": archive.fingerprint, "origin": origin, "rows": archive.manifest.rows}
    audit.record("project.import", by=None, at=at, project=project, target=archive.manifest.slug, details=details)
    for person in new:
        audit.record("user.create", by=None, at=at, target=person)
    specs.add_admins(project, admin, by=None, at=at)
    arriving_events.append(project, events())
    return new


def _insert(model: type[Model], rows: list[Any]) -> None:
    names = [field.attname for field in model._meta.concrete_fields]
    insert_new(model, {name: [getattr(row, name) for row in rows] for name in names})


def _check_count(model: ArchivedModel, project: Project, table: TableOfRows) -> None:
    """`insert_new` leaves out what breaks a unique constraint."""
    stored = model.model._default_manager.filter(**{model.path: project}).count()
    if stored != table.rows:
        raise BadArchive(f"Its rows contradict each other: of {table.rows:,} of {model.name} {stored:,} can be stored.")


def _check_settings(project: Project) -> None:
    """What a spec with these settings would have to hold, they hold."""
    try:
        specs.parse_spec(specs.spec_of(project))
        side_questions.parse_questions(project.also_ask, decision_of(project))
        project.clean()
    except BadSpec as why:
        raise BadArchive(f"Its settings cannot be taken: {why}") from None
    except ValidationError as why:
        raise BadArchive(f"Its settings cannot be taken: {' '.join(why.messages)}") from None
    except (LabelSchema.DoesNotExist, InputContract.DoesNotExist):
        raise BadArchive("It has no labels or no inputs.") from None
