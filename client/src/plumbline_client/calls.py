"""The calls of the API: method, address and body of each; the clients send them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from plumbline_client.answers import (
    ExportAnswer,
    ImportAnswer,
    ItemAnswer,
    ItemsAnswer,
    LabelsAnswer,
    LeasesAnswer,
    MetricsAnswer,
    PredictionsAnswer,
    ReleaseAnswer,
    SubmittedLabel,
    UndoAnswer,
)
from plumbline_client.delivery import retry_after
from plumbline_client.encoding import to_line
from plumbline_client.failures import ApiError, NoAnswer

T = TypeVar("T")
OPEN_STATES = ("waiting", "running")  # of an import or export
ATTEMPTS = 4
BEYOND_PATIENCE = 10.0  # seconds for the network and the server's own work
LONGEST_WAIT = 30.0  # a server that asks for more is not waited for: the caller is


class ItemFilterFields(TypedDict, total=False):
    """ItemFilterFields of items, as in the address of the Items page; see the API's own page for each."""

    state: str
    cause: str
    queue: str
    truth: str
    says: str
    disagree: str
    version: str
    judges: str
    segment: str
    suspected: str
    commented: str
    violation: str
    resolved: str
    q: str
    window: str
    since: str
    until: str
    served: str


class ImportFields(TypedDict, total=False):
    """How a file is imported; see the API's own page for each."""

    format: str
    key: str
    label: str
    predicted: str
    scores: str
    confidence: str
    version: str
    time: str
    annotator: str
    segment: list[str]
    input: list[str]
    encoding: str
    separator: str
    decimal: str


@dataclass(frozen=True)
class ApiCall(Generic[T]):
    """One call; `path` is below the project. The key makes a repeated POST harmless. `file` is sent as the body.

    `etag`: what the caller knows, so that an unchanged answer is 304. `patience`: seconds that the server may wait
    before it answers.
    """

    method: str
    path: str
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    idempotency_key: str = ""
    file: Path | None = None
    etag: str = ""
    patience: float = 0.0

    def arguments(self) -> dict[str, Any]:
        """What httpx takes beside method and address."""
        headers = {"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {}
        if self.etag:
            headers["If-None-Match"] = self.etag
        given: dict[str, Any] = {"params": dict(self.query), "headers": headers}
        if self.patience:
            given["timeout"] = self.patience + BEYOND_PATIENCE
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            given["content"] = to_line(dict(self.body))
        if self.file is not None:
            headers["Content-Type"] = "application/octet-stream"
            headers["Content-Length"] = str(self.file.stat().st_size)
        return given


def claim(count: int, queue: str | None) -> ApiCall[LeasesAnswer]:
    body = {"count": count} if queue is None else {"count": count, "queue": queue}
    return _post("leases", body)


def submit(labels: Sequence[SubmittedLabel]) -> ApiCall[LabelsAnswer]:
    return _post("labels", {"labels": list(labels)})


def undo(lease: str) -> ApiCall[UndoAnswer]:
    return ApiCall("DELETE", f"labels/{quote(lease, safe='')}")


def predict(inputs: Sequence[Mapping[str, Any]], keys: Sequence[str] | None) -> ApiCall[PredictionsAnswer]:
    body = {"inputs": list(inputs)} if keys is None else {"inputs": list(inputs), "keys": list(keys)}
    return _post("predict", body)


def list_items(filters: ItemFilterFields, cursor: str | None) -> ApiCall[ItemsAnswer]:
    query = {name: str(value) for name, value in filters.items()}
    return ApiCall("GET", "items", query if cursor is None else {**query, "next": cursor})


def show_item(item: str) -> ApiCall[ItemAnswer]:
    return ApiCall("GET", f"items/{quote(item, safe='')}")


def metrics(version: str | None, window: str | None, segment: str | None) -> ApiCall[MetricsAnswer]:
    given = {"version": version, "window": window, "segment": segment}
    return ApiCall("GET", "metrics", {name: value for name, value in given.items() if value is not None})


def start_import(file: Path, options: ImportFields, *, dry_run: bool) -> ApiCall[ImportAnswer]:
    query: dict[str, Any] = {"name": file.name, **options, **({"dry_run": "1"} if dry_run else {})}
    return ApiCall("POST", "imports", query, file=file)


def show_release(entity: str, *, etag: str, wait: float) -> ApiCall[ReleaseAnswer]:
    given = {"entity": entity, "wait": f"{wait:g}" if wait and etag else ""}
    query = {name: value for name, value in given.items() if value}
    return ApiCall("GET", "release", query, etag=etag, patience=wait)


def show_import(import_id: str) -> ApiCall[ImportAnswer]:
    return ApiCall("GET", f"imports/{quote(import_id, safe='')}")


def start_export(format_name: str, *, full: bool, raw: bool) -> ApiCall[ExportAnswer]:
    query = {"format": format_name, "full": "yes" if full else "", "raw": "yes" if raw else ""}
    given = {name: value for name, value in query.items() if value}
    return ApiCall("POST", "exports", given, idempotency_key=uuid4().hex)


def start_view_export(format_name: str, filters: ItemFilterFields, *, full: bool, raw: bool) -> ApiCall[ExportAnswer]:
    chosen = {name: str(value) for name, value in filters.items()}
    whole = start_export(format_name, full=full, raw=raw)
    return replace(whole, path="items/export", query={**whole.query, **chosen})


def show_export(export_id: str) -> ApiCall[ExportAnswer]:
    return ApiCall("GET", f"exports/{quote(export_id, safe='')}")


def file_path(export_id: str) -> str:
    """The address of an export's file, below the project."""
    return f"exports/{quote(export_id, safe='')}/file"


def file_parts(file: Path) -> Iterator[bytes]:
    """The bytes of the file, a mebibyte at a time."""
    with file.open("rb") as stream:
        while part := stream.read(1 << 20):
            yield part


def failure_of(answer: ImportAnswer | ExportAnswer) -> str:
    """Why an import or export did not come to its end, "" while it works and where it did."""
    if answer["state"] in ("waiting", "running", "finished"):
        return ""
    return answer["error"] or f"It was {answer['state']}."


def _post(path: str, body: Mapping[str, Any]) -> ApiCall[Any]:
    return ApiCall("POST", path, body=body, idempotency_key=uuid4().hex)


def wait_before_retry(call: ApiCall[Any], attempt: int, outcome: httpx.Response | Exception) -> float | None:
    """Seconds until the call is sent again; None where it is not: it was answered, or it has been tried often enough.

    A DELETE is not repeated where nothing says whether it was done: the second would be refused.
    """
    if attempt >= ATTEMPTS:
        return None
    backoff = 0.25 * 2.0 ** (attempt - 1)
    if isinstance(outcome, httpx.Response):
        if outcome.status_code not in {409, 429, 502, 503, 504} or (
            outcome.status_code != 429 and "Retry-After" not in outcome.headers
        ):
            return None
        wait = retry_after(outcome)
        wait = backoff if wait is None else max(wait, 0.05)
        return wait if wait <= LONGEST_WAIT else None
    refused = isinstance(outcome, (httpx.ConnectError, httpx.ConnectTimeout))
    return backoff if refused or call.method != "DELETE" else None


def parse(response: httpx.Response) -> Any:
    """The body of an answer. Raises ApiError, NoAnswer."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = None
    if response.status_code != 200:
        detail = body.get("detail") if isinstance(body, dict) else None
        raise ApiError(response.status_code, detail if isinstance(detail, str) else response.reason_phrase)
    if not isinstance(body, dict):
        raise NoAnswer("The answer is not one of this API.")
    return body
