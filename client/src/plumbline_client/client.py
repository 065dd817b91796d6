"""The client for programs without an event loop."""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, Unpack

import httpx

from plumbline_client import calls
from plumbline_client.answers import (
    ExportAnswer,
    ImportAnswer,
    ItemAnswer,
    ItemsAnswer,
    LabelsAnswer,
    LeasesAnswer,
    ListedItem,
    MetricsAnswer,
    PredictionsAnswer,
    SubmittedLabel,
    UndoAnswer,
)
from plumbline_client.failures import NoAnswer, TransferFailed
from plumbline_client.frames import to_frame
from plumbline_client.logging_calls import PredictionLog, SignalLog
from plumbline_client.options import DeliveryOptions
from plumbline_client.project_address import DEFAULT_SPOOL, ProjectAddress
from plumbline_client.releases import ReleaseCalls
from plumbline_client.reports import Delivered, OnDropped, OnRefused

T = TypeVar("T")


class Client:
    """Calls of one project. `predictions.log` and `signals.log` return at once; every other call waits for its answer.

    `spool` is the folder in which logged rows wait for the server, None for memory alone.
    """

    def __init__(
        self,
        url: str,
        project: str,
        key: str,
        *,
        spool: str | Path | None = DEFAULT_SPOOL,
        options: DeliveryOptions | None = None,
        on_refused: OnRefused | None = None,
        on_dropped: OnDropped | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = options or DeliveryOptions()
        self._connection = ProjectAddress(url, project, key, options.timeout)
        self._http = self._connection.http(transport)
        self._background = self._connection.background(
            partial(self._connection.http, transport),
            spool=spool,
            options=options,
            on_refused=on_refused,
            on_dropped=on_dropped,
        )
        self.predictions, self.signals = PredictionLog(self._background), SignalLog(self._background)
        self.items, self.leases, self.labels = ItemCalls(self), LeaseCalls(self), LabelCalls(self)
        self.imports, self.exports = ImportCalls(self), ExportCalls(self)
        self.release = ReleaseCalls(self.exchange)

    def send(self, call: calls.ApiCall[T]) -> T:
        """The answer of a call, sent again where that is harmless. Raises ApiError, NoAnswer."""
        answer: T = calls.parse(self.exchange(call))
        return answer

    def exchange(self, call: calls.ApiCall[Any]) -> httpx.Response:
        """The response to a call, sent again where that is harmless, whatever its status. Raises NoAnswer."""
        attempt = 0
        while True:
            attempt += 1
            outcome = self._try(call)
            wait = calls.wait_before_retry(call, attempt, outcome)
            if wait is None:
                break
            time.sleep(wait)
        if isinstance(outcome, Exception):
            raise NoAnswer(f"{type(outcome).__name__}: {outcome}") from outcome
        return outcome

    def _try(self, call: calls.ApiCall[Any]) -> httpx.Response | Exception:
        try:
            given = call.arguments()
            if call.file is not None:
                given["content"] = calls.file_parts(call.file)
            return self._http.request(call.method, f"{self._connection.path}/{call.path}", **given)
        except httpx.HTTPError as why:
            return why

    def download(self, path: str, file: Path) -> None:
        """Write the answer to a GET there, whole or not at all. Raises ApiError, NoAnswer."""
        unfinished = file.with_name(f"{file.name}.part")
        try:
            with self._http.stream("GET", f"{self._connection.path}/{path}") as response:
                if response.status_code != 200:
                    response.read()
                    calls.parse(response)
                with unfinished.open("wb") as out:
                    for part in response.iter_bytes():
                        out.write(part)
            unfinished.replace(file)
        except httpx.HTTPError as why:
            raise NoAnswer(f"{type(why).__name__}: {why}") from why
        finally:
            unfinished.unlink(missing_ok=True)

    def predict(self, inputs: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None) -> PredictionsAnswer:
        """Answers of the live version, which the server captures."""
        return self.send(calls.predict(inputs, keys))

    def metrics(
        self, version: str | None = None, *, window: str | None = None, segment: str | None = None
    ) -> MetricsAnswer:
        """Live metrics of a version; of what serves where none is named."""
        return self.send(calls.metrics(version, window, segment))

    def flush(self, timeout: float | None = 10.0) -> bool:
        """Wait until every logged row has its answer; False where the time was too short."""
        return self._background.flush(timeout)

    def counts(self) -> Delivered:
        """What became of the logged rows so far."""
        return self._background.counts()

    def close(self) -> None:
        """Send what waits, unless the server is away; the rest stays in the spool. The exit of the program calls it."""
        self._background.close()
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ItemCalls:
    """Items with what was said of them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def page(self, cursor: str | None = None, **filters: Unpack[calls.ItemFilterFields]) -> ItemsAnswer:
        """One page, newest first; its `next` is the cursor of the following one."""
        return self._client.send(calls.list_items(filters, cursor))

    def iterate(self, **filters: Unpack[calls.ItemFilterFields]) -> Iterator[ListedItem]:
        """Every item that the filters select, newest first, a page at a time."""
        cursor: str | None = None
        while True:
            page = self.page(cursor, **filters)
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def get(self, item: str) -> ItemAnswer:
        """One item with everything that is known of it."""
        return self._client.send(calls.show_item(item))

    def to_pandas(self, **filters: Unpack[calls.ItemFilterFields]) -> Any:
        """The selected items as a DataFrame, a column for each input. Needs pandas."""
        return to_frame(list(self.iterate(**filters)))


class LeaseCalls:
    """The right to label items."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def claim(self, count: int = 1, *, queue: str | None = None) -> LeasesAnswer:
        return self._client.send(calls.claim(count, queue))


class LabelCalls:
    """Values that people give."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, labels: Sequence[SubmittedLabel]) -> LabelsAnswer:
        """Submit labels; the lease is the idempotency key, so that the same label again is existing."""
        return self._client.send(calls.submit(labels))

    def undo(self, lease: str) -> UndoAnswer:
        """Take a label back; its lease comes back."""
        return self._client.send(calls.undo(lease))


class ImportCalls:
    """Files that come into the project, by a job."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def start(self, file: str | Path, *, dry_run: bool = False, **options: Unpack[calls.ImportFields]) -> ImportAnswer:
        """Send the file, whose name says its format, and let a job import it, or with `dry_run` count its rows."""
        return self._client.send(calls.start_import(Path(file), options, dry_run=dry_run))

    def get(self, import_id: str) -> ImportAnswer:
        """How far it is, with what became of each row."""
        return self._client.send(calls.show_import(import_id))

    def wait(self, import_id: str, *, poll: float = 1.0) -> ImportAnswer:
        """What became of it in the end. Raises TransferFailed."""
        while (answer := self.get(import_id))["state"] in calls.OPEN_STATES:
            time.sleep(poll)
        if why := calls.failure_of(answer):
            raise TransferFailed(why)
        return answer


class ExportCalls:
    """Every item as a file, written by a job."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def start(self, format: str = "jsonl", *, full: bool = False, raw: bool = False) -> ExportAnswer:
        """Let a job write the file."""
        return self._client.send(calls.start_export(format, full=full, raw=raw))

    def start_view(
        self, format: str = "jsonl", *, full: bool = False, raw: bool = False, **filters: Unpack[calls.ItemFilterFields]
    ) -> ExportAnswer:
        """Let a job write the items that the filters select, as `items.page` takes them."""
        return self._client.send(calls.start_view_export(format, filters, full=full, raw=raw))

    def get(self, export_id: str) -> ExportAnswer:
        """How far it is."""
        return self._client.send(calls.show_export(export_id))

    def wait(self, export_id: str, *, poll: float = 1.0) -> ExportAnswer:
        """The finished export. Raises TransferFailed."""
        while (answer := self.get(export_id))["state"] in calls.OPEN_STATES:
            time.sleep(poll)
        if why := calls.failure_of(answer):
            raise TransferFailed(why)
        return answer

    def download(self, export_id: str, file: str | Path) -> None:
        """Write the file of a finished export there; half of one never stands under its name."""
        self._client.download(calls.file_path(export_id), Path(file))
