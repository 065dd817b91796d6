"""The client and the server's OpenAPI say the same: every request fits it, and every answer is typed as it says."""

import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

import httpx
import pytest
from plumbline_client import AsyncClient, Client, answers, calls
from plumbline_client import client as client_module

from config.api import api
from tests.client.fake_server import QUICK, sent_rows

SCHEMA = api.get_openapi_schema()
SHAPES = SCHEMA["components"]["schemas"]
FILE = Path(__file__)
USES: dict[str, Any] = {
    "predict": lambda client: client.predict([{"text": "x"}], ["key"]),
    "metrics": lambda client: client.metrics("v1", window="28", segment="channel=app"),
    "items.page": lambda client: client.items.page("cursor", **all_fields(calls.ItemFilterFields)),
    "items.get": lambda client: client.items.get("item_1"),
    "leases.claim": lambda client: client.leases.claim(3, queue="audit"),
    "labels.submit": lambda client: client.labels.submit([{"lease": "lease_1", "value": "a"}]),
    "labels.undo": lambda client: client.labels.undo("lease_1"),
    "imports.start": lambda client: client.imports.start(
        FILE, dry_run=True, **{name: ["x"] if name in ("segment", "input") else "x" for name in all_options()}
    ),
    "imports.get": lambda client: client.imports.get("import_1"),
    "exports.start": lambda client: client.exports.start("csv", full=True, raw=True),
    "exports.start_view": lambda client: client.exports.start_view(
        "csv", full=True, raw=True, **all_fields(calls.ItemFilterFields)
    ),
    "exports.get": lambda client: client.exports.get("export_1"),
    "release.get": lambda client: client.release.get(entity="customer-1"),
}
WITHOUT_CALL = {"send", "download", "flush", "counts", "close", "items.iterate", "items.to_pandas"}
WITHOUT_CALL |= {
    "exchange",
    "release.watch",
    "imports.wait",
    "exports.wait",
    "exports.download",
}  # or calls of those above


def all_options() -> list[str]:
    return list(calls.ImportFields.__annotations__)


class DescribedServer:
    """Answers each request with the example of the OpenAPI document, and fails on one that does not fit it."""

    def __init__(self) -> None:
        self.operations: set[str] = set()

    def handle(self, request: httpx.Request) -> httpx.Response:
        template, operation = find_operation(request)
        self.operations.add(f"{request.method} {template}")
        known = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert set(request.url.params) <= known, f"{template} takes no {set(request.url.params) - known}"
        content = operation.get("requestBody", {}).get("content", {})
        if content:
            assert request.headers["Content-Type"] in content
        if "application/json" in content:
            check_body(request, content["application/json"]["schema"])
        answer = operation["responses"][200]["content"]["application/json"]["example"]
        return httpx.Response(200, json=answer | ({"refused": []} if "refused" in answer else {}))


def find_operation(request: httpx.Request) -> tuple[str, dict[str, Any]]:
    for path, operations in SCHEMA["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), request.url.path) and request.method.lower() in operations:
            return path, operations[request.method.lower()]
    raise AssertionError(f"The server has no {request.method} {request.url.path}")


def check_body(request: httpx.Request, schema: dict[str, Any]) -> None:
    if schema.get("type") == "array":
        for row in sent_rows(request):
            fit(row, schema["items"])
    else:
        fit(json.loads(request.content), schema)


def fit(value: dict[str, Any], schema: dict[str, Any]) -> None:
    shape = shape_of(schema)
    assert set(value) <= set(shape["properties"]), set(value) - set(shape["properties"])
    assert set(shape.get("required", [])) <= set(value)
    for name, part in value.items():
        items = shape["properties"][name].get("items", {})
        if "$ref" in items:
            for one in part:
                fit(one, items)


def shape_of(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = SHAPES[schema["$ref"].rpartition("/")[2]]
    return found


@pytest.fixture
def server() -> DescribedServer:
    return DescribedServer()


def all_fields(row: Any) -> Any:
    """Every field of a row with some value."""
    return dict.fromkeys(row.__annotations__, "x")


def test_every_call_of_the_client_fits_what_the_server_describes(server: DescribedServer) -> None:
    transport = httpx.MockTransport(server.handle)
    with Client("http://server", "banking", "k", spool=None, options=QUICK, transport=transport) as client:
        client.predictions.log({"text": "x"}, **all_fields(answers.PredictionFields))
        client.signals.log("key", "thumbs_up", **all_fields(answers.SignalFields))
        for use in USES.values():
            use(client)
        assert client.flush()

    described = {f"{method.upper()} {path}" for path, found in SCHEMA["paths"].items() for method in found}
    assert server.operations <= described and len(server.operations) == len(USES) + 2


def test_the_async_client_sends_the_same_requests(server: DescribedServer) -> None:
    async def use_all() -> None:
        transport = httpx.MockTransport(server.handle)
        async with AsyncClient("http://server", "banking", "k", spool=None, transport=transport) as client:
            for use in USES.values():
                await use(client)

    asyncio.run(use_all())
    assert len(server.operations) == len(USES)


def test_no_method_of_the_client_is_left_out() -> None:
    parts = {"": Client, "items.": client_module.ItemCalls, "leases.": client_module.LeaseCalls}
    parts["labels."] = client_module.LabelCalls
    parts |= {"imports.": client_module.ImportCalls, "exports.": client_module.ExportCalls}
    parts["release."] = client_module.ReleaseCalls
    methods = {before + name for before, part in parts.items() for name in vars(part) if not name.startswith("_")}
    assert methods == {*USES, *WITHOUT_CALL}


@pytest.mark.parametrize(
    ("fields", "shape", "positional"),
    [
        (answers.PredictionFields, "PredictionRow", {"inputs"}),
        (answers.SignalFields, "SignalRow", {"key", "kind"}),
        (answers.SubmittedLabel, "LabelRow", set()),
    ],
)
def test_rows_have_the_fields_that_the_server_takes(fields: Any, shape: str, positional: set[str]) -> None:
    assert set(fields.__annotations__) | positional == set(SHAPES[shape]["properties"])


def typed_calls() -> Iterator[tuple[str, Any]]:
    """Each function of `calls` with the typed dictionary of its answer."""
    for name, function in inspect.getmembers(calls, inspect.isfunction):
        returned = get_type_hints(function).get("return")
        if function.__module__ == calls.__name__ and get_origin(returned) is calls.ApiCall:
            [answer] = get_args(returned)
            if is_typeddict(answer):
                yield name, answer


ANSWERS = {
    "claim": "LeasedItems",
    "submit": "LabelResults",
    "undo": "Undone",
    "predict": "PredictAnswer",
    "list_items": "ItemPage",
    "show_item": "ItemStory",
    "metrics": "LiveMetrics",
    "start_import": "ImportState",
    "show_import": "ImportState",
    "start_export": "ExportState",
    "start_view_export": "ExportState",
    "show_export": "ExportState",
    "show_release": "ReleasedVersions",
}


@pytest.mark.parametrize(("name", "answer"), list(typed_calls()))
def test_answers_are_typed_as_the_server_describes_them(name: str, answer: Any) -> None:
    same_fields(answer, SHAPES[ANSWERS[name]])


def same_fields(answer: Any, shape: dict[str, Any]) -> None:
    hints = get_type_hints(answer)
    assert set(hints) == set(shape["properties"])
    for name, hint in hints.items():
        inner = next((one for one in (hint, *get_args(hint)) if is_typeddict(one)), None)
        reference = next(iter(re.findall(r"#/components/schemas/(\w+)", json.dumps(shape["properties"][name]))), None)
        if inner is not None and reference:
            same_fields(inner, SHAPES[reference])


def test_every_answer_is_compared() -> None:
    assert {name for name, _ in typed_calls()} == set(ANSWERS)
