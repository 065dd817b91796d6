"""The client for programs with an event loop; its rows are logged by the same two threads."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
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
from plumbline_client.releases import AsyncReleaseCalls
from plumbline_client.reports import Delivered, OnDropped, OnRefused

T = TypeVar("T")


class AsyncClient:
    """Calls of one project. `predictions.log` and `signals.log` need no await and return at once.

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
        transport: httpx.AsyncBaseTransport | None = None,
        log_transport: httpx.BaseTransport | None = None,
    ) -> None:
        options = options or DeliveryOptions()
        self._connection = ProjectAddress(url, project, key, options.timeout)
        self._http = self._connection.async_http(transport)
        self._background = self._connection.background(
            partial(self._connection.http, log_transport),
            spool=spool,
            options=options,
            on_refused=on_refused,
            on_dropped=on_dropped,
        )
        self.predictions, self.signals = PredictionLog(self._background), SignalLog(self._background)
        self.items, self.leases, self.labels = AsyncItemCalls(self), AsyncLeaseCalls(self), AsyncLabelCalls(self)
        self.imports, self.exports = AsyncImportCalls(self), AsyncExportCalls(self)
        self.release = AsyncReleaseCalls(self.exchange)

    async def send(self, call: calls.ApiCall[T]) -> T:
        """The answer of a call, sent again where that is harmless. Raises ApiError, NoAnswer."""
        answer: T = calls.parse(await self.exchange(call))
        return answer

    async def exchange(self, call: calls.ApiCall[Any]) -> httpx.Response:
        """The response to a call, sent again where that is harmless, whatever its status. Raises NoAnswer."""
        attempt = 0
        while True:
            attempt += 1
            outcome = await self._try(call)
            wait = calls.wait_before_retry(call, attempt, outcome)
            if wait is None:
                break
            await asyncio.sleep(wait)
        if isinstance(outcome, Exception):
            raise NoAnswer(f"{type(outcome).__name__}: {outcome}") from outcome
        return outcome

    async def _try(self, call: calls.ApiCall[Any]) -> httpx.Response | Exception:
        try:
            given = call.arguments()
            if call.file is not None:
                given["content"] = _file_parts(call.file)
            return await self._http.request(call.method, f"{self._connection.path}/{call.path}", **given)
        except httpx.HTTPError as why:
            return why

    async def download(self, path: str, file: Path) -> None:
        """Write the answer to a GET there, whole or not at all. Raises ApiError, NoAnswer."""
        unfinished = file.with_name(f"{file.name}.part")
        try:
            async with self._http.stream("GET", f"{self._connection.path}/{path}") as response:
                if response.status_code != 200:
                    await response.aread()
                    calls.parse(response)
                with unfinished.open("wb") as out:
                    async for part in response.aiter_bytes():
                        out.write(part)
            unfinished.replace(file)
        except httpx.HTTPError as why:
            raise NoAnswer(f"{type(why).__name__}: {why}") from why
        finally:
            unfinished.unlink(missing_ok=True)

    async def predict(
        self, inputs: Sequence[Mapping[str, Any]], keys: Sequence[str] | None = None
    ) -> PredictionsAnswer:
        """Answers of the live version, which the server captures."""
        return await self.send(calls.predict(inputs, keys))

    async def metrics(
        self, version: str | None = None, *, window: str | None = None, segment: str | None = None
    ) -> MetricsAnswer:
        """Live metrics of a version; of what serves where none is named."""
        return await self.send(calls.metrics(version, window, segment))

    async def flush(self, timeout: float | None = 10.0) -> bool:
        """Wait until every logged row has its answer; False where the time was too short."""
        return await asyncio.to_thread(self._background.flush, timeout)

    def counts(self) -> Delivered:
        """What became of the logged rows so far."""
        return self._background.counts()

    async def close(self) -> None:
        """Send what waits, unless the server is away; the rest stays in the spool."""
        await asyncio.to_thread(self._background.close)
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncItemCalls:
    """Items with what was said of them."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def page(self, cursor: str | None = None, **filters: Unpack[calls.ItemFilterFields]) -> ItemsAnswer:
        """One page, newest first; its `next` is the cursor of the following one."""
        return await self._client.send(calls.list_items(filters, cursor))

    async def iterate(self, **filters: Unpack[calls.ItemFilterFields]) -> AsyncIterator[ListedItem]:
        """Every item that the filters select, newest first, a page at a time."""
        cursor: str | None = None
        while True:
            page = await self.page(cursor, **filters)
            for item in page["items"]:
                yield item
            cursor = page["next"]
            if not cursor:
                return

    async def get(self, item: str) -> ItemAnswer:
        """One item with everything that is known of it."""
        return await self._client.send(calls.show_item(item))

    async def to_pandas(self, **filters: Unpack[calls.ItemFilterFields]) -> Any:
        """The selected items as a DataFrame, a column for each input. Needs pandas."""
        return to_frame([item async for item in self.iterate(**filters)])


class AsyncLeaseCalls:
    """The right to label items."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def claim(self, count: int = 1, *, queue: str | None = None) -> LeasesAnswer:
        return await self._client.send(calls.claim(count, queue))


class AsyncLabelCalls:
    """Values that people give."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def submit(self, labels: Sequence[SubmittedLabel]) -> LabelsAnswer:
        """Submit labels; the lease is the idempotency key, so that the same label again is existing."""
        return await self._client.send(calls.submit(labels))

    async def undo(self, lease: str) -> UndoAnswer:
        """Take a label back; its lease comes back."""
        return await self._client.send(calls.undo(lease))


class AsyncImportCalls:
    """Files that come into the project, by a job."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def start(
        self, file: str | Path, *, dry_run: bool = False, **options: Unpack[calls.ImportFields]
    ) -> ImportAnswer:
        """Send the file, whose name says its format, and let a job import it, or with `dry_run` count its rows."""
        return await self._client.send(calls.start_import(Path(file), options, dry_run=dry_run))

    async def get(self, import_id: str) -> ImportAnswer:
        """How far it is, with what became of each row."""
        return await self._client.send(calls.show_import(import_id))

    async def wait(self, import_id: str, *, poll: float = 1.0) -> ImportAnswer:
        """What became of it in the end. Raises TransferFailed."""
        while (answer := await self.get(import_id))["state"] in calls.OPEN_STATES:
            await asyncio.sleep(poll)
        if why := calls.failure_of(answer):
            raise TransferFailed(why)
        return answer


class AsyncExportCalls:
    """Every item as a file, written by a job."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def start(self, format: str = "jsonl", *, full: bool = False, raw: bool = False) -> ExportAnswer:
        """Let a job write the file."""
        return await self._client.send(calls.start_export(format, full=full, raw=raw))

    async def start_view(
        self, format: str = "jsonl", *, full: bool = False, raw: bool = False, **filters: Unpack[calls.ItemFilterFields]
    ) -> ExportAnswer:
        """Let a job write the items that the filters select, as `items.page` takes them."""
        return await self._client.send(calls.start_view_export(format, filters, full=full, raw=raw))

    async def get(self, export_id: str) -> ExportAnswer:
        """How far it is."""
        return await self._client.send(calls.show_export(export_id))

    async def wait(self, export_id: str, *, poll: float = 1.0) -> ExportAnswer:
        """The finished export. Raises TransferFailed."""
        while (answer := await self.get(export_id))["state"] in calls.OPEN_STATES:
            await asyncio.sleep(poll)
        if why := calls.failure_of(answer):
            raise TransferFailed(why)
        return answer

    async def download(self, export_id: str, file: str | Path) -> None:
        """Write the file of a finished export there; half of one never stands under its name."""
        await self._client.download(calls.file_path(export_id), Path(file))


async def _file_parts(file: Path) -> AsyncIterator[bytes]:
    for part in calls.file_parts(file):
        yield part
