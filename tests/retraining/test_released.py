"""GET release: which version to apply to an entity, with ETag and a long poll that holds no connection."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from projects import members
from projects.models import Project, Role, Scope
from retraining import api, released
from tests.factories import NOW, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/projects/mail/release"


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project("mail")
    learn(project, 4)
    return project


@pytest.fixture
def ask(client: Client, project: Project) -> Callable[..., Any]:
    person = make_user(project=project, role=Role.ENGINEER)
    secret = members.create_key(project, person, [Scope.READ], by=person, at=NOW)[1]

    def asks(query: str = "", etag: str = "") -> Any:
        headers = {"Authorization": f"Bearer {secret}"} | ({"If-None-Match": etag} if etag else {})
        return client.get(ADDRESS + query, headers=headers)

    return asks


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self, then: Callable[[float], None] = lambda now: None) -> None:
        self.seconds, self.then = 0.0, then

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.then(self.seconds)


def wait(project: Project, clock: Clock, seconds: float, known: released.Released) -> released.Waited:
    return released.wait_for_change(
        project, "", is_known=lambda found: found == known, seconds=seconds, sleep=clock.sleep, now=clock.now
    )


def test_names_the_champion_and_its_stage(ask: Callable[..., Any], project: Project) -> None:
    assert ask().json() == {
        "model_version": None,
        "threshold_version": "",
        "policy_version": "",
        "stage": "none",
        "thresholds": {},
    }
    version = make_champion(project)
    Project.objects.filter(pk=project.pk).update(threshold_version="t2", policy_version="p1")
    body = ask("?entity=customer-1").json()
    assert (body["model_version"], body["stage"]) == (version.tag, "champion")
    assert (body["threshold_version"], body["policy_version"]) == ("t2", "p1")


def test_an_unchanged_release_is_304_until_something_is_released(ask: Callable[..., Any], project: Project) -> None:
    first = ask()
    assert ask(etag=first["ETag"]).status_code == ask("?wait=0", etag=f"W/{first['ETag']}").status_code == 304
    make_champion(project)
    changed = ask("?wait=30", etag=first["ETag"])
    assert changed.status_code == 200 and changed["ETag"] != first["ETag"]
    assert ask("?wait=30").status_code == 200, "who knows nothing waits for nothing"


@pytest.mark.parametrize(
    "query", ["?wait=soon", "?wait=-1", "?wait=31", "?wait=nan", "?entity=%00", f"?entity={'x' * 201}"]
)
def test_what_cannot_be_used_is_refused_in_a_sentence(ask: Callable[..., Any], query: str) -> None:
    refused = ask(query)
    assert refused.status_code == 422 and refused.json()["detail"].endswith(".")


def test_an_unclear_champion_is_503(ask: Callable[..., Any], project: Project) -> None:
    make_champion(project)
    Project.objects.filter(pk=project.pk).update(champion_version="v9")
    assert ask().status_code == 503


def test_a_wait_ends_with_the_release_or_with_its_time(project: Project) -> None:
    before = released.released_for(project, "")
    assert wait(project, Clock(), 7.5, before) == released.Waited(before)
    made = []
    clock = Clock(lambda now: made.append(make_champion(project)) if now == 3 else None)
    found = wait(project, clock, 30, before)
    assert found.released.model_version == made[0].tag and clock.seconds == 3


def test_no_more_wait_than_may_hold_threads(
    ask: Callable[..., Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, "waiters", released.Waiters(0))
    etag = ask()["ETag"]
    answered = ask("?wait=30", etag=etag)
    assert (answered.status_code, answered["Retry-After"]) == (304, api.ASK_AGAIN)
    monkeypatch.setattr(released, "waiters", released.Waiters(1))
    for _ in range(2):  # the place is free again
        assert not wait(project, Clock(), 1, released.released_for(project, "")).turned_away


@pytest.mark.django_db(transaction=True)
def test_one_that_waits_holds_no_connection(project: Project) -> None:
    held: list[bool] = []
    known = released.released_for(project, "")

    def look() -> None:
        here: Any = connections["default"]
        here.is_in_memory_db = lambda: False  # Django closes no connection to one in memory
        wait(project, Clock(lambda now: held.append(connection.connection is not None)), 2, known)
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert held == [False, False]
