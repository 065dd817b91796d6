"""Middleware for FastAPI, Starlette and every other ASGI application: logs what a path answered, by itself."""

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from plumbline_client.estimators import LogsPredictions

log = logging.getLogger("plumbline_client")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
ToRow = Callable[[Any, Any], dict[str, Any] | None]
LARGEST_BODY = 2**20


class LogAnswers:
    """Logs one prediction for each answer 200 of `path`, after the answer has been sent.

    `to_row` makes the arguments of `predictions.log` from the JSON of request and answer, or None where there is
    nothing to log. Bodies above 1 MiB and those that are no JSON are not logged.
    """

    def __init__(self, app: Application, client: LogsPredictions, *, path: str, to_row: ToRow) -> None:
        self._app, self._client, self._path, self._to_row = app, client, path, to_row

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        asked, answered = CopiedBody(), CopiedBody()

        async def receive_copied() -> Message:
            message = await receive()
            asked.add(message.get("body", b""))
            return message

        async def send_copied(message: Message) -> None:
            answered.status = message.get("status", answered.status)
            answered.add(message.get("body", b""))
            await send(message)

        await self._app(scope, receive_copied, send_copied)
        if answered.status == 200:
            self._log(asked, answered)

    def _log(self, asked: "CopiedBody", answered: "CopiedBody") -> None:
        try:
            if not (asked.too_large or answered.too_large):
                row = self._to_row(json.loads(asked.bytes), json.loads(answered.bytes))
                if row is not None:
                    self._client.predictions.log(**row)
        except Exception:
            log.exception("An answer of %s could not be logged.", self._path)


class CopiedBody:
    """A body as it passes, up to a limit."""

    def __init__(self) -> None:
        self.bytes = b""
        self.too_large = False
        self.status = 0

    def add(self, part: bytes) -> None:
        if len(self.bytes) + len(part) > LARGEST_BODY:
            self.too_large = True
        else:
            self.bytes += part
