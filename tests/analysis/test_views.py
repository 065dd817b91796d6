"""The pages of analysis: who may open them, few queries, full page and fragment, every number a link."""

import html
import itertools
import json
import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse

from analysis import charts, items, release_events, windows
from analysis.findings import LabelQualityBody, PrecisionAt
from analysis.item_filters import Filters, parse_filters
from analysis.item_pages import PageStart
from analysis.metrics.core.stored import StoredEstimate
from analysis.models import Finding, Report
from analysis.reports import refreshing
from analysis.reports.kinds import label_quality
from analysis.views import items as item_views
from analysis.views import over_time
from annotation.models import Item, Queue, RoutedItem
from annotation.signals.capture import capture_signals
from projects import members
from projects.models import AuditEvent, Project, User
from tests.analysis.scenarios import Cause, judged_project, make_finding, performance_body, resolve, route, store_report
from tests.factories import NOW, make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db
PAGES = ("performance", "label-quality", "item-list")


@pytest.fixture
def stand() -> tuple[Project, list[Item], User]:
    project, made = judged_project()
    refreshing.refresh(project, at=NOW)
    return project, made, make_user("emil", project, "engineer")


def client(user: User) -> Client:
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.parametrize("name", PAGES)
class TestEachPage:
    def test_opens_in_at_most_15_queries(self, name: str, stand: Any, django_assert_max_num_queries: Any) -> None:
        project, _, emil = stand
        browser = client(emil)
        with django_assert_max_num_queries(15 + 2):  # session and user come before the page's own
            assert browser.get(reverse(f"analysis:{name}", args=[project.slug])).status_code == 200

    def test_gives_htmx_a_fragment_and_others_the_page(self, name: str, stand: Any) -> None:
        project, _, emil = stand
        url = reverse(f"analysis:{name}", args=[project.slug])
        whole = client(emil).get(url)
        part = client(emil).get(url, headers={"HX-Request": "true"})
        assert b"<html" in whole.content
        assert part.status_code == 200
        assert b"<html" not in part.content
        assert "HX-Request" in whole["Vary"]

    def test_is_not_there_for_a_stranger_and_closed_to_an_annotator(self, name: str, stand: Any) -> None:
        project, _, _ = stand
        url = reverse(f"analysis:{name}", args=[project.slug])
        assert client(make_user("stranger")).get(url).status_code == 404
        assert client(make_user("ada", project, "annotator")).get(url).status_code == 403

    def test_says_what_to_do_where_there_is_nothing(self, name: str) -> None:
        project = make_project()
        page = client(make_user("emil", project, "engineer")).get(reverse(f"analysis:{name}", args=[project.slug]))
        assert page.status_code == 200
        assert b'class="empty"' in page.content


class TestItems:
    def test_filters_narrow_the_view(self, stand: Any) -> None:
        project, made, _ = stand
        found = items.select(project, parse_filters({"disagree": "yes"}, project), at=NOW)
        assert {item.pk for item in found} == {item.pk for item in made[:6]}
        found = items.select(project, parse_filters({"truth": "ham", "says": "spam"}, project), at=NOW)
        assert found.count() == 3
        assert items.select(project, parse_filters({"judges": "v1"}, project), at=NOW).count() == 60
        assert (
            items.select(project, parse_filters({"cause": "audit", "state": "resolved"}, project), at=NOW).count() == 60
        )
        assert items.select(project, parse_filters({"resolved": "no"}, project), at=NOW).count() == 0

    def test_signals_that_wait_for_a_prediction_are_counted(self, stand: Any) -> None:
        project, _, emil = stand
        url = reverse("analysis:item-list", args=[project.slug])
        assert "signals wait" not in client(emil).get(url).content.decode()
        rows = [{"id": key, "key": f"early {key}", "kind": "thumbs_down"} for key in "ab"]
        capture_signals(project, rows, at=NOW)
        said = " ".join(client(emil).get(url).content.decode().replace("\xa0", " ").split())
        assert "2 signals wait for a prediction that has not been captured, the first for " in said

    def test_a_segment_is_data_and_never_a_path(self, stand: Any) -> None:
        project, made, _ = stand
        Item.objects.filter(pk=made[0].pk).update(segment={"channel": "app"})
        assert items.select(project, parse_filters({"segment": "channel=app"}, project), at=NOW).count() == 1
        for name in ("project__memberships__user__password", "a__startswith", "channel__regex", "'; --"):
            assert items.select(project, parse_filters({"segment": f"{name}=a"}, project), at=NOW).count() == 0

    def test_unknown_and_crafted_parameters_do_nothing(self, stand: Any) -> None:
        project, _, emil = stand
        url = reverse("analysis:item-list", args=[project.slug])
        for crafted in ("project__api_keys__hash=a", "user__password__startswith=x", "order_by=pk", "__class__=1"):
            assert b"<b>60</b>" in client(emil).get(f"{url}?{crafted}").content

    @pytest.mark.parametrize(
        "query",
        [
            "state=gone",
            "truth=eggs",
            "window=9",
            "segment=x",
            "after=rubbish",
            "cause=x",
            "since=yesterday",
            "until=0001-01-01T00:00:00Z",
            "since=9999-12-31T23:59:59-12:00",
            "served=no",
        ],
    )
    def test_a_value_that_is_not_on_its_list_is_refused_in_words(self, stand: Any, query: str) -> None:
        project, _, emil = stand
        answer = client(emil).get(reverse("analysis:item-list", args=[project.slug]) + f"?{query}")
        assert answer.status_code == 400
        assert b"There is no such view" in answer.content

    def test_pages_have_no_gap_and_no_double(self, stand: Any) -> None:
        project, made, _ = stand
        seen, after = [], ""
        while True:
            page = items.find_page(items.ItemSelection(project, Filters(), NOW), place=PageStart(after), size=7)
            seen += [row.pk for row in page.rows]
            if not (after := page.next):
                break
        assert seen == [item.pk for item in reversed(made)]

    def test_a_selection_becomes_a_queue(self, stand: Any) -> None:
        project, made, emil = stand
        url = reverse("analysis:item-queue", args=[project.slug])
        answer = client(emil).post(url, {"item": [made[0].uid, made[1].uid], "title": "Odd ones"})
        assert answer.status_code == 302
        assert set(RoutedItem.objects.filter(queue__slug="odd-ones").values_list("item", flat=True)) == {
            made[0].pk,
            made[1].pk,
        }
        assert client(emil).post(url, {"title": "None"}).status_code == 422

    def test_more_items_than_are_counted_or_queued_at_once_are_said_as_they_are(
        self, stand: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Seen: "10,001 or more items match", and "Add all 10,001", which added 5,000."""
        project, made, emil = stand
        monkeypatch.setattr(items, "MOST_COUNTED", 11)
        monkeypatch.setattr(item_views, "MOST_SELECTED", 5)
        url = reverse("analysis:item-list", args=[project.slug])
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client(emil).get(url).content.decode()))
        assert len(made) > 11 and "More than 10 items match." in words
        assert "Add all by a job" in words and "Add all 11" not in words

    def test_add_chosen_with_nothing_chosen_keeps_the_filtered_view(self, stand: Any) -> None:
        project, made, emil = stand
        url = reverse("analysis:item-queue", args=[project.slug])
        answer = client(emil).post(url, {"disagree": "yes", "title": "Odd ones"})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert "Choose at least one item" in page and "<b>6</b>" in page and 'class="chip active"' in page
        assert page.count('name="item"') == 6
        assert not Queue.objects.filter(slug="odd-ones").exists()

    def test_items_that_all_wait_already_make_no_queue(self, stand: Any) -> None:
        project, _, emil = stand
        url = reverse("analysis:item-queue", args=[project.slug])
        items = [make_item(project) for _ in range(3)]
        chosen = {"item": [item.uid for item in items]}
        client(emil).post(url, {**chosen, "title": "First"})
        before = Queue.objects.count()
        answer = client(emil).post(url, {**chosen, "title": "Second"})
        assert answer.status_code == 422
        assert "Nothing added: all 3 already wait in First." in html.unescape(answer.content.decode())
        assert Queue.objects.count() == before
        assert not AuditEvent.objects.filter(target="second").exists()

    def test_until_and_since_include_their_moments(self, stand: Any) -> None:
        project, made, _ = stand
        between = {"since": made[3].at.isoformat(), "until": made[7].at.isoformat()}
        found = items.select(project, parse_filters(between, project), at=NOW)
        assert {item.pk for item in found} == {item.pk for item in made[3:8]}

    def test_an_item_of_another_project_is_not_there(self, stand: Any) -> None:
        project, _, emil = stand
        foreign = make_item(make_project())
        assert client(emil).get(reverse("analysis:item", args=[project.slug, foreign.uid])).status_code == 404

    def test_text_with_a_script_tag_is_text(self, stand: Any) -> None:
        project, _, emil = stand
        evil = make_item(project, inputs={"text": "<script>alert(1)</script>"}, at=NOW + timedelta(days=99))
        make_prediction(evil, [0.5, 0.5])
        for url in (
            reverse("analysis:item-list", args=[project.slug]),
            reverse("analysis:item", args=[project.slug, evil.uid]),
        ):
            content = client(emil).get(url).content
            assert b"<script>alert" not in content
            assert b"&lt;script&gt;alert" in content


def shown(project: Project, annotation: str) -> set[Any]:
    """What every item of the list has of this annotation."""
    return {getattr(item, annotation) for item in items.select(project, Filters(), at=NOW)}


class TestAVersionIsAVersion:
    """Trained here or only captured: each page takes it, lists all, and never shows another one in its place."""

    @pytest.fixture
    def captured(self) -> tuple[Project, list[Item], User]:
        """router-7 is captured, and answers now; router-6 was before it. No version was ever trained here."""
        project, made = judged_project(40, wrong=4, version="router-6")
        Project.objects.update(champion_version="")
        newer = [make_item(project, at=NOW + timedelta(days=9, hours=i)) for i in range(50)]
        for i, item in enumerate(newer):
            make_prediction(item, [0.9, 0.1] if i % 2 else [0.1, 0.9], model_version="router-7")
        route(project, newer, Cause.AUDIT, probability=0.5, minutes=5)
        for item in newer:
            resolve(item, "ham", evaluation=True)
        project.refresh_from_db()
        refreshing.refresh(project, at=NOW)
        return project, made, make_user("emil", project, "engineer")

    def page(self, captured: Any, name: str, query: str = "") -> tuple[int, str]:
        project, _, emil = captured
        answer = client(emil).get(reverse(name, args=[project.slug]) + query)
        return answer.status_code, " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())

    @pytest.mark.parametrize("name", ["overview:overview", "analysis:performance", "analysis:item-list"])
    def test_the_chip_says_what_is_captured_and_lists_all_with_their_counts(self, captured: Any, name: str) -> None:
        status, words = self.page(captured, name)
        assert status == 200
        assert "Model router-7 captured" in words
        assert "router-7 captured, 50 items" in words and "router-6 40 items" in words
        assert "No version serves" not in words and "no version serves" not in words

    def test_performance_is_that_of_the_version_asked_for(self, captured: Any) -> None:
        assert "0.500 [" in self.page(captured, "analysis:performance")[1]
        words = self.page(captured, "analysis:performance", "?version=router-6")[1]
        assert "router-6 is right in 90.0 % [" in words

    def test_overview_shows_the_accuracy_of_the_version_asked_for(self, captured: Any) -> None:
        assert "Accuracy of router-7 0.500" in self.page(captured, "overview:overview")[1]
        words = self.page(captured, "overview:overview", "?version=router-6")[1]
        assert "Accuracy of router-6 0.900" in words

    def test_what_changed_is_of_what_was_served_then_whatever_version_is_shown(self, captured: Any) -> None:
        """Seen: a promotion judged the past by the new version's re-scores, and the fall that happened was gone."""
        project, made, _ = captured
        sentence = "The accuracy of what was served fell from 0.90 to 0.50"
        assert sentence in self.page(captured, "overview:overview")[1]
        for item in made:
            truth = item.resolutions.get().value == "spam"
            scores = [0.1, 0.9] if truth else [0.9, 0.1]
            make_prediction(item, scores, model_version="v9", source="rescored", at=NOW + timedelta(days=30))
        refreshing.refresh_version(project, "v9", at=NOW + timedelta(days=30))
        assert sentence in self.page(captured, "overview:overview", "?version=v9")[1]

    def test_items_are_those_that_the_version_answered(self, captured: Any) -> None:
        assert "40 items match" in self.page(captured, "analysis:item-list", "?version=router-6")[1]
        assert "90 items match" in self.page(captured, "analysis:item-list")[1]

    @pytest.mark.parametrize(
        ("name", "status"), [("overview:overview", 404), ("analysis:performance", 404), ("analysis:item-list", 400)]
    )
    def test_an_unknown_version_is_said_and_not_replaced(self, captured: Any, name: str, status: int) -> None:
        found, words = self.page(captured, name, "?version=router-9")
        assert found == status
        assert "No prediction names the version router-9. There are router-7, router-6." in words
        assert "0.500" not in words

    @pytest.mark.parametrize("query", ["?window=9", "?label=eggs"])
    def test_nothing_else_of_the_address_is_replaced_either(self, captured: Any, query: str) -> None:
        assert self.page(captured, "analysis:performance", query)[0] == 404

    def test_the_chip_of_windows_offers_each_that_an_address_takes(self, captured: Any) -> None:
        """Seen: it knew two, while ?window=7 worked."""
        project, _, emil = captured
        for name in windows.WINDOWS:
            answer = client(emil).get(reverse("analysis:performance", args=[project.slug]), {"window": name})
            [chip] = [chip for chip in answer.context["chips"] if chip.name == "Window"]
            assert [option.current for option in chip.options] == [other == name for other in windows.WINDOWS]
            assert all(client(emil).get(option.url).status_code == 200 for option in chip.options)

    def test_a_version_without_a_report_has_one_computed(
        self, captured: Any, monkeypatch: pytest.MonkeyPatch, run_jobs: Any
    ) -> None:
        project, made, _ = captured
        monkeypatch.setattr(refreshing, "WATCHED", 1)
        make_prediction(made[0], [0.9, 0.1], model_version="router-5", at=NOW - timedelta(days=30))
        for _ in range(2):
            assert "is being computed" in self.page(captured, "analysis:performance", "?version=router-5")[1]
        assert project.jobs.count() == 1
        run_jobs()
        words = self.page(captured, "analysis:performance", "?version=router-5")[1]
        assert "router-5 is right in 0.0 % [" in words

    def test_after_a_roll_back_items_say_what_serves(self, stand: Any) -> None:
        project, made, _ = stand
        for item in made:
            make_prediction(item, [0.5, 0.6], model_version="v2", source="rescored", at=NOW + timedelta(days=30))
        assert shown(project, "by_version") == {"v1"}
        project.champion_version = "v2"
        assert shown(project, "says") == {"spam"}
        project.champion_version = "v1"
        assert shown(project, "says") == {"ham", "spam"}

    def test_what_serves_has_not_answered_shows_what_was_served_then(self, stand: Any) -> None:
        project, made, _ = stand
        make_prediction(made[0], [0.1, 0.9], model_version="shadow", source="rescored", at=NOW + timedelta(days=30))
        project.champion_version = "v3"
        assert shown(project, "by_version") == {"v1"}


class TestApi:
    def get(self, project: Project, user: User, path: str, scopes: list[str] | None = None) -> Any:
        _, secret = members.create_key(project, user, scopes or ["read"], by=None, at=NOW)
        return Client().get(f"/api/v1/projects/{project.slug}/{path}", headers={"Authorization": f"Bearer {secret}"})

    def test_items_come_in_pages_with_a_cursor(self, stand: Any) -> None:
        project, _, emil = stand
        body = self.get(project, emil, "items?says=ham").json()
        assert len(body["items"]) == 30
        assert body["next"] is None
        assert body["items"][0].keys() >= {"id", "key", "inputs", "label", "resolution"}

    def test_the_cursor_leads_on_without_a_gap_and_needs_no_escaping(self, stand: Any) -> None:
        project, made, emil = stand
        for number in range(120 - len(made)):
            make_item(project, f"more-{number}")
        first = self.get(project, emil, "items").json()
        assert len(first["items"]) == 100 and re.fullmatch(r"[0-9TZ:.~-]+", first["next"])
        second = self.get(project, emil, f"items?next={first['next']}").json()
        seen = [one["id"] for one in first["items"] + second["items"]]
        assert (len(set(seen)), len(seen), second["next"]) == (120, 120, None)

    @pytest.mark.parametrize(
        "cursor",
        [
            "x",
            "2026-11-23T12:00:00Z",
            "2026-13-45T99:00:00Z~1",
            "2026-11-23T12:00:00~1",
            "2026-11-23T12:00:00Z~\u00b2",
            "2026-11-23T12:00:00Z~" + "9" * 30,
        ],
    )
    def test_a_cursor_that_no_page_gave_is_refused(self, stand: Any, cursor: str) -> None:
        project, _, emil = stand
        answer = self.get(project, emil, f"items?next={cursor}")
        assert (answer.status_code, answer.json()["detail"]) == (422, "The cursor is not one that a page gave.")

    def test_one_item_comes_whole(self, stand: Any) -> None:
        project, made, emil = stand
        body = self.get(project, emil, f"items/{made[0].uid}").json()
        assert body["predictions"][0]["model_version"] == "v1"
        assert body["resolution"] == "spam"

    def test_metrics_carry_intervals(self, stand: Any) -> None:
        project, _, emil = stand
        body = self.get(project, emil, "metrics").json()
        assert body["n"] == 60
        assert body["accuracy"]["low"] < body["accuracy"]["value"] < body["accuracy"]["high"]
        assert self.get(project, emil, "metrics?window=3").status_code == 422

    def test_metrics_are_those_of_the_version_asked_for(self, stand: Any) -> None:
        project, made, emil = stand
        for item in made[:20]:
            make_prediction(item, [0.9, 0.1], model_version="router-7", source="rescored")
        Project.objects.update(champion_version="")
        refreshing.refresh(project, at=NOW)
        assert self.get(project, emil, "metrics").json()["model_version"] == "v1"  # it is captured
        other = self.get(project, emil, "metrics?version=router-7").json()
        assert (other["model_version"], other["n"]) == ("router-7", 20)
        answer = self.get(project, emil, "metrics?version=router-9")
        assert answer.status_code == 422
        assert answer.json()["detail"] == "No prediction names the version router-9. There are v1, router-7."

    def test_metrics_of_a_segment_are_those_of_its_items(self, stand: Any) -> None:
        project, made, emil = stand
        Item.objects.filter(pk__in=[item.pk for item in made[:20]]).update(segment={"channel": "app"})
        Item.objects.filter(pk__in=[item.pk for item in made[20:]]).update(segment={"channel": "web"})
        app = self.get(project, emil, "metrics?segment=channel%3Dapp").json()
        web = self.get(project, emil, "metrics?segment=channel%3Dweb&window=all").json()
        assert (app["n"], app["items"], app["segment"]) == (20, 20, "channel=app")
        assert app["accuracy"]["value"] == pytest.approx(14 / 20)
        assert app["accuracy"]["low"] < 0.7 < app["accuracy"]["high"]
        assert (web["n"], web["accuracy"]["value"]) == (40, 1.0)
        empty = self.get(project, emil, "metrics?segment=channel%3Dfax").json()
        assert (empty["n"], empty["items"], empty["accuracy"]) == (0, 0, None)
        assert self.get(project, emil, "metrics?segment=app").status_code == 422
        assert self.get(project, emil, "metrics?segment=channel%3Dapp%00").status_code == 422

    def test_items_without_a_segment_are_counted_as_they_are_listed(self, stand: Any) -> None:
        project, made, emil = stand
        Item.objects.filter(pk__in=[item.pk for item in made[:10]]).update(segment={"channel": "app"})
        Item.objects.filter(pk=made[10].pk).update(segment={"channel": ""})
        found = self.get(project, emil, "metrics?segment=channel%3D").json()
        assert (found["n"], found["items"]) == (50, 50)

    def test_a_key_without_the_scope_is_refused(self, stand: Any) -> None:
        project, _, emil = stand
        assert self.get(project, emil, "items", ["ingest"]).status_code == 403


class TestLabelQuality:
    def test_a_reviewer_decides_with_one_post(self, stand: Any) -> None:
        project, made, _ = stand
        finding = make_finding(made[30], "ham", "spam")
        ruth = make_user("ruth", project, "reviewer")
        url = reverse("analysis:label-quality-decide", args=[project.slug, finding.pk])
        assert client(ruth).post(url, {"act": "fix"}).status_code == 302
        finding.refresh_from_db()
        assert finding.decision == "fixed"
        assert client(ruth).post(url, {"act": "keep"}, headers={"HX-Request": "true"}).status_code == 422
        assert client(ruth).post(url, {"act": "explode"}).status_code == 422
        assert client(make_user("ada", project, "annotator")).post(url, {"act": "keep"}).status_code == 403

    def test_a_card_that_a_refresh_came_after_still_decides(self, stand: Any) -> None:
        """Seen: the refresh made every card anew, and a decision seconds later was answered with 404."""
        project, made, _ = stand
        finding = make_finding(made[30], "ham", "spam")
        ruth = make_user("ruth", project, "reviewer")
        card = client(ruth).get(reverse("analysis:label-quality", args=[project.slug])).content.decode()
        [url] = re.findall(rf'hx-post="([^"]+/{finding.pk}/[^"]*)"', card)
        refreshing.refresh(project, at=NOW + timedelta(hours=1))
        Finding.objects.filter(pk=finding.pk).update(decision="gone")
        decided = client(ruth).post(url, {"act": "fix", "to": "spam"}, headers={"HX-Request": "true"})
        assert decided.status_code == 200
        assert "fixed" in decided.content.decode()
        finding.refresh_from_db()
        assert finding.decision == "fixed"

    @pytest.mark.parametrize(("decided", "said"), [(0, False), (3, True)])
    def test_how_many_are_wrong_is_said_only_once_people_have_checked(
        self, stand: Any, decided: int, said: bool
    ) -> None:
        project, _, _ = stand
        row = PrecisionAt(11, StoredEstimate(0.8, 0.4, 1.0, 11))
        share = StoredEstimate(0.02, 0.01, 0.04, 444)
        body = LabelQualityBody(444, flagged=11, share=share, curve=[row], decided=decided, versions=["v1"])
        store_report(project, label_quality.KIND, body, at=NOW + timedelta(days=99))
        url = reverse("analysis:label-quality", args=[project.slug])
        content = client(make_user("ruth", project, "reviewer")).get(url).content.decode()
        words = " ".join(re.sub(r"<[^>]+>", " ", content).split())
        assert ("suspects about" in words) == said
        assert ("likely wrong" in words) == said
        asked = "11 of 444 labels differ from what the model expects. Check a few to learn how many are wrong." in words
        assert asked != said


def test_where_no_label_is_suspected_nobody_is_sent_to_check_one(stand: Any) -> None:
    project, _, _ = stand
    body = LabelQualityBody(100, flagged=0, share=StoredEstimate(0.0, 0.0, 0.03, 100), decided=0, versions=["v1"])
    store_report(project, label_quality.KIND, body, at=NOW + timedelta(days=99))
    Finding.objects.all().delete()
    url = reverse("analysis:label-quality", args=[project.slug])
    words = " ".join(client(make_user("ruth", project, "reviewer")).get(url).content.decode().split())
    assert "No label is suspected" in words
    assert "Check a few" not in words and "The list begins" not in words


def test_a_segment_has_its_metrics_its_history_and_a_chip_and_an_unknown_one_is_said_to_be_none(stand: Any) -> None:
    project, made, emil = stand
    for place, item in enumerate(made):
        Item.objects.filter(pk=item.pk).update(segment={"channel": "app" if place < 45 else "web"})
    refreshing.refresh(project, at=NOW)
    url = reverse("analysis:performance", args=[project.slug])
    page = client(emil).get(f"{url}?segment=channel%3Dapp")
    chosen = page.context["chosen"]
    assert (chosen.value, chosen.score.n) == ("app", 45)
    assert {"macro_f1", "log_loss", "brier", "roc_auc", "pr_auc"} == set(chosen.metrics)
    assert all("segment=channel%3Dapp" in row.url for row in page.context["over_time"].rows)
    assert [chip.value for chip in page.context["chips"]][-1] == "channel app"
    assert "segment=channel%3Dapp" in page.context["wrong_url"]
    assert "Which labels are mistaken" not in page.content.decode()  # of all items: it would belong to no chip
    refused = client(emil).get(f"{url}?segment=channel%3Dfax")
    assert refused.status_code == 404 and "channel=fax" in refused.content.decode()


def test_every_release_has_its_mark_whenever_it_was(stand: Any) -> None:
    project, _, _ = stand
    body = performance_body(project, "v1")
    moments = [
        release_events.ReleaseEvent("v1", "promoted", NOW - timedelta(days=40)),
        release_events.ReleaseEvent("v2", "promoted", NOW + timedelta(hours=30)),
        release_events.ReleaseEvent("v3", "rolled back to", NOW + timedelta(days=40)),
    ]
    chart = over_time.score_over_time(project, body, moments, width=560)
    assert chart is not None and chart.svg.count('class="release"') == 3
    assert all(f">{moment.version}</text>" in chart.svg for moment in moments)


class TestCharts:
    def test_are_well_formed_without_styles_and_escape_their_words(self) -> None:
        points = [charts.Point(x, 0.5 + x / 10, 0.4, 0.9, "<b>", "/a?b=1&c=2") for x in range(4)]
        svg = charts.line(
            points,
            label='a "<script>"',
            x_axis=charts.XAxis([(0, "0"), (3, "<3")], "<x>"),
            discs="all",
            releases=[charts.Mark(1, "<v2>")],
            plumb=charts.Mark(2, "here", 0.7),
        )
        tree = ElementTree.fromstring(svg)
        assert not [node for node in tree.iter() if "style" in node.attrib]
        assert "<script>" not in svg

    @pytest.mark.parametrize(
        ("few", "lines"),
        [
            ((), [[0, 1, 2, 3, 4]]),
            ((2,), [[0, 1], [3, 4]]),
            ((0, 1), [[2, 3, 4]]),
            ((1, 3), []),
            ((0, 1, 2, 3, 4), []),
        ],
    )
    def test_a_line_does_not_run_through_points_of_few_labels(self, few: tuple[int, ...], lines: list[Any]) -> None:
        points = [charts.Point(x, 0.5, 0.4, 0.6, few=x in few) for x in range(5)]
        assert [[point.x for point in line] for line in charts.stretches(points)] == lines
        svg = charts.line(points, label="x", x_axis=charts.XAxis([(0, "a"), (4, "b")]), discs="all")
        assert (svg.count("<polyline"), svg.count("<polygon")) == (len(lines), len(lines))
        assert (svg.count('class="ring unclear"'), svg.count('class="point"')) == (len(few), 5 - len(few))

    @pytest.mark.parametrize(
        ("names", "words"),
        [
            ([(0, "v1"), (200, "v2")], ["v1", "v2"]),
            ([(0, "v1"), (4, "v2"), (200, "v3")], ["v1, v2", "v3"]),
            ([(x, f"v{x}") for x in range(1, 7)], ["v1 to v6"]),
            ([(0, "v1"), (20, "v2"), (40, "v3"), (300, "v4")], ["v1, v2, v3", "v4"]),
            ([], []),
        ],
    )
    def test_names_of_releases_that_would_touch_become_one(self, names: list[Any], words: list[str]) -> None:
        apart = charts.names_apart(names)
        assert [word for _, word in apart] == words
        for (left, first), (right, second) in itertools.pairwise(apart):
            assert right - left > charts.LETTER * (len(first) + len(second)) / 2

    def test_each_point_links_to_the_items_that_it_counts(self, stand: Any) -> None:
        project, _, emil = stand
        page = client(emil).get(reverse("analysis:performance", args=[project.slug])).content.decode()
        links = re.findall(r'<a href="([^"]+)" aria-label="[^"]+ to [^"]+: [\d.]+, n (\d+)">', page)
        assert len(links) >= 6
        for url, count in links:
            listed = client(emil).get(html.unescape(url)).content.decode()
            assert f"<b>{count}</b>" in listed, url

    def test_nothing_is_drawn_of_nothing(self) -> None:
        assert charts.line([], label="x", x_axis=charts.XAxis([])) == ""

    @pytest.mark.parametrize("value", [0.0, 0.02, 0.5, 1.0])
    def test_the_words_at_the_end_stay_clear_of_the_axis(self, value: float) -> None:
        points = [charts.Point(x, value, 0.0, 1.0) for x in (0, 1)]
        svg = charts.line(points, label="x", x_axis=charts.XAxis([(0, "a"), (1, "b")]), y_range=(0.0, 1.0), height=200)
        words = [node for node in ElementTree.fromstring(svg).iter() if node.text and node.text.startswith("[")]
        assert [float(node.attrib["y"]) <= 200 - charts.FOOT for node in words] == [True]

    def test_ticks_are_round_and_cover(self) -> None:
        for low, high in ((0.0, 1.0), (0.82, 0.93), (3, 4000), (0.5, 0.5)):
            steps = charts.ticks(low, high)
            assert steps[0] <= low and steps[-1] >= high
            assert len(steps) <= 8

    def test_heat_has_five_steps(self) -> None:
        assert [charts.heat_step(share) for share in (0.01, 0.03, 0.07, 0.12, 0.5)] == [1, 2, 3, 4, 5]


def test_reports_are_json(stand: Any) -> None:
    project, _, _ = stand
    body = Report.objects.filter(kind="performance")[0].body
    assert json.loads(json.dumps(body, allow_nan=False)) == body
