"""Authentication by API key: which key, for which project, with which scope, and whether its person's role allows it.

A foreign project is 404, as if it were not there.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from projects import idempotency, locks
from projects.guards import READS, Guard, declare, role_of
from projects.models import ApiKey, Membership, Project, Role, Scope
from projects.problems import problem
from projects.secrets import hashed
from projects.streamed_body import takes_file

USED_EVERY = timedelta(minutes=1)  # last_used_at is written at most once a minute


class KeyRequest(HttpRequest):
    """A request behind `keyed`: a live key of the project that the path names."""

    key: ApiKey
    project: Project
    role: Role
    dry_run: bool = False


DRY_RUN = "1: each row is answered as it would be, and nothing is stored, no Idempotency-Key either; 0 as without it."


def keyed(
    scope: Scope, *, takes_dry_run: bool = False
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Routes that a key with this scope may call; sets request.key and request.project.

    takes_dry_run: sets request.dry_run by the query; what such a request asks for is only tried, so no answer is stored
    under its Idempotency-Key.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def inner(request: KeyRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
            key = find_key(request)
            if key is None:
                refused = problem(401, "This call needs a valid key: Authorization: Bearer plumb_….")
                refused["WWW-Authenticate"] = "Bearer"
                return refused
            if key.project.slug != slug:
                return problem(404, "There is no such project for this key.")
            if scope not in key.scopes:
                return problem(403, f"This key may {', '.join(key.scopes)}; this call needs {scope}.")
            role = current_role(key)
            if role is None or not role.can(scope.needs):
                return problem(403, role_refusal(key, role, scope))
            if key.project.archived_words and request.method not in READS:
                return problem(409, key.project.archived_words)
            request.key, request.project, request.role = key, key.project, role
            if takes_dry_run and request.GET.get("dry_run", "0") not in ("0", "1"):
                return problem(400, "dry_run takes 1 or 0.")
            request.dry_run = takes_dry_run and request.GET.get("dry_run") == "1"
            is_stored = request.method == "POST" and not (takes_file(request) or request.dry_run)
            if is_stored and "Idempotency-Key" in request.headers:
                return idempotency.once(request, key, lambda: view(request, slug, *args, **kwargs))
            return view(request, slug, *args, **kwargs)

        return declare(inner, Guard("key", scope=scope))

    return decorate


def current_role(key: ApiKey) -> Role | None:
    """The role in the project of the person for whom this key acts, at this call: a key never outlives a role."""
    given = Membership.objects.filter(project=key.project_id, user=key.user_id).values_list("role", flat=True).first()
    return role_of(key.user, given)


def role_refusal(key: ApiKey, role: Role | None, scope: Scope) -> str:
    """Why a person of this role may not do what the key has a scope for."""
    if role is None:
        return f"{key.user.username}, for whom this key acts, is not a member of this project."
    return f"{key.user.username}, for whom this key acts, is {role} here; {scope} needs a role that can {scope.needs}."


def find_key(request: HttpRequest) -> ApiKey | None:
    """The live key of the Authorization header. The look-up is by hash, so it tells nothing by its time."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        return None
    now = timezone.now()
    live = ApiKey.objects.select_related("project", "user").filter(revoked_at=None, user__is_active=True)
    key = live.filter(Q(expires_at=None) | Q(expires_at__gt=now), hash=hashed(secret.strip())).first()
    if key and (key.last_used_at is None or key.last_used_at < now - USED_EVERY):
        # A call that only reads must not wait for a writer; where one is in the way, a later call notes the use.
        locks.write_if_free(lambda: ApiKey.objects.filter(pk=key.pk).update(last_used_at=now))
    return key
