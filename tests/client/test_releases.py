"""Which version to apply: cached by its ETag, watched, and asked for again while the server is away."""

import asyncio
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from plumbline_client import ApiError, AsyncClient, Client, releases

from projects import members
from projects.models import Role, Scope
from tests.factories import NOW, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project

Handle = Callable[[httpx.Request], httpx.Response]


def released(version: str) -> httpx.Response:
    body = {"model_version": version, "threshold_version": "", "policy_version": "", "stage": "champion"}
    return httpx.Response(200, json=body | {"thresholds": {}}, headers={"ETag": f'"{version}"'})


class Scripted:
    """Answers in turn, and keeps what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = iter(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client_of(handle: Handle) -> Client:
    return Client("http://server", "mail", "k", spool=None, transport=httpx.MockTransport(handle))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were slept, all at once."""
    slept: list[float] = []
    monkeypatch.setattr(releases.time, "sleep", slept.append)
    return slept


def test_an_unchanged_release_is_the_kept_answer_of_its_entity() -> None:
    server = Scripted(released("v1"), httpx.Response(304), released("v2"))
    with client_of(server) as client:
        first, again = client.release.get(entity="a"), client.release.get(entity="a")
        other = client.release.get(entity="b")
    assert first == again and other["model_version"] == "v2"
    assert [one.headers.get("If-None-Match") for one in server.asked] == [None, '"v1"', None]
    assert [dict(one.url.params) for one in server.asked] == [{"entity": "a"}, {"entity": "a"}, {"entity": "b"}]


def test_the_answers_of_few_entities_are_kept() -> None:
    cache = releases.ReleaseCache(most=2)
    for entity in "abc":
        cache.take(entity, releases.NOTHING, released("v1"))
    assert [bool(cache.find(entity).etag) for entity in "abc"] == [False, True, True]


def test_a_watch_says_each_change_once_and_pauses_as_asked(pauses: list[float]) -> None:
    busy = httpx.Response(304, headers={"Retry-After": "5"})
    server = Scripted(released("v1"), httpx.Response(304), busy, released("v2"))
    with client_of(server) as client:
        seen = [one["model_version"] for one in islice(client.release.watch(), 2)]
    assert seen == ["v1", "v2"] and 5.0 in pauses
    assert [one.url.params.get("wait") for one in server.asked] == [None, "30", "30", "30"]
    assert server.asked[1].extensions["timeout"]["read"] > 30


def test_a_watch_asks_again_while_the_server_is_away(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plumbline_client.client.time.sleep", pauses.append)
    away = [httpx.ConnectError("refused")] * 8
    server = Scripted(released("v1"), *away, httpx.Response(502), released("v2"))
    with client_of(server) as client:
        assert [one["model_version"] for one in islice(client.release.watch(), 2)] == ["v1", "v2"]


def test_a_watch_ends_where_asking_again_cannot_help() -> None:
    server = Scripted(httpx.Response(401, json={"detail": "This call needs a valid key."}))
    with client_of(server) as client, pytest.raises(ApiError, match="valid key"):
        next(client.release.watch())


def test_the_async_client_watches_too() -> None:
    server = Scripted(released("v1"), httpx.Response(304), released("v2"), httpx.Response(304))

    async def use() -> list[str | None]:
        transport = httpx.MockTransport(server)
        async with AsyncClient("http://server", "mail", "k", spool=None, transport=transport) as client:
            watch = client.release.watch()
            seen = [(await anext(watch))["model_version"], (await anext(watch))["model_version"]]
            return [*seen, (await client.release.get())["model_version"]]

    assert asyncio.run(use()) == ["v1", "v2", "v2"]


@pytest.fixture
def artifact_home(settings: Any, tmp_path: Path) -> None:
    settings.ARTIFACT_HOME = tmp_path / "artifacts"
    settings.ARTIFACT_HOME.mkdir()


@pytest.mark.django_db(transaction=True)
def test_a_watch_hears_of_a_release_from_the_real_server(live_server: Any, artifact_home: Any) -> None:
    project = make_numeric_project("mail")
    learn(project, 4)
    user = make_user("bo", project, Role.ENGINEER)
    _, secret = members.create_key(project, user, [Scope.READ], by=None, at=NOW)
    with Client(live_server.url, "mail", secret, spool=None) as client:
        assert client.release.get()["stage"] == "none"
        watched = client.release.watch(entity="customer 1")
        assert next(watched)["model_version"] is None
        first = make_champion(project)
        assert next(watched)["model_version"] == first.tag
        assert client.release.get(entity="customer 1") == client.release.get()
