"""Members and their roles, API keys, the audit trail of one project."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from projects import audit, invitations, members
from projects.forms import InviteForm, KeyForm, RoleForm
from projects.guards import ProjectRequest, member
from projects.models import ApiKey, AuditEvent, Can, Role, User
from projects.paging import BadCursor, keyset_page
from projects.secrets import derived_secret, new_secret

PAGE = 50


@member(Can.ADMINISTER)
@require_GET
def member_list(request: ProjectRequest) -> HttpResponse:
    return members_page(request)


def members_page(request: ProjectRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    rows = request.project.memberships.select_related("user").order_by("user__username")
    context = {"members": rows, "roles": Role.choices, "form": InviteForm(), **more}
    return render(request, "projects/member_list.html", context, status=status)


@member(Can.ADMINISTER)
@never_cache
@require_POST
def invite(request: ProjectRequest) -> HttpResponse:
    """The answer to this POST shows the link; it is stored hashed only, so there is no page to go back to for it."""
    form = InviteForm(request.POST)
    if not form.is_valid():
        return members_page(request, status=422, form=form)
    given = form.cleaned_data
    try:
        invited = invitations.invite(
            request.project,
            given["name"],
            Role(given["role"]),
            by=request.user,
            at=timezone.now(),
            full_name=given["full_name"],
            secret=derived_secret("invite", request.user.pk, request.project.pk, given["once"] or new_secret()),
        )
    except members.MemberProblem as problem:
        form.add_error("name", str(problem))
        return members_page(request, status=422, form=form)
    if invited.secret is None:
        messages.success(request, f"{invited.user.name()} added as {given['role']}.")
        return redirect("projects:member-list", request.project.slug)
    link = request.build_absolute_uri(reverse("projects:sign-in-link", args=[invited.secret]))
    return members_page(request, link=link, invited=invited.user)


def member_of(request: ProjectRequest, user_id: int) -> User:
    return get_object_or_404(User, pk=user_id, memberships__project=request.project)


@member(Can.ADMINISTER)
@require_POST
def set_role(request: ProjectRequest, user_id: int) -> HttpResponse:
    user, form = member_of(request, user_id), RoleForm(request.POST)
    if not form.is_valid():
        return members_page(request, status=422, problem=f"A role is one of {', '.join(Role.values)}.")
    role = Role(form.cleaned_data["role"])
    try:
        members.set_role(request.project, user, role, by=request.user, at=timezone.now())
    except members.MemberProblem as problem:
        return members_page(request, status=422, problem=str(problem))
    messages.success(request, f"{user.name()} is {role} now.")
    return redirect("projects:member-list", request.project.slug)


@member(Can.ADMINISTER)
@require_POST
def remove_member(request: ProjectRequest, user_id: int) -> HttpResponse:
    user = member_of(request, user_id)
    try:
        members.remove(request.project, user, by=request.user, at=timezone.now())
    except members.MemberProblem as problem:
        return members_page(request, status=422, problem=str(problem))
    messages.success(request, f"{user.name()} removed; what they labelled stays.")
    return redirect("projects:member-list", request.project.slug)


@member(Can.CHANGE)
@require_GET
def key_list(request: ProjectRequest) -> HttpResponse:
    return keys_page(request)


def keys_page(request: ProjectRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    """An engineer sees and revokes their own keys, an admin those of everybody."""
    seen = ApiKey.objects.filter(project=request.project).seen_by(request.user, request.role)
    rows = seen.select_related("user").order_by("revoked_at", "-created_at")
    context = {"keys": rows, "form": KeyForm(request.role), "now": timezone.now(), **more}
    return render(request, "projects/key_list.html", context, status=status)


@member(Can.CHANGE)
@never_cache
@require_POST
def create_key(request: ProjectRequest) -> HttpResponse:
    """The answer to this POST is the only place that ever shows the secret; sent again, it shows the same key."""
    form = KeyForm(request.role, request.POST)
    if not form.is_valid():
        return keys_page(request, status=422, form=form)
    now, lives = timezone.now(), form.lives()
    try:
        key, secret = members.create_key(
            request.project,
            request.user,
            form.cleaned_data["scopes"],
            by=request.user,
            at=now,
            name=form.cleaned_data["name"],
            expires_at=now + lives if lives else None,
            secret=derived_secret(
                "key", request.user.pk, request.project.pk, form.cleaned_data["once"] or new_secret()
            ),
        )
    except members.MemberProblem as problem:
        form.add_error("name", str(problem))
        return keys_page(request, status=422, form=form)
    return keys_page(request, created=key, secret=secret)


@member(Can.CHANGE)
@require_POST
def revoke_key(request: ProjectRequest, key_id: int) -> HttpResponse:
    mine = ApiKey.objects.filter(project=request.project).seen_by(request.user, request.role)
    key = get_object_or_404(mine, pk=key_id)
    members.revoke_key(key, by=request.user, at=timezone.now())
    messages.success(request, f"Key {key.prefix}… revoked. Calls with it are refused from now on.")
    return redirect("projects:key-list", request.project.slug)


@member(Can.ADMINISTER)
@require_GET
def audit_trail(request: ProjectRequest) -> HttpResponse:
    return audit_page(request, before=request.GET.get("before", ""))


def audit_page(request: ProjectRequest, *, before: str = "", **more: Any) -> HttpResponse:
    """Newest first; the cursor is a sequence number."""
    events = AuditEvent.objects.of(request.project)
    try:
        page = keyset_page(events, by=["sequence"], after=before, size=PAGE)
    except BadCursor as why:
        raise Http404(str(why)) from None
    rows = [(event, facts(event.details)) for event in page.rows]
    context = {"rows": rows, "older": page.next, "before": int(before) if before else None, **more}
    return render(request, "projects/audit.html", context)


def facts(details: dict[str, Any]) -> list[tuple[str, str]]:
    """Details in words: a list is its parts, not Python's way of writing one."""
    return [
        (name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)) for name, value in details.items()
    ]


@member(Can.ADMINISTER)
@require_POST
def verify_audit(request: ProjectRequest) -> HttpResponse:
    """Walk the whole chain of the installation; a break anywhere means that some event cannot be trusted."""
    broken = audit.first_break()
    events = AuditEvent.objects.count()
    return audit_page(request, verified=True, broken=broken, events_checked=events, head=audit.head())
