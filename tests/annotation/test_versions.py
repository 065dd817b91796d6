"""Which version serves: the champion, else the one that is captured from elsewhere."""

from datetime import timedelta

import pytest

from annotation import versions
from projects.models import Project
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project()


def capture(project: Project, version: str, n: int, *, days: int = 0, **fields: object) -> None:
    for _ in range(n):
        item = make_item(project, at=NOW + timedelta(days=days))
        make_prediction(item, [0.9, 0.1], model_version=version, **fields)


def test_nothing_serves_before_anything_is_captured(project: Project) -> None:
    make_item(project)
    assert versions.serving(project) == ""


def test_a_captured_version_serves_where_no_champion_does(project: Project) -> None:
    capture(project, "router-7", 2)
    assert versions.serving(project) == "router-7"
    project.champion_version = "v1"
    assert versions.serving(project) == "v1"


def test_the_one_with_most_of_the_newest_answers_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "RECENT", 5)
    capture(project, "router-6", 9)
    capture(project, "router-7", 4, days=1)
    capture(project, "from-the-future", 1, days=2000)
    assert versions.captured(project) == "router-7"


def test_what_was_served_here_or_scored_later_is_not_captured(project: Project) -> None:
    for source in ("served", "rescored", "out_of_fold"):
        capture(project, "v1", 1, source=source)
    capture(project, "no-answer", 1, label="")
    assert versions.captured(project) == ""


def test_answers_without_a_version_count_as_one_version(project: Project) -> None:
    capture(project, "", 1)
    assert versions.captured(project) == versions.UNNAMED
    assert "" in versions.stored_as(versions.UNNAMED) and versions.stored_as("router-7") == ["router-7"]
