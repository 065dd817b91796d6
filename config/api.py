"""The HTTP API: the routers of the apps under one address, with errors as RFC 9457 problems."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

import retraining.api
from analysis.api import item_exports, items, metrics
from annotation.api import capture, exchange, transfers, work
from projects import openapi
from projects.problems import problem


class DescribedAPI(NinjaAPI):
    """django-ninja's API with the schemas of our structs, the key, and the scope that each call asks for."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"].update(openapi.components())
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                operation["security"] = [{"key": []}]
                operation["x-scope"] = self._scope(path, method)
        return schema

    def _scope(self, path: str, method: str) -> str:
        """The scope that the guard of a call asks for."""
        for _, router in self._routers:
            for pattern, view in router.path_operations.items():
                for operation in view.operations:
                    guard = getattr(operation.view_func, "guard", None)
                    if guard and path.endswith(pattern) and method.upper() in operation.methods:
                        return str(guard.scope)
        raise LookupError(f"{method} {path} has no guard.")


api = DescribedAPI(title="Plumbline", version="1", docs_url=None, openapi_url="/openapi.json", urls_namespace="api")

for router in (
    capture.router,
    work.router,
    exchange.router,
    transfers.router,
    item_exports.router,  # before the calls of one item, whose address begins as its own
    items.router,
    metrics.router,
    retraining.api.router,
):
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
