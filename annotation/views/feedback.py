"""What pages of other origins load and send: the web component, and signals with a publishable key.

CORS names one exact origin and no credentials; a request from any other origin gets no header and no answer of use.
"""

import re
from functools import cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from annotation import public_feedback
from annotation.models import FeedbackKey
from projects.guards import public
from projects.problems import problem
from projects.throttle import client_address
from validation import InvalidInput

COMPONENT_VERSION = "1.0.0"  # a change of the component is another version: browsers keep this one for a year
COMPONENT = "plumbline-feedback.js"
FORMER = re.compile(r"1\.\d{1,4}\.\d{1,4}")
A_YEAR, FIVE_MINUTES = 365 * 24 * 3600, 300


@public
@require_GET
def component(request: HttpRequest, version: str) -> HttpResponse:
    """The web component. Pages that name a former version get this one, and ask again soon."""
    if not FORMER.fullmatch(version):
        raise Http404("There is no such version.")
    answer = HttpResponse(component_source(), content_type="text/javascript; charset=utf-8")
    newest = version == COMPONENT_VERSION
    answer["Cache-Control"] = f"public, max-age={A_YEAR}, immutable" if newest else f"public, max-age={FIVE_MINUTES}"
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@cache
def component_source() -> bytes:
    return (settings.BASE_DIR / "static/js" / COMPONENT).read_bytes()


@csrf_exempt
@public
@require_http_methods(["POST", "OPTIONS"])
def send_signal(request: HttpRequest, token: str) -> HttpResponse:
    """Keep one signal; the answer is the same whether its prediction is known or not."""
    origin = request.headers.get("Origin", "")
    key = public_feedback.find_key(token, origin)
    if key is None:
        answer = problem(403, "This key takes no signals from this page.")
    elif request.method == "OPTIONS":
        answer = _allow(_preflight(), origin)
    else:
        answer = _allow(_capture(request, key), origin)
    patch_vary_headers(answer, ["Origin"])
    return answer


def _capture(request: HttpRequest, key: FeedbackKey) -> HttpResponse:
    if len(request.body) > public_feedback.LARGEST_BODY:
        return problem(413, f"A signal has at most {public_feedback.LARGEST_BODY:,} bytes.")
    try:
        address = client_address(request) or "unknown"
        public_feedback.accept(key, request.body, address=address, at=timezone.now())
    except InvalidInput as why:
        refused = problem(getattr(why, "status", 422), str(why))
        if isinstance(why, public_feedback.TooOften):
            refused["Retry-After"] = str(why.seconds)
        return refused
    return JsonResponse({"status": "accepted"}, status=202)


def _preflight() -> HttpResponse:
    answer = HttpResponse(status=204)
    answer["Access-Control-Allow-Methods"] = "POST"
    answer["Access-Control-Allow-Headers"] = "Content-Type"
    answer["Access-Control-Max-Age"] = "600"
    return answer


def _allow(answer: HttpResponse, origin: str) -> HttpResponse:
    answer["Access-Control-Allow-Origin"] = origin
    answer["Access-Control-Expose-Headers"] = "Retry-After"
    return answer
