"""The other calls of both clients: iterators, retries, errors, frames."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from plumbline_client import ApiError, AsyncClient, Client, NoAnswer, TransferFailed

PAGES = {
    None: {"items": [{"id": "1", "at": "2026-01-01T00:00:00Z", "inputs": {"text": "a"}, "segment": {}}], "next": "c1"},
    "c1": {
        "items": [{"id": "2", "at": "2026-01-02T00:00:00.5Z", "inputs": {"text": "b"}, "segment": {}}],
        "next": None,
    },
}


def items_by_cursor(request: httpx.Request) -> httpx.Response:
    assert request.url.params["state"] == "open"
    return httpx.Response(200, json=PAGES[request.url.params.get("next")])


def client_of(handle: Callable[[httpx.Request], httpx.Response]) -> Client:
    return Client("http://server/", "my project", "k", spool=None, transport=httpx.MockTransport(handle))


def async_client_of(handle: Callable[[httpx.Request], httpx.Response]) -> AsyncClient:
    return AsyncClient("http://server", "banking", "k", spool=None, transport=httpx.MockTransport(handle))


def test_iterating_follows_the_cursor_to_the_last_page() -> None:
    with client_of(items_by_cursor) as client:
        assert [item["id"] for item in client.items.iterate(state="open")] == ["1", "2"]


def test_items_become_a_frame_with_a_column_for_each_input() -> None:
    with client_of(items_by_cursor) as client:
        frame = client.items.to_pandas(state="open")

    assert list(frame["inputs.text"]) == ["a", "b"] and str(frame["at"].dtype).endswith("UTC]")


def test_the_async_client_has_the_same_calls() -> None:
    async def use() -> tuple[list[str], int]:
        async with async_client_of(items_by_cursor) as client:
            frame = await client.items.to_pandas(state="open")
            return [item["id"] async for item in client.items.iterate(state="open")], len(frame)

    assert asyncio.run(use()) == (["1", "2"], 2)

    def public(one: type) -> set[str]:
        return {name for name in vars(one) if not name.startswith("_")}

    from plumbline_client import async_client, client

    assert public(client.Client) == public(async_client.AsyncClient)
    for name in ("ItemCalls", "LeaseCalls", "LabelCalls", "ImportCalls", "ExportCalls"):
        assert public(getattr(client, name)) == public(getattr(async_client, f"Async{name}"))


def test_a_refusal_is_raised_with_the_sentence_of_the_server() -> None:
    with (
        client_of(lambda request: httpx.Response(422, json={"detail": "`window` is 'x'."})) as client,
        pytest.raises(ApiError, match="422: `window` is 'x'") as raised,
    ):
        client.metrics(window="x")
    assert raised.value.status == 422 and raised.value.detail == "`window` is 'x'."


def test_a_page_of_another_program_is_no_answer() -> None:
    with client_of(lambda request: httpx.Response(200, html="hello")) as client, pytest.raises(NoAnswer):
        client.metrics()


def test_a_post_is_sent_again_under_the_same_idempotency_key() -> None:
    sent: list[httpx.Request] = []

    def fail_twice(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(200 if len(sent) > 2 else 503, json={"leases": []}, headers={"Retry-After": "0"})

    with client_of(fail_twice) as client:
        assert client.leases.claim(2) == {"leases": []}

    assert len(sent) == 3 and len({request.headers["Idempotency-Key"] for request in sent}) == 1
    assert json.loads(sent[0].content) == {"count": 2}
    assert sent[0].url.raw_path == b"/api/v1/projects/my%20project/leases"


def test_a_delete_whose_answer_is_lost_is_not_repeated() -> None:
    sent: list[httpx.Request] = []

    def cut(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ReadError("cut", request=request)

    with client_of(cut) as client, pytest.raises(NoAnswer, match="ReadError"):
        client.labels.undo("lease_1/..")

    assert len(sent) == 1 and sent[0].url.raw_path.endswith(b"/labels/lease_1%2F..")


@pytest.mark.parametrize("asked", ["3600", "tomorrow"])
def test_a_caller_does_not_wait_for_an_hour(asked: str) -> None:
    sent: list[Any] = []

    def busy(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(400 if asked == "tomorrow" else 503, headers={"Retry-After": asked})

    with client_of(busy) as client, pytest.raises(ApiError):
        client.metrics()
    assert len(sent) == 1


def transfers(request: httpx.Request) -> httpx.Response:
    """A server whose import and export are running at the first look, then finished or failed."""
    name = request.url.path.rpartition("/")[2]
    if request.method == "POST":
        assert request.headers["Content-Length"] == str(len(request.read()))
        return httpx.Response(200, json={"id": "1", "state": "waiting", "sent": request.content.decode()})
    if name == "file":
        gone = "/gone/" in request.url.path
        return httpx.Response(404, json={"detail": "no longer here"}) if gone else httpx.Response(200, content=b"rows")
    LOOKS.append(name)
    state = "running" if LOOKS.count(name) < 2 else "failed" if name == "bad" else "finished"
    return httpx.Response(200, json={"id": name, "state": state, "error": "No column x." if name == "bad" else None})


LOOKS: list[str] = []


def test_a_file_is_sent_and_its_import_awaited(tmp_path: Path) -> None:
    LOOKS.clear()
    file = tmp_path / "rows.csv"
    file.write_text("text\na\n")
    with client_of(transfers) as client:
        assert client.imports.start(file, key="nr").get("sent") == "text\na\n"
        assert client.imports.wait("good", poll=0)["state"] == "finished"
        with pytest.raises(TransferFailed, match=r"No column x\."):
            client.imports.wait("bad", poll=0)


def test_an_export_is_downloaded_whole_or_not_at_all(tmp_path: Path) -> None:
    LOOKS.clear()
    file = tmp_path / "out.csv"

    async def use() -> None:
        async with async_client_of(transfers) as client:
            assert (await client.imports.start(Path(__file__))).get("sent") == Path(__file__).read_text()
            assert (await client.exports.wait("good", poll=0))["state"] == "finished"
            await client.exports.download("good", tmp_path / "async.csv")

    with client_of(transfers) as client:
        client.exports.download("good", file)
        with pytest.raises(ApiError, match="404: no longer here"):
            client.exports.download("gone", tmp_path / "gone.csv")
    asyncio.run(use())
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"out.csv": "rows", "async.csv": "rows"}
