"""At the edge: a request id, a limit on bodies, and fragments that caches do not mistake for pages."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from projects.ids import new_id
from projects.problems import problem

Next = Callable[[HttpRequest], HttpResponse]


def request_id(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.id = new_id("req")  # type: ignore[attr-defined]
        response = get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response

    return middleware


def body_limit(get_response: Next) -> Next:
    """Refuse a body by its stated length before a byte of it is read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):  # "²" is a digit to Python, and no number
            return problem(400, "The Content-Length header is not a number.")
        if int(length) > settings.BODY_LIMIT:
            limit = settings.BODY_LIMIT // 2**20
            return problem(413, f"The body is {int(length) / 2**20:.1f} MiB; at most {limit} MiB are taken at once.")
        return get_response(request)

    return middleware


def vary_on_fragment(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return middleware
