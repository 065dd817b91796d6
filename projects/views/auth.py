"""Sign in by name and password, throttled, or by a link that works once; sign out."""

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from projects import audit, members, throttle
from projects.forms import SignInForm
from projects.guards import public, signed_in
from projects.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = SignInForm(request.POST if request.method == "POST" else None)
    after = request.POST.get("next") or request.GET.get("next", "")
    if request.method == "GET":
        if request.user.is_authenticated:
            return HttpResponseRedirect(safe(request, after))
        return render(request, "projects/sign_in.html", {"form": form, "next": after})
    if not form.is_valid():
        return render(request, "projects/sign_in.html", {"form": form, "next": after}, status=422)
    if throttle.is_address_paused(request, at=timezone.now()):
        return locked_out(request)
    given = form.cleaned_data
    left_before = tries_left(request, given["username"])
    user = authenticate(request, username=given["username"], password=given["password"])
    if not isinstance(user, User):
        left = tries_left(request, given["username"])
        if left_before:  # else the password was not looked at, and the pause has its event already
            record_failure(request, given["username"], paused=not left)
        context = {"form": form, "next": after, "tries_left": left, "pause_minutes": pause_minutes()}
        return render(request, "projects/sign_in.html", context, status=422)
    audit.record("user.sign_in", by=user, at=timezone.now(), target=user.username, details={"by": "password"})
    login(request, user)
    return HttpResponseRedirect(safe(request, after))


def record_failure(request: HttpRequest, name: str, *, paused: bool) -> None:
    """An audit event of a wrong password. A name that nobody has may be a password typed in the wrong place."""
    known = User.objects.filter(username=name).exists()
    details = {"from": throttle.client_address(request) or "", "known_name": known, "paused": paused}
    audit.record("user.sign_in_failed", by=None, at=timezone.now(), target=name if known else "", details=details)


def tries_left(request: HttpRequest, name: str) -> int:
    """Wrong passwords that this name may still give from this address before the pause."""
    failures = AxesProxyHandler.get_failures(request, {"username": name})
    return max(settings.AXES_FAILURE_LIMIT - int(failures), 0)


def pause_minutes() -> int:
    return round(settings.AXES_COOLOFF_TIME * 60)


def safe(request: HttpRequest, address: str) -> str:
    """The address to go to after signing in, if it is one of ours."""
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if address and ours else reverse(settings.LOGIN_REDIRECT_URL)


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: object = None
) -> HttpResponse:
    """The answer once the tries are used up; axes gives the two arguments that are not used."""
    response = render(request, "projects/locked_out.html", {"pause_minutes": pause_minutes()}, status=429)
    response["Retry-After"] = str(pause_minutes() * 60)
    return response


@public
@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET says whom the link signs in, so that a mail scanner that looks at it does not spend it; POST spends it."""
    now = timezone.now()
    user = members.link_owner(secret, at=now) if request.method == "GET" else members.use_link(secret, at=now)
    if user is None:
        return render(request, "projects/link.html", status=410)
    if request.method == "GET":
        return render(request, "projects/link.html", {"owner": user})
    login(request, user, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


@signed_in
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("projects:sign-in")
