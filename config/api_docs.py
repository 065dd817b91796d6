"""The API's page for people: every call with its fields, examples and statuses, from the OpenAPI document."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from config.api import api
from projects.guards import public
from projects.json_body import NDJSON
from projects.openapi import ALWAYS

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
    fields: list[FieldLine]
    parameters: list[FieldLine]
    request: str
    answer: str
    statuses: list[tuple[int, str]]


@public
@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """Needs no key, as the document itself."""
    schema = api.get_openapi_schema()
    context = {"groups": groups(schema), "address": request.build_absolute_uri("/")[:-1], "always": ALWAYS.items()}
    return render(request, "api_docs.html", context)


def groups(schema: dict[str, Any]) -> list[tuple[str, list[Call]]]:
    """The calls by their tag, in the order of the document."""
    found: dict[str, list[Call]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append(_call(schema, path, method, operation))
    return [(TITLES.get(tag, tag.title()), calls) for tag, calls in found.items()]


def _call(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Call:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {})
    return Call(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"],
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation["x-scope"],
        takes=_takes(content),
        fields=_fields(schema, body.get("schema", {})),
        parameters=[
            FieldLine(one["name"], _type(schema, one["schema"]), one["required"], one.get("description", ""))
            for one in operation["parameters"]
            if one["in"] == "query"
        ],
        request=_shown(body["example"]) if "example" in body else "",
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
