"""Make the project that the page shows, and let a job import its file: once, however often the button is pressed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from annotation import guidelines, import_jobs
from annotation.import_options import ImportOptions
from annotation.models import DataImport, StoredUpload
from projects import specs
from projects.models import Project, Role, User
from projects.project_settings import BadSpec
from validation import InvalidInput

AGAIN = timedelta(hours=1)  # how long the same form is taken for the same project
LONGEST_SLUG = 50
MOST_TRIES = 100


@dataclass(frozen=True)
class Creation:
    """The project, and the import of its file where it has one."""

    project: Project
    data_import: DataImport | None


def create_from_page(
    spec: dict[str, Any],
    *,
    upload: StoredUpload | None = None,
    format_name: str = "",
    options: ImportOptions | None = None,
    by: User,
    at: datetime,
) -> Creation:
    """The project of this spec, or the one that the same form made just now. Raises BadSpec and GuidelineProblem."""
    specs.parse_spec(spec)
    base = base_slug(spec["title"])
    for slug in _slugs(base):
        if found := _made_just_now(slug, spec, by=by, at=at):
            return Creation(found, found.dataimports.order_by("pk").first())
        if Project.objects.filter(slug=slug).exists():
            continue
        try:
            return _create(slug, spec, upload, format_name, options, by=by, at=at)
        except BadSpec:  # of two at once, the second meets the constraint
            if found := _made_just_now(slug, spec, by=by, at=at):
                return Creation(found, found.dataimports.order_by("pk").first())
            if not Project.objects.filter(slug=slug).exists():
                raise
    raise BadSpec(f"There are {MOST_TRIES} projects of the name {base} already; choose another one.")


@transaction.atomic
def _create(
    slug: str,
    spec: dict[str, Any],
    upload: StoredUpload | None,
    format_name: str,
    options: ImportOptions | None,
    *,
    by: User,
    at: datetime,
) -> Creation:
    project = guidelines.create_project(slug, spec, by=by, at=at)
    if upload is None:
        return Creation(project, None)
    made = import_jobs.start_import(project, upload, format_name=format_name, options=options, by=by, at=at)
    return Creation(project, made)


def base_slug(title: str) -> str:
    """The title as an address: Größe of loans is grosse-of-loans."""
    return slugify(title.replace("ß", "ss"))[:LONGEST_SLUG].strip("-_").replace("_", "-") or "project"


def free_slug(title: str) -> str:
    """The address that a project of this title would have now."""
    base = base_slug(title)
    taken = set(Project.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next((slug for slug in _slugs(base) if slug not in taken), base)


def _slugs(base: str) -> list[str]:
    return [base, *(f"{base}-{number}" for number in range(2, MOST_TRIES + 1))]


def _made_just_now(slug: str, spec: dict[str, Any], *, by: User, at: datetime) -> Project | None:
    """The project that this person made of the same spec within the last hour."""
    recent = Project.objects.filter(slug=slug, created_at__gt=at - AGAIN)
    found = recent.filter(memberships__user=by, memberships__role=Role.ADMIN).first()
    return found if found and _same_spec(found, spec) else None


def _same_spec(project: Project, spec: dict[str, Any]) -> bool:
    try:
        wanted = specs.parse_spec(spec)
    except InvalidInput:
        return False
    there = specs.spec_of(project)
    return all(getattr(wanted, name) == value for name, value in there.items())
