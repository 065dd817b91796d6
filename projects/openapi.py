"""OpenAPI of the calls, from the structs that decode and encode their bodies.

Each call names its structs and gives one example of them; `components` publishes the schemas of every struct named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from projects.json_body import NDJSON

REFERENCE = "#/components/schemas/{name}"
ALWAYS = {401: "No valid key.", 403: "The key lacks the scope.", 404: "No such project for this key."}

BINARY = {"schema": {"type": "string", "format": "binary"}}

_structs: dict[str, type[msgspec.Struct]] = {}


class FieldError(msgspec.Struct, omit_defaults=True):
    """What is wrong with one part of a request."""

    error: str
    index: int | None = None
    field: str | None = None


class Problem(msgspec.Struct, omit_defaults=True):
    """RFC 9457: what went wrong with a request as a whole; `detail` is one sentence for the caller."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def operation(
    *,
    answers: msgspec.Struct,
    takes: msgspec.Struct | Sequence[msgspec.Struct] | None = None,
    most_rows: int | None = None,
    description: str = "",
    query: Mapping[str, str] | None = None,
    errors: Mapping[int, str] | None = None,
    rows: type[msgspec.Struct] | None = None,
) -> dict[str, Any]:
    """The `openapi_extra` of a call. `takes` and `answers` are examples, and their types are those of the bodies.

    A list of examples in `takes` is a batch: a JSON array or NDJSON of such rows, at most `most_rows` of them. `query`
    has the description of each parameter, `errors` the meaning of each status beyond those that every call has. `rows`
    is the struct of the rows inside `takes` that are decoded one by one, so that a bad one is refused alone.
    """
    described: dict[str, Any] = {"responses": _responses(answers, {**ALWAYS, **(errors or {})})}
    if description:
        described["description"] = description
    if rows is not None:
        _reference(rows)
    if takes is not None:
        described["requestBody"] = {"required": True, "content": _content(takes, most_rows)}
    if query:
        described["parameters"] = [
            {"name": name, "in": "query", "required": False, "schema": {"type": "string"}, "description": words}
            for name, words in query.items()
        ]
    return described


def file_operation(
    *,
    media_types: Sequence[str],
    example: Sequence[msgspec.Struct],
    description: str,
    query: Mapping[str, str] | None = None,
    errors: Mapping[int, str],
) -> dict[str, Any]:
    """The `openapi_extra` of a call that answers with a file of one of these types; `example`: rows of it as JSON."""
    items = {"type": "array", "items": _reference(type(example[0]))}
    rows = {"schema": items, "example": msgspec.to_builtins(example)}
    described = operation(answers=example[0], description=description, query=query, errors=errors)
    content = dict.fromkeys(media_types, BINARY) | {"application/json": rows}
    described["responses"][200] = {"description": "The file.", "content": content}
    return described


def upload_operation(
    *, answers: msgspec.Struct, description: str, query: Mapping[str, str], errors: Mapping[int, str]
) -> dict[str, Any]:
    """The `openapi_extra` of a call whose body is a file."""
    described = operation(answers=answers, description=description, query=query, errors=errors)
    described["requestBody"] = {"required": True, "content": {"application/octet-stream": BINARY}}
    return described


def components() -> dict[str, Any]:
    """JSON schemas of every struct that a call names, and of those inside them."""
    return msgspec.json.schema_components(list(_structs.values()), ref_template=REFERENCE)[1]


def find_struct(name: str) -> type[msgspec.Struct]:
    """The struct that a schema of this name stands for."""
    return _structs[name]


def _responses(answers: msgspec.Struct, errors: Mapping[int, str]) -> dict[int, Any]:
    done = {"description": "Done.", "content": {"application/json": _media_type(answers)}}
    problem = {"application/problem+json": {"schema": _reference(Problem)}}
    return {200: done} | {
        status: {"description": words} | ({"content": problem} if status >= 400 else {})
        for status, words in sorted(errors.items())
    }


def _content(takes: msgspec.Struct | Sequence[msgspec.Struct], most_rows: int | None) -> dict[str, Any]:
    if isinstance(takes, msgspec.Struct):
        return {"application/json": _media_type(takes)}
    rows = {"type": "array", "items": _reference(type(takes[0]))}
    lines = "\n".join(msgspec.json.encode(row).decode() for row in takes)
    return {
        "application/json": {
            "schema": rows | ({"maxItems": most_rows} if most_rows else {}),
            "example": msgspec.to_builtins(takes),
        },
        NDJSON: {"schema": {"type": "string"}, "example": lines},
    }


def _media_type(example: msgspec.Struct) -> dict[str, Any]:
    return {"schema": _reference(type(example)), "example": msgspec.to_builtins(example)}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    if _structs.setdefault(kind.__name__, kind) is not kind:
        raise ValueError(f"Two structs of the API are called {kind.__name__}.")
    return {"$ref": REFERENCE.format(name=kind.__name__)}
