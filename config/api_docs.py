"""The API's page for people: every call with its fields, examples and statuses, from the OpenAPI document."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from config.api import api
from overview import first_steps
from projects.guards import enter, public
from projects.json_body import NDJSON
from projects.models import Project
from projects.openapi import ALWAYS
from validation.json_values import is_storable_text

PATH_PARAMETER = re.compile(r"{(?:\w+:)?(\w+)}")
TITLES = {
    "capture": "Capture predictions and signals",
    "work": "Lease and label",
    "serving": "Predict",
    "analysis": "Items and metrics",
}


@dataclass(frozen=True)
class FieldLine:
    """A field of a body, or a parameter of an address."""

    name: str
    type: str
    required: bool
    takes: str


@dataclass(frozen=True)
class Call:
    """One call of the API as the page shows it."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    scope: str
    takes: str  # what the body is, in words
    takes_file: bool  # the body is a file, not JSON
    in_path: list[str]  # parameters that stand in the address
    fields: list[FieldLine]
    parameters: list[FieldLine]
    request: str
    own_request: str  # what the form begins with: of the project, where it is known
    answer: str
    statuses: list[tuple[int, str]]


@public
@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """Needs no key, as the document itself. Members of the project that the query names see its own examples."""
    schema = api.get_openapi_schema()
    project = _project_of(request)
    context = {
        "groups": groups(schema, first_steps.bodies(project) if project else None),
        "address": request.build_absolute_uri("/")[:-1],
        "always": ALWAYS.items(),
        "project": project,
    }
    return render(request, "api_docs.html", context)


def _project_of(request: HttpRequest) -> Project | None:
    """The project that the query names, where it is one of the person who asks."""
    slug = request.GET.get("project", "")
    if not slug or not is_storable_text(slug) or not request.user.is_authenticated:
        return None
    try:
        return enter(request.user, slug)[0]
    except Http404:
        return None


def groups(schema: dict[str, Any], own: Mapping[str, Any] | None = None) -> list[tuple[str, list[Call]]]:
    """The calls by their tag, in the order of the document; `own` has bodies by the last part of an address."""
    found: dict[str, list[Call]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append(_call(schema, path, method, operation, own or {}))
    return [(TITLES.get(tag, tag.title()), calls) for tag, calls in found.items()]


def _call(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any], own: Mapping[str, Any]) -> Call:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {})
    example = own.get(path.rpartition("/")[2], body.get("example"))
    return Call(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"],
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation["x-scope"],
        takes=_takes(content),
        takes_file=bool(content) and not body,
        in_path=PATH_PARAMETER.findall(path),
        fields=_fields(schema, body.get("schema", {})),
        parameters=[
            FieldLine(one["name"], _type(schema, one["schema"]), one["required"], one.get("description", ""))
            for one in operation["parameters"]
            if one["in"] == "query"
        ],
        request=_shown(body["example"]) if "example" in body else "",
        own_request=_shown(example) if "example" in body else "",
        answer=_shown(operation["responses"][200]["content"]["application/json"]["example"]),
        statuses=[
            (status, one["description"])
            for status, one in operation["responses"].items()
            if status != 200 and one["description"] != ALWAYS.get(status)
        ],
    )


def _takes(content: dict[str, Any]) -> str:
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("type") != "array":
        return "A JSON object." if schema else ""
    lines = f", or one row a line as {NDJSON}" if NDJSON in content else ""
    return f"A JSON array of at most {schema['maxItems']:,} rows{lines}; gzip is taken. Each row:"


def _fields(schema: dict[str, Any], body: dict[str, Any], *, before: str = "") -> list[FieldLine]:
    """The fields of a body, those of its rows after the field that holds them."""
    struct = _resolve(schema, body.get("items", body))
    required = struct.get("required", [])
    lines = []
    for name, field in struct.get("properties", {}).items():
        lines.append(FieldLine(before + name, _type(schema, field), name in required, _words(schema, field)))
        if "$ref" in field.get("items", {}):
            lines += _fields(schema, field["items"], before=f"{name}[].")
    return lines


def _resolve(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The part that a reference stands for."""
    if "$ref" not in part:
        return part
    return schema["components"]["schemas"][part["$ref"].rpartition("/")[2]]


def _type(schema: dict[str, Any], field: dict[str, Any]) -> str:
    field = _resolve(schema, field)
    if "anyOf" in field:
        return " or ".join(_type(schema, part) for part in field["anyOf"] if part.get("type") != "null")
    named = field.get("type", "any")
    return field.get("format", named) if isinstance(named, str) else " or ".join(named)


def _words(schema: dict[str, Any], field: dict[str, Any]) -> str:
    """The description of a field, with a capital and a full stop."""
    field = _resolve(schema, field)
    words = field.get("description") or next(
        (part["description"] for part in field.get("anyOf", []) if "description" in part), ""
    )
    choices = f"; one of {', '.join(map(str, field['enum']))}" if "enum" in field else ""
    return f"{words[:1].upper()}{words[1:]}{choices}." if words else ""


def _shown(example: Any) -> str:
    return json.dumps(example, indent=2, ensure_ascii=False)
