"""Compare for any two versions: what the address asks for, what the counts lead to, what is unknown."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from projects.models import Project, Role
from tests.analysis.scenarios import Cause, judged_project, resolve, route
from tests.factories import make_item, make_prediction, make_project, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, make_version, train

pytestmark = pytest.mark.django_db


def opened(project: Project, query: str = "", name: str = "compare-any") -> Any:
    client = Client()
    client.force_login(make_user(project=project, role=Role.REVIEWER))
    return client.get(reverse(f"retraining:{name}", args=[project.slug]) + query)


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def captured() -> Project:
    """router-6 and router-7 answered the same 60 items; router-5 others. Nothing was trained here."""
    project, items = judged_project(60, wrong=10, version="router-6")
    Project.objects.update(champion_version="")
    for i, item in enumerate(items):
        truth = i % 2 if i >= 10 else 1 - i % 2
        says = truth if i < 56 else 1 - truth
        make_prediction(item, [0.8, 0.2] if says == 0 else [0.2, 0.8], model_version="router-7", source="rescored")
    older = [make_item(project) for _ in range(30)]
    for item in older:
        make_prediction(item, [0.9, 0.1], model_version="router-5")
    route(project, older, Cause.AUDIT, probability=0.5, minutes=5)
    for item in older:
        resolve(item, "ham", evaluation=True)
    project.refresh_from_db()
    return project


def test_compares_on_the_items_that_both_answered(captured: Project) -> None:
    page = opened(captured, "?version=router-7&against=router-6")
    words = text(page)
    assert "Is router-7 better than router-6?" in words
    assert "router-7 minus router-6: +10.0 points" in words and "on the same items" in words
    assert "10 fixed against 4 broken" in words
    assert "Version router-7" in words and "Against router-6" in words and "router-5 30 items" in words


def test_each_count_leads_to_exactly_its_items(captured: Project) -> None:
    body = opened(captured, "?version=router-7&against=router-6").content.decode()
    links = re.findall(r'href="([^"]*compare/cases/[^"]*)">([\d,]+)</a>', body)
    assert sorted(int(count) for _, count in links) == [0, 4, 10, 46, 60]
    for url, count in links:
        query = "?" + url.replace("&amp;", "&").partition("?")[2]
        assert f"{count} item" in text(opened(captured, query, "compare-any-cases"))


def test_pages_through_the_items_surest_first(captured: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retraining.views.pairs.SHOWN", 7)
    query = "?version=router-7&against=router-6&outcome=fixed"
    pages = [opened(captured, f"{query}&page={page}", "compare-any-cases").content.decode() for page in (1, 2)]
    assert [page.count('<li class="card">') for page in pages] == [7, 3]


def test_says_that_versions_with_no_item_in_common_were_judged_on_different_ones(captured: Project) -> None:
    words = text(opened(captured, "?version=router-5&against=router-6"))
    assert "they were judged on different items, so the difference may come from those" in words
    assert "each on the items that it answered itself" in words


def test_takes_what_serves_and_the_newest_other_where_none_is_named(captured: Project) -> None:
    assert "against=router-6" in opened(captured).content.decode()
    assert "Is router-5 better than router-6?" in text(opened(captured, "?version=router-5"))


@pytest.mark.parametrize("query", ["?version=router-9&against=router-6", "?version=router-6&against=router-9"])
def test_says_when_there_is_no_such_version(captured: Project, query: str) -> None:
    page = opened(captured, query)
    assert page.status_code == 404 and "No prediction names the version router-9." in text(page)
    assert opened(captured, query, "compare-any-cases").status_code == 404


@pytest.mark.parametrize("query", ["?outcome=none", "?outcome=fixed&page=0", "?outcome=fixed&page=x"])
def test_is_404_where_there_are_no_such_items(captured: Project, query: str) -> None:
    assert opened(captured, query, "compare-any-cases").status_code == 404


def test_says_when_there_is_nothing_to_compare(captured: Project) -> None:
    assert "No version has answered yet." in text(opened(make_project()))
    one, _ = judged_project(5, version="only")
    Project.objects.filter(pk=one.pk).update(champion_version="")
    assert "only is the only version that has answered." in text(opened(one))


class TestWithVersionsTrainedHere:
    @pytest.fixture
    def project(self, artifact_home: Any) -> Project:
        project = make_numeric_project("mail")
        learn(project, 40)
        make_champion(project)
        learn(project, 60, evaluation=True, seed=1, noise=0.1)
        return project

    def test_leads_to_the_newest_verdict_where_nothing_is_asked_for(self, project: Project) -> None:
        make_version(project)
        assert opened(project)["Location"] == reverse("retraining:compare", args=["mail", 2])

    def test_a_candidate_is_known_by_what_it_said_of_the_items_it_was_judged_on(self, project: Project) -> None:
        for item in project.items.filter(resolutions__evaluation=True):
            make_prediction(item, [0.9, 0.1], model_version="router-7")
        learn(project, 1, seed=9)
        candidate = train(project)
        assert candidate.tag == "v2"
        words = text(opened(project, "?version=v2&against=router-7"))
        assert "Is v2 better than router-7?" in words and "on the same items" in words
        assert "n 60" in words and "The gate's verdict on v2" in words.replace("&#x27;", "'")
