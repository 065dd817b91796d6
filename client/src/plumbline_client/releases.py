"""What is released for an entity: cached by its ETag, and watched by a call that the server answers on a change."""

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import httpx

from plumbline_client import calls
from plumbline_client.answers import ReleaseAnswer
from plumbline_client.delivery import retry_after
from plumbline_client.failures import ApiError, NoAnswer

MOST_KEPT = 10_000  # entities whose answer is kept
WAIT = 30.0  # seconds that the server may wait for a change
LONGEST_PAUSE = 60.0
BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Known:
    """An answer with its ETag."""

    etag: str = ""
    answer: ReleaseAnswer | None = None


NOTHING = Known()


class ReleaseCache:
    """The newest answers, each with its ETag; those that came longest ago make way. Threads may share it."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def find(self, entity: str) -> Known:
        return self._known.get(entity, NOTHING)

    def remember(self, entity: str, known: Known) -> None:
        with self._lock:
            self._known.pop(entity, None)
            self._known[entity] = known
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]

    def take(self, entity: str, before: Known, response: httpx.Response) -> ReleaseAnswer:
        """What the response says: a new answer, or that the one from before holds. Raises ApiError, NoAnswer."""
        if response.status_code == 304 and before.answer is not None:
            return before.answer
        answer: ReleaseAnswer = calls.parse(response)
        self.remember(entity, Known(response.headers.get("ETag", ""), answer))
        return answer


@dataclass
class WatchedRelease:
    """What one that watches saw last, and how long it pauses before it asks again."""

    last: ReleaseAnswer | None = None
    failures: int = 0

    def is_new(self, answer: ReleaseAnswer) -> bool:
        self.failures = 0
        changed, self.last = answer != self.last, answer
        return changed

    def pause_after(self, why: ApiError | NoAnswer) -> float:
        """Seconds, doubled after each failure in a row. Raises what asking again cannot help."""
        if isinstance(why, ApiError) and why.status not in BUSY:
            raise why
        self.failures += 1
        return float(min(2.0 ** (self.failures - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0))


def _pause(response: httpx.Response) -> float:
    """Seconds that a server with too many waiting asks for."""
    return retry_after(response) or 0.0


class ReleaseCalls:
    """Which versions to apply."""

    def __init__(self, exchange: Callable[[calls.ApiCall[ReleaseAnswer]], httpx.Response]) -> None:
        self._exchange = exchange
        self._cache = ReleaseCache()

    def get(self, *, entity: str = "") -> ReleaseAnswer:
        """What is released for the entity; where nothing changed the server answers without a body."""
        before = self._cache.find(entity)
        return self._cache.take(entity, before, self._request(entity, before, 0.0))

    def watch(self, *, entity: str = "", wait: float = WAIT) -> Iterator[ReleaseAnswer]:
        """What is released now, then each change as it comes; never ends. While the server is away it asks again.

        Raises ApiError where asking again cannot help, such as a key that is revoked.
        """
        watch = WatchedRelease()
        while True:
            before = self._cache.find(entity)
            try:
                response = self._request(entity, before, wait)
                answer = self._cache.take(entity, before, response)
            except (ApiError, NoAnswer) as why:
                time.sleep(watch.pause_after(why))
                continue
            if watch.is_new(answer):
                yield answer
            time.sleep(_pause(response))

    def _request(self, entity: str, before: Known, wait: float) -> httpx.Response:
        return self._exchange(calls.show_release(entity, etag=before.etag, wait=wait))


class AsyncReleaseCalls:
    """Which versions to apply."""

    def __init__(self, exchange: Callable[[calls.ApiCall[ReleaseAnswer]], Awaitable[httpx.Response]]) -> None:
        self._exchange = exchange
        self._cache = ReleaseCache()

    async def get(self, *, entity: str = "") -> ReleaseAnswer:
        """What is released for the entity; where nothing changed the server answers without a body."""
        before = self._cache.find(entity)
        return self._cache.take(entity, before, await self._request(entity, before, 0.0))

    async def watch(self, *, entity: str = "", wait: float = WAIT) -> AsyncIterator[ReleaseAnswer]:
        """What is released now, then each change as it comes; never ends. While the server is away it asks again.

        Raises ApiError where asking again cannot help, such as a key that is revoked.
        """
        watch = WatchedRelease()
        while True:
            before = self._cache.find(entity)
            try:
                response = await self._request(entity, before, wait)
                answer = self._cache.take(entity, before, response)
            except (ApiError, NoAnswer) as why:
                await asyncio.sleep(watch.pause_after(why))
                continue
            if watch.is_new(answer):
                yield answer
            await asyncio.sleep(_pause(response))

    async def _request(self, entity: str, before: Known, wait: float) -> httpx.Response:
        return await self._exchange(calls.show_release(entity, etag=before.etag, wait=wait))
