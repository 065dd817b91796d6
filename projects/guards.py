"""Access guards of views. Every route declares its guard; a test walks all routes and fails on one that does not.

A foreign project is 404, so that ids tell nothing; a role that is too small is 403.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from projects.models import Can, Membership, Project, Role, User

READS = ("GET", "HEAD", "OPTIONS")
Level = Literal["public", "signed_in", "anywhere", "superuser", "project", "key"]
View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Guard:
    """What a route asks: `can` for the levels project and anywhere, `scope` for level key."""

    level: Level
    can: Can | None = None
    scope: str | None = None


class HtmxRequest(HttpRequest):
    """Any request behind the htmx middleware."""

    htmx: HtmxDetails


class UserRequest(HtmxRequest):
    """A request behind `signed_in` or `superuser`: the guard refuses anonymous people."""

    user: User


class ProjectRequest(UserRequest):
    """A request behind `member`: a person in a project."""

    project: Project
    role: Role


def asks_for_fragment(request: HtmxRequest) -> bool:
    """Whether htmx asks for a part of the page, not for the page in a new place."""
    return bool(request.htmx) and not request.htmx.boosted


def declare(view: Any, guard: Guard) -> Any:
    view.guard = guard
    return view


def public(view: View) -> View:
    """Anyone: sign-in, health."""
    return declare(view, Guard("public"))


def signed_in(view: View) -> View:
    """Anyone with an account."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return view(request, *args, **kwargs)

    return declare(inner, Guard("signed_in"))


def member_anywhere(can: Can) -> Callable[[View], View]:
    """Who can do this in some project, and the installation's own admins."""

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: UserRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not can_anywhere(request.user, can):
                raise PermissionDenied(f"This page needs a role that can {can} in some project.")
            return view(request, *args, **kwargs)

        return declare(inner, Guard("anywhere", can=can))

    return decorate


def can_anywhere(user: User, can: Can) -> bool:
    """Whether a person can do this in some project."""
    if user.is_superuser:
        return True
    return any(Role(role).can(can) for role in user.memberships.values_list("role", flat=True).distinct())


def superuser(view: View) -> View:
    """The installation's own admins."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not request.user.is_superuser:
            raise PermissionDenied("Only an admin of this installation can open this page.")
        return view(request, *args, **kwargs)

    return declare(inner, Guard("superuser"))


def member(can: Can, *, archived: bool = False, with_schema: bool = False) -> Callable[[View], View]:
    """Members of the project named by `slug` whose role can do this; sets request.project and request.role.

    An archived project can only be read, but for the routes that say `archived`. `with_schema` reads the label schema
    in the same statement, for calls that need it and change no schema.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def inner(request: ProjectRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            request.project, request.role = enter(request.user, slug, with_schema=with_schema)
            if not request.role.can(can):
                raise PermissionDenied(f"Your role here is {request.role}; this page needs one that can {can}.")
            if request.project.archived_words and request.method not in READS and not archived:
                raise PermissionDenied(request.project.archived_words)
            return view(request, *args, **kwargs)

        return declare(inner, Guard("project", can=can))

    return decorate


def enter(user: Any, slug: str, *, with_schema: bool = False) -> tuple[Project, Role]:
    """The project and the person's role in it; 404 where it is not theirs, as if it were not there."""
    membership = Membership.objects.filter(project=OuterRef("pk"), user=user)
    projects = Project.objects.with_schema() if with_schema else Project.objects.all()
    project = projects.annotate(role_given=Subquery(membership.values("role")[:1])).filter(slug=slug).first()
    role = role_of(user, project.role_given) if project else None
    if project is None or role is None:
        raise Http404("There is no such project.")
    return project, role


def role_of(user: User, given: str | None) -> Role | None:
    """A person's role in a project, from the one given there; an admin of the installation is an admin in all."""
    if given:
        return Role(given)
    return Role.ADMIN if user.is_superuser else None
