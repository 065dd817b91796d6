"""The HTTP API: the routers of the apps under one address, with errors as RFC 9457 problems."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

import analysis.api
import retraining.api
from annotation.api import capture, work
from projects.problems import problem

api = NinjaAPI(title="Plumbline", version="1", docs_url=None, openapi_url="/openapi.json", urls_namespace="api")

for router in (capture.router, work.router, analysis.api.router, retraining.api.router):
    api.add_router("", router)


@api.exception_handler(HttpError)
def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors: list[dict[str, Any]] = [
        {"pointer": "/" + "/".join(map(str, part["loc"][1:])), "detail": part["msg"]} for part in error.errors
    ]
    first = errors[0] if errors else {"pointer": "/", "detail": "it does not fit"}
    return problem(422, f"{first['pointer']}: {first['detail']}.", errors=errors)
