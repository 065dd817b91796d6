"""Releases of thresholds and policies: immutable versions, one act at a time, applied and captured by predict."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from annotation.models import Prediction
from projects.models import AuditEvent, Project, Role, User
from retraining import registry, release, released, rule_release, serving
from retraining.learning.decision_rules import PolicyBody, ThresholdBody, valid_policy
from retraining.models import DecisionRule, Release, RuleKind
from retraining.release_record import CannotRelease, Stale
from tests.factories import make_item, make_prediction, make_project, make_user
from tests.retraining.scenarios import LABELS, judged, learn, make_champion, make_numeric_project, make_version

pytestmark = pytest.mark.django_db
HAM = {"x": -0.4, "y": 0.0}
LOW = ThresholdBody({"spam": 0.001})


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project("mail")
    learn(project, 4)
    make_champion(project)
    return project


@pytest.fixture
def ada(project: Project) -> User:
    return make_user("ada", project, Role.ENGINEER)


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


def put(project: Project, body: ThresholdBody | PolicyBody, **options: Any) -> Release:
    given = {"by": None, "reason": "fewer misses", "at": timezone.now(), **options}
    return rule_release.release_rule(project, body, **given)


def back(project: Project, kind: RuleKind = RuleKind.THRESHOLD, **options: Any) -> Release:
    given = {"by": None, "reason": "too many alarms", "at": timezone.now(), **options}
    return rule_release.roll_back_rule(project, kind, **given)


def policy(*bands: tuple[float, str]) -> PolicyBody:
    return valid_policy("spam", bands, LABELS)


def ask(project: Project, key: str) -> serving.RowPrediction:
    project = Project.objects.get(pk=project.pk)
    return serving.predict(project, inputs=[HAM], keys=[key], at=timezone.now()).answers[0]


def test_predict_applies_both_and_captures_what_it_applied(project: Project) -> None:
    assert (ask(project, "a").label, ask(project, "b").decision) == ("ham", "approve")
    put(project, LOW)
    put(project, policy((0, "challenge"), (0.9, "block")))
    answer = ask(project, "c")
    assert (answer.label, answer.decision) == ("spam", "challenge")
    row = Prediction.objects.get(item__key="c")
    assert (row.label, row.threshold_version, row.policy_version, row.decision) == ("spam", "t1", "p1", "challenge")
    again = ask(project, "c")
    assert (again.label, again.decision) == ("spam", "challenge"), "the same key again gets the stored decision"
    back(project)
    assert (ask(project, "d").label, ask(project, "c").label) == ("ham", "spam")


def test_a_rule_costs_one_query_and_none_where_there_is_none(project: Project, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert rule_release.rules_in_force(project) == (None, None)
    put(project, LOW)
    put(project, policy((0, "review")))
    project.refresh_from_db()
    with django_assert_num_queries(1):
        assert rule_release.rules_in_force(project) == (LOW, policy((0, "review")))


def test_each_release_is_a_row_and_an_event_with_its_reason(project: Project, ada: User) -> None:
    made = put(project, LOW, by=ada)
    assert (made.kind, made.tag, made.previous_tag, made.by, made.reason) == (
        "threshold",
        "t1",
        "",
        ada,
        "fewer misses",
    )
    event = AuditEvent.objects.get(action="threshold.promote")
    assert (event.actor, event.target, event.details["reason"]) == ("user:ada", "t1", "fewer misses")
    assert back(project).previous_tag == "t1" and AuditEvent.objects.filter(action="threshold.roll_back").exists()


def test_equal_content_keeps_its_version_and_changes_nothing_twice(project: Project) -> None:
    first = put(project, LOW)
    assert put(project, LOW) == first
    put(project, ThresholdBody({"spam": 0.2}))
    assert put(project, LOW).tag == "t1" and DecisionRule.objects.count() == 2
    assert [one.tag for one in Release.objects.filter(kind="threshold").order_by("pk")] == ["t1", "t2", "t1"]


def test_a_roll_back_ends_at_none_and_a_double_one_is_once(project: Project) -> None:
    put(project, LOW)
    first = back(project, expected="t1")
    assert first.tag == "" and back(project, expected="t1") == first
    with pytest.raises(CannotRelease, match="No threshold is in force"):
        back(project)
    with pytest.raises(CannotRelease, match="No policy is in force"):
        back(project, RuleKind.POLICY)


def test_a_stale_view_and_an_empty_reason_are_refused(project: Project) -> None:
    put(project, LOW)
    with pytest.raises(Stale, match="t1 is in force now, not none"):
        put(project, ThresholdBody({"spam": 0.3}), expected="")
    with pytest.raises(CannotRelease, match="Say why"):
        put(project, ThresholdBody({"spam": 0.3}), reason=" ")
    assert DecisionRule.objects.count() == 1


def test_services_get_the_thresholds(project: Project) -> None:
    before = released.released_for(project, "")
    put(project, LOW)
    found = released.released_for(project, "")
    assert (found.threshold_version, found.thresholds) == ("t1", {"spam": 0.001}) and found.digest != before.digest


def test_the_command_rolls_back_each_kind(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    put(project, LOW)
    call_command("roll_back", "mail", kind="threshold", reason="too many alarms", json=True)
    assert json.loads(capsys.readouterr().out) == {"threshold": None, "previous": "t1"}


class TestCapturedVersions:
    """A version that runs elsewhere is released too: its services ask which one to use."""

    @pytest.fixture
    def foreign(self, project: Project) -> str:
        make_prediction(make_item(project), [0.9, 0.1], model_version="router-7")
        return "router-7"

    def test_is_named_to_services_and_rolled_back_like_any(self, project: Project, foreign: str) -> None:
        call_command("promote", "mail", foreign, reason="theirs is better")
        assert released.released_for(project, "").model_version == foreign
        status = release.release_status(Project.objects.get(pk=project.pk))
        assert (status.champion, status.live, status.before) == (None, foreign, "v1")
        assert registry.incumbent(Project.objects.get(pk=project.pk)).tag == foreign
        with pytest.raises(serving.NothingToServe, match="router-7 is live, and it runs elsewhere"):
            ask(project, "a")
        call_command("roll_back", "mail", reason="worse")
        assert released.released_for(project, "").model_version == "v1" and ask(project, "a").label == "ham"

    def test_goes_back_to_it_after_a_version_trained_here(self, project: Project, foreign: str) -> None:
        call_command("promote", "mail", foreign, reason="theirs is better")
        version = judged(make_version(project))
        release.promote(version, by=None, reason="ours is better", at=timezone.now())
        call_command("roll_back", "mail", reason="worse")
        assert released.released_for(project, "").model_version == foreign

    @pytest.mark.parametrize(("tag", "words"), [("router-8", "There is no version router-8"), ("v1", "trained here")])
    def test_takes_only_what_was_captured(self, project: Project, foreign: str, tag: str, words: str) -> None:
        with pytest.raises(CannotRelease, match=words):
            release.promote_captured(project, tag, by=None, reason="x", at=timezone.now())

    def test_the_page_names_it_as_what_was_before(self, project: Project, foreign: str, page: Client) -> None:
        call_command("promote", "mail", foreign, reason="theirs is better")
        version = judged(make_version(project))
        release.promote(version, by=None, reason="ours is better", at=timezone.now())
        shown = page.get("/p/mail/releases/").content.decode()
        assert "router-7, which runs elsewhere" in shown and "Roll back to router-7" in shown
        assert "items are not scored again" in shown and "scored again by it" not in shown

    def test_the_page_says_where_it_runs(self, project: Project, foreign: str, page: Client) -> None:
        call_command("promote", "mail", foreign, reason="theirs is better")
        assert b"router-7 is released and runs elsewhere" in page.get("/p/mail/releases/").content


class TestPage:
    def test_releases_and_takes_back_a_threshold(self, project: Project, page: Client) -> None:
        sent = {"lines": "spam 0.35\n", "reason": "fewer misses", "expected": ""}
        shown = page.post("/p/mail/releases/threshold/", sent, follow=True).content.decode()
        assert "Released threshold t1. It holds from the next request on." in shown and "spam from 0.350." in shown
        shown = page.post(
            "/p/mail/releases/threshold/roll-back/", {"reason": "alarms", "expected": "t1"}, follow=True
        ).content.decode()
        assert "Rolled back. No threshold is in force." in shown

    def test_proposes_the_cheapest_bands_where_costs_are_known(self, project: Project, page: Client) -> None:
        costs = {"false_positive": 1, "false_negative": 20, "review": 0.5}
        Project.objects.update(costs=costs, positive="spam")
        shown = page.get("/p/mail/releases/").content.decode()
        assert "0 approve\n0.025 review\n0.5 block" in shown
        sent = {"lines": "0 approve\n0.025 review\n0.5 block", "score_of": "spam", "reason": "costs", "expected": ""}
        page.post("/p/mail/releases/policy/", sent)
        assert ask(project, "a").decision in ("review", "block")

    @pytest.mark.parametrize(
        ("kind", "lines", "words"),
        [
            ("threshold", "junk 0.5", "is not one of the labels"),
            ("threshold", "spam much", "is no number from 0 to 1"),
            ("threshold", "spam 0.3\nspam 0.4", "spam has two lines"),
            ("policy", "0 approve\n0.60 review\n0.6 block", "0.6 has two lines"),
            ("threshold", "spam", "Line 1 takes two parts"),
            ("policy", "0.5 review", "The first band begins at 0"),
            ("policy", "", "Give one line or more."),
        ],
    )
    def test_refuses_what_is_no_rule_in_a_sentence(
        self, project: Project, page: Client, kind: str, lines: str, words: str
    ) -> None:
        refused = page.post(f"/p/mail/releases/{kind}/", {"lines": lines, "reason": "x", "expected": ""})
        assert refused.status_code == 422 and words in refused.content.decode()
        assert not DecisionRule.objects.exists()

    def test_is_for_engineers(self, project: Project, client: Client) -> None:
        client.force_login(make_user("bob", project, Role.REVIEWER))
        sent = {"lines": "spam 0.35", "reason": "x", "expected": ""}
        assert client.post("/p/mail/releases/threshold/", sent).status_code == 403


class TestWithoutClasses:
    """Answers that are not classes have no scores, so a threshold or a policy would have no effect."""

    @pytest.fixture
    def boxes(self) -> Project:
        return make_project("scans", kind="boxes", labels=["tumour"], inputs={"scan": {"type": "image"}})

    def test_neither_kind_of_rule_is_released(self, boxes: Project) -> None:
        for body in (ThresholdBody({"tumour": 0.3}), PolicyBody("", policy((0, "review")).bands)):
            with pytest.raises(CannotRelease, match="no scores"):
                put(boxes, body)
        assert not DecisionRule.objects.exists()

    def test_the_page_offers_neither_and_refuses_what_is_sent(self, boxes: Project, client: Client) -> None:
        client.force_login(make_user("ada", boxes, Role.ENGINEER))
        shown = client.get("/p/scans/releases/").content.decode()
        assert "Release the" not in shown and "naive baseline" not in shown
        assert "No model is trained here" in shown
        for kind, lines in (("threshold", "tumour 0.3"), ("policy", "0 review")):
            refused = client.post(f"/p/scans/releases/{kind}/", {"lines": lines, "reason": "x", "expected": ""})
            assert refused.status_code == 409 and "they have no scores" in refused.content.decode()

    def test_one_that_is_in_force_already_is_rolled_back(self, boxes: Project, client: Client) -> None:
        client.force_login(make_user("ada", boxes, Role.ENGINEER))
        Project.objects.filter(pk=boxes.pk).update(threshold_version="t1")
        shown = client.get("/p/scans/releases/").content.decode()
        assert "Roll back t1" in shown and "Release the" not in shown
