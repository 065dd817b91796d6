"""Pages that belong to no project: the list of one's projects, one's account, the styleguide."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from projects import audit, styleguide, zones
from projects.forms import AppearanceForm, KeysForm, PasswordForm, ZoneForm
from projects.guards import ProjectRequest, UserRequest, member, public, signed_in
from projects.models import Can, Project, Role, User

CAUSES = (
    ("uncertain", "Uncertain"),
    ("drifted", "Drifted"),
    ("disputed", "Disputed"),
    ("overridden", "Overridden"),
    ("outcome_conflict", "Outcome conflict"),
    ("escalated", "Escalated"),
    ("commented", "Commented"),
    ("suspected", "Suspected label error"),
    ("slice", "Slice"),
    ("gold", "Gold"),
    ("audit", "Audit"),
    ("typical", "Typical"),
)


@signed_in
@require_GET
def home(request: UserRequest) -> HttpResponse:
    """My projects, those that are archived apart; straight in where there is one."""
    mine = list(Project.objects.for_user(request.user))
    if len(mine) == 1:
        return redirect("projects:enter", mine[0].slug)
    roles = dict(request.user.memberships.values_list("project_id", "role"))
    rows = [(project, roles.get(project.pk, Role.ADMIN)) for project in mine]
    parts = {
        "rows": [row for row in rows if row[0].archived_at is None],
        "archived": [row for row in rows if row[0].archived_at],
    }
    return render(request, "projects/home.html", parts)


@member(Can.LABEL)
@require_GET
def enter(request: ProjectRequest) -> HttpResponse:
    """The first page of a project for this role: the loop, or the desk for who labels only."""
    name = "overview:overview" if request.role.can(Can.SEE) else "annotation:desk"
    return redirect(name, request.project.slug)


@signed_in
@require_GET
def account(request: UserRequest) -> HttpResponse:
    return account_page(request)


def account_page(request: UserRequest, *, status: int = 200, **forms: object) -> HttpResponse:
    """The account with its three forms; the one that was refused is given with its errors."""
    context = {
        "appearance": AppearanceForm(instance=request.user),
        "zone": ZoneForm(request.user, browser_zone(request)),
        "keys": KeysForm(request.user),
        "password": PasswordForm(request.user),
        **forms,
    }
    return render(request, "projects/account.html", context, status=status)


@signed_in
@require_POST
def change_appearance(request: UserRequest) -> HttpResponse:
    form = AppearanceForm(request.POST, instance=User.objects.get(pk=request.user.pk))
    if not form.is_valid():
        return account_page(request, status=422, appearance=form)
    form.instance.save(update_fields=list(form.cleaned_data))
    messages.success(request, "Appearance saved.")
    return redirect("projects:account")


def browser_zone(request: UserRequest) -> str:
    zone = zones.of_browser(request)
    return zone.key if zone else ""


@signed_in
@require_POST
def change_zone(request: UserRequest) -> HttpResponse:
    form = ZoneForm(request.user, browser_zone(request), request.POST)
    if not form.is_valid():
        return account_page(request, status=422, zone=form)
    request.user.timezone = form.cleaned_data["timezone"]
    request.user.save(update_fields=["timezone"])
    messages.success(request, "Time zone saved.")
    return redirect("projects:account")


@signed_in
@require_POST
def change_keys(request: UserRequest) -> HttpResponse:
    form = KeysForm(request.user, request.POST)
    if not form.is_valid():
        return account_page(request, status=422, keys=form)
    request.user.keys = form.cleaned_data["keys"]
    request.user.save(update_fields=["keys"])
    messages.success(request, "Keys saved.")
    return redirect("projects:account")


@signed_in
@sensitive_post_parameters()
@require_POST
def change_password(request: UserRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST)
    if not form.is_valid():
        return account_page(request, status=422, password=form)
    request.user.set_password(form.cleaned_data["new"])
    request.user.save(update_fields=["password"])
    audit.record("user.password", by=request.user, at=timezone.now(), target=request.user.username)
    update_session_auth_hash(request, request.user)
    messages.success(request, "Password saved. Other sessions of yours have ended.")
    return redirect("projects:account")


@public
@require_GET
def show_styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", {"tokens": styleguide.tokens(), "causes": CAUSES})
