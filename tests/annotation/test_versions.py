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


def test_the_list_says_the_same_of_what_serves(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "RECENT", 5)
    assert versions.load(project).serves == versions.serving(project) == ""
    for tag, n, days in (("router-6", 9, 0), ("router-7", 4, 1), ("from-the-future", 1, 2000)):
        capture(project, tag, n, days=days)
    assert versions.load(project).serves == versions.serving(project) == "router-7"
    project.champion_version = "v1"
    assert versions.load(project).serves == versions.serving(project) == "v1"


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


class TestTheListOfVersions:
    def test_has_each_with_its_items_and_what_serves_first(self, project: Project) -> None:
        capture(project, "router-6", 3)
        capture(project, "router-7", 2, days=1)
        capture(project, "", 1, days=-1)
        capture(project, "shadow", 1, days=2, source="rescored")
        found = [(one.tag, one.items, one.serves) for one in versions.load(project).all]
        assert found == [("router-6", 3, True), ("shadow", 1, False), ("router-7", 2, False), ("unnamed", 1, False)]
        assert versions.load(project).all[1].newest == NOW + timedelta(days=2)

    def test_counts_items_and_leaves_out_what_was_said_while_training(self, project: Project) -> None:
        item = make_item(project)
        for source in ("served", "rescored", "out_of_fold"):
            make_prediction(item, [0.9, 0.1], model_version="v1", source=source)
        make_prediction(make_item(project), [0.9, 0.1], model_version="v2", source="out_of_fold")
        make_prediction(make_item(project), model_version="v3")
        assert {one.tag: one.items for one in versions.load(project).all} == {"v1": 1, "v2": 0, "v3": 0}

    def test_stops_counting_where_nobody_reads_the_number(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(versions, "COUNTED", 4)
        capture(project, "router-7", 6)
        assert versions.load(project).all[0].counted == "4 or more"

    def test_is_of_this_project_only_and_one_query(self, project: Project, django_assert_num_queries: object) -> None:
        capture(make_project(), "foreign", 1)
        project.champion_version = "v1"
        capture(project, 'it\'s "quoted" %s', 1)
        with django_assert_num_queries(1):  # type: ignore[operator]
            found = [(one.tag, one.items) for one in versions.load(project).all]
        assert found == [("v1", 0), ('it\'s "quoted" %s', 1)]  # a champion is one before it has answered

    def test_is_empty_before_anything_is_captured(self, project: Project) -> None:
        assert versions.load(project) == versions.Versions("", ())


class TestAnAskedVersion:
    def test_is_taken_where_a_prediction_names_it(self, project: Project) -> None:
        capture(project, "router-6", 1)
        capture(project, "", 1)
        make_prediction(make_item(project), [0.9, 0.1], model_version="v2", source="out_of_fold")
        assert [versions.load(project).chosen(tag) for tag in ("router-6", "unnamed", "v2")] == [
            "router-6",
            "unnamed",
            "v2",
        ]

    def test_is_what_serves_where_none_is_asked_for(self, project: Project) -> None:
        assert versions.load(project).chosen("") == ""
        capture(project, "router-7", 1)
        assert versions.load(project).chosen("") == "router-7"

    def test_is_never_replaced_by_another(self, project: Project) -> None:
        with pytest.raises(versions.UnknownVersion, match="names the version router-9. No version has answered yet."):
            versions.load(project).chosen("router-9")
        capture(make_project(), "router-9", 1)
        for number in range(10):
            capture(project, f"router-{number % 9}", 1)
        with pytest.raises(versions.UnknownVersion, match="There are router-0, .* and 1 more"):
            versions.load(project).chosen("router-9")
