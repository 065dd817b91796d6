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
from plumbline_client.failures import NoAnswer
from plumbline_client.frames import to_frame
from plumbline_client.logging_calls import PredictionLog, SignalLog
from plumbline_client.options import DeliveryOptions
from plumbline_client.project_address import DEFAULT_SPOOL, ProjectAddress
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

    async def send(self, call: calls.ApiCall[T]) -> T:
        """The answer of a call, sent again where that is harmless. Raises ApiError, NoAnswer."""
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
        answer: T = calls.parse(outcome)
        return answer

    async def _try(self, call: calls.ApiCall[Any]) -> httpx.Response | Exception:
        try:
            return await self._http.request(call.method, f"{self._connection.path}/{call.path}", **call.arguments())
        except httpx.HTTPError as why:
            return why

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
