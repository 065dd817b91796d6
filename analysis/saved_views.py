"""Views of items that people have saved under a name, for themselves or for all of a project."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from analysis.models import SavedView
from projects import audit
from projects.models import Can, Project, Role, User
from validation import InvalidInput
from validation.json_values import is_storable_text

LONGEST_NAME, LONGEST_QUERY = 80, 6000
MOST_OF_ONE_PERSON = 50


class BadSavedView(InvalidInput):
    """A view that cannot be saved or changed; the message says why."""


def seen_by(project: Project, user: User) -> QuerySet[SavedView]:
    """A person's own views and those that are shared."""
    mine = Q(owner=user) | Q(shared=True)
    return SavedView.objects.filter(mine, project=project).select_related("owner").order_by("name", "pk")


@transaction.atomic
def save_view(project: Project, name: str, query: str, *, shared: bool, by: User, at: datetime) -> SavedView:
    """Keep a view; one of the same name by the same person is replaced. Raises BadSavedView."""
    name = checked_name(name)
    if len(query) > LONGEST_QUERY:
        raise BadSavedView("This view has too many filters and columns to be saved.")
    mine = SavedView.objects.filter(project=project, owner=by)
    if mine.count() >= MOST_OF_ONE_PERSON and not mine.filter(name=name).exists():
        raise BadSavedView(f"You have {MOST_OF_ONE_PERSON} views here already; delete one first.")
    values = {"query": query, "shared": shared}
    made, _ = SavedView.objects.update_or_create(
        project=project, owner=by, name=name, defaults=values, create_defaults=values | {"created_at": at}
    )
    audit.record("view.save", by=by, at=at, project=project, target=name, details={"shared": shared})
    return made


@transaction.atomic
def rename_view(view: SavedView, name: str, *, by: User, role: Role, at: datetime) -> None:
    """Give a view another name. Raises BadSavedView."""
    _check_may_change(view, by, role)
    name = checked_name(name)
    others = SavedView.objects.filter(project=view.project, owner=view.owner, name=name).exclude(pk=view.pk)
    if others.exists():
        raise BadSavedView(f"There is a view named {name} already.")
    SavedView.objects.filter(pk=view.pk).update(name=name)
    audit.record("view.rename", by=by, at=at, project=view.project, target=name, details={"before": view.name})


@transaction.atomic
def delete_view(view: SavedView, *, by: User, role: Role, at: datetime) -> None:
    """Forget a view; the items stay. Raises BadSavedView."""
    _check_may_change(view, by, role)
    audit.record("view.delete", by=by, at=at, project=view.project, target=view.name)
    view.delete()


def _check_may_change(view: SavedView, by: User, role: Role) -> None:
    if view.owner_id != by.pk and not role.can(Can.ADMINISTER):
        raise BadSavedView("Only who saved a view, or an admin of the project, changes it.")


def checked_name(name: str) -> str:
    """The name of a view as it is stored. Raises BadSavedView."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not is_storable_text(name):
        raise BadSavedView(f"The name of a view takes 1 to {LONGEST_NAME} characters.")
    return name
