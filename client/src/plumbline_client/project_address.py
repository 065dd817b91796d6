"""What both clients share: address, key, and the background that they log to."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx

from plumbline_client.background import Background
from plumbline_client.options import DeliveryOptions, default_spool
from plumbline_client.reports import OnDropped, OnRefused, Reporter

DEFAULT_SPOOL = "default"  # the user's state folder
VERSION = "0.1.0"


class ProjectAddress:
    """The project's address and key."""

    def __init__(self, url: str, project: str, key: str, timeout: float) -> None:
        self.base_url = f"{url.rstrip('/')}/api/v1"
        self.path = f"/projects/{quote(project, safe='')}"
        self.headers = {"Authorization": f"Bearer {key}", "User-Agent": f"plumbline-client/{VERSION}"}
        self.timeout = timeout
        named = "".join(letter for letter in project if letter.isalnum() or letter == "-")
        self.spool_name = f"{named}-{hashlib.sha256((self.base_url + self.path).encode()).hexdigest()[:12]}"

    def http(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, headers=self.headers, timeout=self.timeout, transport=transport)

    def async_http(self, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.base_url, headers=self.headers, timeout=self.timeout, transport=transport
        )

    def background(
        self,
        make_http: Callable[[], httpx.Client],
        *,
        spool: str | Path | None,
        options: DeliveryOptions,
        on_refused: OnRefused | None,
        on_dropped: OnDropped | None,
    ) -> Background:
        """The background of this project. Each server and project has a folder of its own within the spool."""
        folder = None
        if spool is not None:
            folder = (default_spool() if spool == DEFAULT_SPOOL else Path(spool)) / self.spool_name
        return Background(
            self.path, make_http, spool=folder, options=options, reporter=Reporter(on_refused, on_dropped)
        )
