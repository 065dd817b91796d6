"""Middleware: a request id, a limit on bodies, and fragments that caches do not mistake for pages."""

import codecs
import re
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from projects import logs, zones
from projects.guards import HtmxRequest, asks_for_fragment
from projects.ids import new_id
from projects.problems import problem
from projects.project_settings import BadSpec
from projects.streamed_body import takes_file
from validation.json_values import quote
from validation.numbers import whole_number

Next = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.id = new_id("req")  # type: ignore[attr-defined]
        with logs.request(request.id):  # type: ignore[attr-defined]
            response = get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response

    return middleware


CHARSETS = {"utf-8", "ascii", "iso8859-1"}


def known_charset(get_response: Next) -> Next:
    """Refuse a body in a charset that texts are not sent in; Django would decode its address and form with it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        charset = request.content_params.get("charset", "utf-8") if request.content_params else "utf-8"
        try:
            known = codecs.lookup(charset).name in CHARSETS
        except (LookupError, ValueError):  # ValueError: a NUL in the name
            known = False
        if not known:
            return problem(415, f"The charset {quote(charset, 40)} is not taken; send UTF-8.")
        return get_response(request)

    return middleware


def api_problems(get_response: Next) -> Next:
    """What Django itself answers under /api/ (no such call, method not taken, failure) is a problem body there too."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        ours = response.get("Content-Type", "").startswith("application/problem+json")
        if response.status_code < 400 or ours or not request.path.startswith("/api/"):
            return response
        refused = problem(response.status_code, _sentence(request, response))
        for name in ("Allow", "Retry-After"):
            if name in response:
                refused[name] = response[name]
        return refused

    return middleware


def person_zone(get_response: Next) -> Next:
    """Times are shown in the zone of who asks."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(zones.of_request(request)):
            return get_response(request)

    return middleware


def unusable_settings(get_response: Next) -> Next:
    """A project whose stored settings no form would take gets a sentence on its pages, and no other project notices."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, BadSpec):
            return None
        if request.path.startswith("/api/"):
            return problem(409, f"The settings of this project cannot be used: {exception}")
        return render(request, "unusable_settings.html", {"why": str(exception)}, status=409)

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def _sentence(request: HttpRequest, response: HttpResponse) -> str:
    if response.status_code == 404:
        return "There is no such call; /api/v1/openapi.json lists those that there are."
    if response.status_code == 405:
        return f"This call does not take {request.method}; it takes {response.get('Allow', 'another method')}."
    if response.status_code == 503 and getattr(request, "disk_is_full", False):
        return "A disk of the server is full, and nothing was kept; try again when its administrator has made space."
    if response.status_code == 503:
        return "The database does not answer, and nothing was kept; try again soon."
    if response.status_code >= 500:
        return "The server failed here, and nothing was kept; the log says why beside the X-Request-Id of this answer."
    return f"{response.reason_phrase}."


def path_without_nul(get_response: Next) -> Next:
    """No name holds a NUL, and PostgreSQL fails where one is asked for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path:
            raise Http404("There is no such page.")
        return get_response(request)

    return middleware


def body_limit(get_response: Next) -> Next:
    """Refuse a body by its stated length before a byte of it is read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = whole_number(request.META.get("CONTENT_LENGTH") or "0")
        if length is None:
            return problem(400, "The Content-Length header is not a number.")
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            return problem(411, "The body came without its length; send a Content-Length header.")
        most = settings.UPLOAD_LIMIT if takes_file(request) else settings.BODY_LIMIT
        if length > most:
            limit = most // 2**20
            return problem(413, f"The body is {length / 2**20:,.1f} MiB; at most {limit:,} MiB are taken at once.")
        return get_response(request)

    return middleware


def vary_on_fragment(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware


def keep_no_copy(get_response: Next) -> Next:
    """No cache keeps what only one person or key may see; a view that says itself how its answer is kept keeps that."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response

    return middleware


MAIN = re.compile(rb"<(main|pl-desk)\b.*</\1>", re.DOTALL)


def main_as_fragment(get_response: Next) -> Callable[[HtmxRequest], HttpResponse]:
    """A page without a named part for htmx is a fragment too: its main region, without the frame around it."""

    def middleware(request: HtmxRequest) -> HttpResponse:
        response = get_response(request)
        if not _wants_fragment(request) or response.streaming or response.status_code != 200:
            return response
        html = response.get("Content-Type", "").startswith("text/html")
        if html and b"<html" in response.content[:200] and (main := MAIN.search(response.content)):
            response.content = main[0]
        return response

    return middleware


def _wants_fragment(request: HtmxRequest) -> bool:
    """Not so a boosted link or the way back in history: both take the place of the whole page."""
    return asks_for_fragment(request) and not request.htmx.history_restore_request
