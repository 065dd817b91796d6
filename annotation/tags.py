"""Tags of items: put on, taken off, and listed."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from annotation.models import LONGEST_TAG, Item, ItemTag
from projects import audit
from projects.bulk_insert import insert_new
from projects.chunks import chunks
from projects.models import Project, User
from validation import InvalidInput
from validation.json_values import is_storable_text

MOST_LISTED = 200


class BadTag(InvalidInput):
    """A name that no tag can have."""


def checked_name(name: str) -> str:
    """The name of a tag as it is stored. Raises BadTag."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_TAG or not is_storable_text(name):
        raise BadTag(f"A tag takes 1 to {LONGEST_TAG} characters.")
    return name


@transaction.atomic
def add_tag(project: Project, item_ids: Sequence[int], name: str, *, by: User, at: datetime) -> None:
    """Put a tag on items; one that has it keeps it as it was. Raises BadTag."""
    name = checked_name(name)
    for chunk in chunks(item_ids):
        own = list(Item.objects.filter(project=project, pk__in=chunk).order_by("pk").values_list("pk", flat=True))
        insert_new(ItemTag, {"item_id": own}, project_id=project.pk, name=name, tagged_by_id=by.pk, tagged_at=at)
    _record("items.tag", project, name, len(item_ids), by=by, at=at)


@transaction.atomic
def remove_tag(project: Project, item_ids: Sequence[int], name: str, *, by: User, at: datetime) -> None:
    """Take a tag off items; one that has it not stays as it is. Raises BadTag."""
    name = checked_name(name)
    for chunk in chunks(item_ids):
        ItemTag.objects.filter(project=project, item__in=chunk, name=name).delete()
    _record("items.untag", project, name, len(item_ids), by=by, at=at)


def _record(action: str, project: Project, name: str, count: int, *, by: User, at: datetime) -> None:
    audit.record(action, by=by, at=at, project=project, target=name, details={"items": count})


def tag_names(project: Project) -> list[str]:
    """The tags of a project in the order of their names, at most MOST_LISTED."""
    names = ItemTag.objects.filter(project=project).order_by("name").values_list("name", flat=True)
    return list(names.distinct()[:MOST_LISTED])
