"""Rollouts: sticky arms, shares that grow, rules that roll back by themselves, and a shadow that answers nobody."""

from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from annotation.models import Item, Prediction, Signal, Source
from jobs import execution
from jobs.models import Job
from projects.models import AuditEvent, Project, Role
from retraining import release, released, rollout, rollout_arms, rollout_looks, rule_release, serving
from retraining.learning.decision_rules import ThresholdBody
from retraining.models import ModelVersion, Release, Rollout, RolloutLook, RolloutMode, RolloutState
from retraining.release_record import CannotRelease, ReleaseAct
from tests.factories import make_item, make_prediction, make_user
from tests.retraining.scenarios import judged, learn, make_champion, make_numeric_project, make_version, resolve

pytestmark = pytest.mark.django_db
SPAM = {"x": 1.5, "y": 0.0}


@pytest.fixture
def project(artifact_home: Any) -> Project:
    """v1 is live, v2 is judged against it."""
    project = make_numeric_project("mail", safe_default="ham")
    learn(project, 4)
    make_champion(project)
    learn(project, 1, at=timezone.now())
    make_version(project)
    return Project.objects.get(pk=project.pk)


def act(reason: str = "a try") -> ReleaseAct:
    return ReleaseAct(None, reason, timezone.now())


def canary(project: Project, *shares: float, mode: RolloutMode = RolloutMode.CANARY) -> Rollout:
    return rollout.begin(project, "v2", mode, act(), shares=shares or (0.5, 0.9))


def ask(project: Project, key: str, entity: str = "") -> serving.PredictionResult:
    fresh = Project.objects.get(pk=project.pk)
    return serving.predict(fresh, inputs=[SPAM], keys=[key], at=timezone.now(), entity=entity)


def seen(found: Rollout, arms: dict[str, int], *, overridden: dict[str, int], step: int = 0) -> None:
    """Decisions of both arms, of which so many were overridden."""
    at = found.steps[step][1] + timedelta(seconds=1)
    for stage, n in arms.items():
        for number in range(n):
            item = make_item(found.project, inputs=SPAM)
            make_prediction(item, [0.1, 0.9], model_version="v2", stage=stage, source=Source.SERVED, at=at)
            if number < overridden[stage]:
                Signal.objects.create(
                    **{"project": found.project, "key": f"o{item.pk}", "prediction_key": item.key, "item": item},
                    **{"kind": "override", "body_hash": "0" * 64, "at": at, "captured_at": at},
                )


def decided(
    found: Rollout, entity: str, stage: str, *, step: int = 0, seconds: int = 1, degraded: bool = False
) -> None:
    """One more decision about this entity."""
    said: dict[str, Any] = {"model_version": "v2", "stage": stage, "source": Source.SERVED, "degraded": degraded}
    at = found.steps[step][1] + timedelta(seconds=seconds)
    make_prediction(make_item(found.project, inputs=SPAM), [0.1, 0.9], **said, entity=entity, at=at)


def do_job(found: Rollout) -> None:
    rollout_looks.watch(timezone.now())
    job = Job.objects.filter(kind="retraining.rollout", payload__rollout=found.pk).latest("pk")
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    execution.run(job.pk)


class TestArms:
    def test_an_entity_stays_in_its_arm_and_none_leaves_the_canary_as_it_grows(self, project: Project) -> None:
        found = canary(project, 0.2, 0.6)
        names = [f"customer-{number}" for number in range(2000)]
        before = {name for name in names if rollout_arms.in_canary(found, name)}
        assert abs(len(before) / len(names) - 0.2) < 0.05
        after = rollout.raise_share(found, act())
        grown = {name for name in names if rollout_arms.in_canary(after, name)}
        assert before < grown and abs(len(grown) / len(names) - 0.6) < 0.05

    def test_predict_answers_by_the_arm_and_captures_it(self, project: Project) -> None:
        found = canary(project)
        for number in range(12):
            inside = rollout_arms.in_canary(found, f"c{number}")
            answer = ask(project, f"k{number}", entity=f"c{number}")
            assert (answer.stage, answer.model_version) == (("canary", "v2") if inside else ("champion", "v1"))
            row = Prediction.objects.get(item__key=f"k{number}")
            assert (row.stage, row.entity, row.degraded) == (answer.stage, f"c{number}", False)
            assert ask(project, f"k{number}", entity=f"c{number}").stage == answer.stage

    def test_services_are_sent_to_the_same_arm(self, project: Project) -> None:
        found = canary(project)
        for number in range(12):
            inside = rollout_arms.in_canary(found, f"c{number}")
            answer = released.released_for(project, f"c{number}")
            assert (answer.stage, answer.model_version) == (("canary", "v2") if inside else ("champion", "v1"))
        assert released.released_for(project, "").stage == "champion"

    def test_a_canary_that_fails_is_answered_for_by_the_champion_in_its_arm(self, project: Project) -> None:
        found = canary(project, 0.999)
        ModelVersion.objects.filter(pk=found.version_id).update(signature="0" * 64)
        answer = ask(project, "a")
        assert (answer.stage, answer.model_version, answer.degraded) == ("canary", "v1", True)

    def test_a_canary_that_runs_elsewhere_is_answered_for_by_the_champion_and_counts_for_no_arm(
        self, project: Project
    ) -> None:
        make_prediction(make_item(project, inputs=SPAM), [0.1, 0.9], model_version="theirs", source=Source.CAPTURED)
        rollout.begin(project, "theirs", RolloutMode.CANARY, act(), shares=(0.999,))
        answer = ask(project, "a")
        assert (answer.stage, answer.model_version, answer.degraded) == ("champion", "v1", True)
        assert Prediction.objects.get(item__key="a").entity == ""

    def test_a_canary_answers_beside_a_champion_that_runs_elsewhere(self, project: Project) -> None:
        make_prediction(make_item(project, inputs=SPAM), [0.1, 0.9], model_version="theirs", source=Source.CAPTURED)
        release.promote_captured(project, "theirs", by=None, reason="better", at=timezone.now())
        found = rollout.begin(Project.objects.get(pk=project.pk), "v2", RolloutMode.CANARY, act(), shares=(0.5,))
        for number in range(6):
            answer = ask(project, f"k{number}", entity=f"c{number}")
            inside = rollout_arms.in_canary(found, f"c{number}")
            expected = ("canary", "v2", False) if inside else ("champion", serving.SAFE_DEFAULT, True)
            assert (answer.stage, answer.model_version, answer.degraded) == expected

    def test_costs_nothing_while_none_runs(self, project: Project, django_assert_max_num_queries: Any) -> None:
        ask(project, "a")
        with django_assert_max_num_queries(20):
            ask(project, "b")


class TestActs:
    def test_each_is_a_row_and_an_event_with_its_reason(self, project: Project) -> None:
        found = canary(project)
        rollout.raise_share(found, act("held for a day"))
        call_command("roll_back", "mail", reason="complaints")
        acts = list(Release.objects.order_by("pk").values_list("act", "reason"))[1:]
        assert acts == [("canary", "a try"), ("raise", "held for a day"), ("roll_back", "complaints")]
        events = AuditEvent.objects.filter(action__startswith="release.").order_by("sequence")
        assert [one.action for one in events][1:] == ["release.canary", "release.raise", "release.roll_back"]
        project.refresh_from_db()
        assert (project.champion_version, project.canary_version) == ("v1", "")
        assert Rollout.objects.get().state == RolloutState.ROLLED_BACK

    def test_never_two_at_once(self, project: Project) -> None:
        canary(project)
        third = judged(make_version(project))
        with pytest.raises(CannotRelease, match="v2 runs beside v1 already"):
            rollout.begin(project, "v3", RolloutMode.SHADOW, act())
        with pytest.raises(rollout.CanaryRuns, match="v2 answers as a canary"):
            release.promote(third, by=None, reason="better", at=timezone.now())
        with pytest.raises(rollout.CanaryRuns):
            rule_release.release_rule(project, ThresholdBody({}), by=None, reason="x", at=timezone.now())

    def test_promoting_it_ends_it(self, project: Project) -> None:
        found = canary(project)
        release.promote(ModelVersion.objects.get(number=2), by=None, reason="held", at=timezone.now())
        found.refresh_from_db()
        project.refresh_from_db()
        assert (found.state, project.champion_version, project.canary_version) == ("promoted", "v2", "")
        assert ask(project, "a").stage == "champion"

    def test_a_double_click_raises_and_ends_once(self, project: Project) -> None:
        found = canary(project)
        for _ in range(2):
            assert rollout.raise_share(found, act(), expected=0.5).share == 0.9
        assert rollout.end(found, act()) == rollout.end(found, act())
        with pytest.raises(CannotRelease, match="has no next share"):
            rollout.raise_share(found, act())

    def test_one_that_was_promoted_cannot_be_ended(self, project: Project) -> None:
        found = canary(project)
        release.promote(ModelVersion.objects.get(number=2), by=None, reason="held", at=timezone.now())
        with pytest.raises(CannotRelease, match="v2 was promoted"):
            rollout.end(found, act())

    def test_the_roll_back_of_a_canary_leaves_the_champion_live_since_its_promotion(self, project: Project) -> None:
        since = release.live_since(project)
        rollout.end(canary(project), act())
        assert release.live_since(project) == since == release.serves_since(ModelVersion.objects.get(number=1))
        release.promote(ModelVersion.objects.get(number=2), by=None, reason="held", at=timezone.now())
        back = release.roll_back(project, by=None, reason="worse", at=timezone.now())
        assert Release.objects.count() == 5 and release.live_since(Project.objects.get()) == back.at

    @pytest.mark.parametrize(
        ("tag", "shares", "words"),
        [("v1", (), "live already"), ("v9", (), "no version v9"), ("v2", (0.5, 0.1), "rise"), ("v2", (1.0,), "rise")],
    )
    def test_refuses_what_cannot_run_beside(
        self, project: Project, tag: str, shares: tuple[float, ...], words: str
    ) -> None:
        with pytest.raises(CannotRelease, match=words):
            rollout.begin(project, tag, RolloutMode.CANARY, act(), shares=shares)
        assert not Rollout.objects.exists()


class TestLooks:
    def test_twice_the_overrides_roll_it_back_and_name_the_rule(self, project: Project) -> None:
        found = canary(project)
        seen(found, {"canary": 120, "champion": 120}, overridden={"canary": 60, "champion": 15})
        do_job(found)
        found.refresh_from_db()
        assert (found.state, found.stopped_by) == ("rolled_back", "overrides")
        made = Release.objects.latest("pk")
        assert made.automatic and made.reason.startswith("Override rate at least") and made.act == "roll_back"
        assert ask(project, "a").stage == "champion"

    def test_a_rule_that_is_broken_as_a_person_promotes_it_changes_nothing(self, project: Project) -> None:
        found = canary(project)
        seen(found, {"canary": 120, "champion": 120}, overridden={"canary": 60, "champion": 15})
        body = rollout_looks.compare_arms(found)
        release.promote(ModelVersion.objects.get(number=2), by=None, reason="held", at=timezone.now())
        assert rollout_looks.act_on(found, body, at=timezone.now()) == ""
        assert Project.objects.get().champion_version == "v2"

    def test_equal_arms_stay_and_a_look_without_news_is_kept_once(self, project: Project) -> None:
        found = canary(project)
        seen(found, {"canary": 30, "champion": 30}, overridden={"canary": 3, "champion": 3})
        do_job(found)
        assert rollout_looks.act_on(found, rollout_looks.compare_arms(found), at=timezone.now()) == ""
        found.refresh_from_db()
        assert found.state == "running" and RolloutLook.objects.count() == 1

    def test_an_entity_counts_once_and_in_the_step_in_which_it_came(self, project: Project) -> None:
        found = canary(project)
        at = found.started_at + timedelta(seconds=1)
        for number in range(5):
            item = make_item(project, inputs=SPAM)
            said = {"model_version": "v2", "stage": "canary", "source": Source.SERVED}
            make_prediction(item, [0.1, 0.9], **said, entity=f"c{number % 2}", at=at + timedelta(seconds=number))
        assert [one.step for one in rollout_arms.units(found)] == [0, 0]

    def test_an_entity_that_the_canary_begins_to_fail_counts_as_failed(self, project: Project) -> None:
        found = canary(project)
        decided(found, "c0", "canary")
        decided(found, "c0", "canary", degraded=True)
        failed = next(one for one in rollout_looks.compare_arms(found).rules if one.rule == "exceptions")
        assert (failed.canary, failed.canary_events) == (1, 1)

    def test_a_larger_share_compares_those_whose_arm_it_draws(self, project: Project) -> None:
        """Of those that the champion answered 4 of 5 come into the canary as it goes from half to nine tenths."""
        found = canary(project, 0.5, 0.9)
        decided(found, "moves", "champion", seconds=0)
        decided(found, "stays", "canary", seconds=0)
        found = rollout.raise_share(found, act())
        for entity in ("moves", "stays", "new"):
            decided(found, entity, "canary", step=1)
        assert [(one.step, one.canary, round(one.chance, 9)) for one in rollout_arms.units(found)] == [
            (0, False, 0.5),
            (0, True, 0.5),
            (1, True, 0.8),
            (1, True, 0.9),
        ]
        ratio = rollout_looks.compare_arms(found).ratio
        assert (ratio.canary, ratio.units, round(ratio.expected, 9)) == (3, 4, 2.7)

    def test_of_a_step_with_too_many_decisions_the_newest_count(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rollout_arms, "MOST_DECISIONS", 3)
        found = canary(project)
        for number in range(5):
            decided(found, f"c{number}", "canary", seconds=number, degraded=number == 4)
        failed = next(one for one in rollout_looks.compare_arms(found).rules if one.rule == "exceptions")
        assert (failed.canary, failed.canary_events) == (3, 1)

    def test_arms_that_are_not_as_planned_hold_everything_but_failed_answers(self, project: Project) -> None:
        found = canary(project)
        seen(found, {"canary": 220, "champion": 60}, overridden={"canary": 120, "champion": 5})
        body = rollout_looks.compare_arms(found)
        assert body.ratio.held and [one.rule for one in body.rules if one.state == "broken"] == ["overrides"]
        assert rollout_looks.act_on(found, body, at=timezone.now()) == ""
        for do in (
            lambda: rollout.raise_share(found, act()),
            lambda: release.promote(ModelVersion.objects.get(number=2), by=None, reason="x", at=timezone.now()),
        ):
            with pytest.raises(CannotRelease, match="do not come into the arms of v2 and v1 as planned"):
                do()
        found.refresh_from_db()
        assert (found.state, found.share) == ("running", 0.5)
        Prediction.objects.filter(project=project, stage="canary").update(degraded=True)
        assert rollout_looks.act_on(found, rollout_looks.compare_arms(found), at=timezone.now()) == "exceptions"

    def test_only_audited_items_count_for_the_error(self, project: Project) -> None:
        found = canary(project)
        seen(found, {"canary": 4, "champion": 0}, overridden={"canary": 0, "champion": 0})
        first, second, third, _ = Item.objects.filter(predictions__stage="canary").order_by("pk")
        resolve(first, "ham", evaluation=True, at=timezone.now())
        resolve(second, "spam", evaluation=True, at=timezone.now())
        resolve(third, "ham", at=timezone.now())
        errors = next(one for one in rollout_looks.compare_arms(found).rules if one.rule == "errors")
        assert (errors.canary, errors.canary_events) == (2, 1)

    def test_answers_without_a_time_are_not_gone_through_for_ever(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rollout, "MOST_LOOKED_AT", 20)
        for number in range(40):
            said: dict[str, Any] = {"model_version": "v1", "source": Source.SERVED}
            at = timezone.now() + timedelta(seconds=number)
            make_prediction(
                make_item(project, inputs=SPAM), [0.1, 0.9], **said, at=at, latency_ms=1.0 if number < 20 else None
            )
        assert canary(project).slow_ms is None

    def test_slow_is_what_one_in_twenty_of_the_champions_answers_was(self, project: Project) -> None:
        for number in range(40):
            item = make_item(project, inputs=SPAM)
            make_prediction(item, [0.1, 0.9], model_version="v1", latency_ms=float(number), source=Source.SERVED)
        assert canary(project).slow_ms == pytest.approx(np.quantile(np.arange(40.0), 0.95))


class TestShadow:
    def test_answers_nobody_and_what_it_says_otherwise_is_listed(self, project: Project) -> None:
        found = rollout.begin(project, "v2", RolloutMode.SHADOW, act())
        assert [ask(project, key).model_version for key in ("a", "b")] == ["v1", "v1"]
        do_job(found)
        assert rollout_looks.compared(found) == 2 and not rollout_looks.disagreements(found).exists()
        Prediction.objects.filter(item__key="b", model_version="v2").update(label="ham")
        assert [item.key for item in rollout_looks.disagreements(found)] == ["b"]
        do_job(found)
        assert Prediction.objects.filter(model_version="v2", source=Source.RESCORED).count() == 2

    def test_follows_the_threshold_in_force_as_what_serves_does(self, project: Project) -> None:
        rule_release.release_rule(project, ThresholdBody({"spam": 1.0}), by=None, reason="x", at=timezone.now())
        found = rollout.begin(project, "v2", RolloutMode.SHADOW, act())
        assert ask(project, "a").answers[0].label == "ham", "though spam has the larger score"
        do_job(found)
        assert rollout_looks.compared(found) == 1 and not rollout_looks.disagreements(found).exists()

    def test_scores_only_what_was_captured_since(self, project: Project) -> None:
        old = make_item(project, inputs=SPAM, captured_at=timezone.now() - timedelta(days=1))
        found = rollout.begin(project, "v2", RolloutMode.SHADOW, act())
        make_prediction(old, [0.1, 0.9], model_version="v1", source=Source.SERVED, at=timezone.now())
        do_job(found)
        assert not Prediction.objects.filter(item=old, model_version="v2").exists()

    def test_lets_releases_be_made_and_ends_without_changing_what_serves(self, project: Project) -> None:
        found = rollout.begin(project, "v2", RolloutMode.SHADOW, act())
        rule_release.release_rule(project, ThresholdBody({"spam": 0.4}), by=None, reason="x", at=timezone.now())
        assert rollout.end(found, act()).act == "end"
        project.refresh_from_db()
        assert (project.champion_version, project.threshold_version) == ("v1", "t1")


class TestPage:
    ADDRESS = "/p/mail/releases/"

    @pytest.fixture
    def page(self, client: Client, project: Project) -> Client:
        client.force_login(make_user("ada", project, Role.ENGINEER))
        return client

    def test_begins_grows_and_ends_a_canary(self, project: Project, page: Client) -> None:
        sent = {"version": "v2", "mode": "canary", "reason": "a try"}
        assert page.post(f"{self.ADDRESS}beside/", sent).status_code == 302
        found = Rollout.objects.get()
        shown = page.get(self.ADDRESS).content.decode()
        assert "v2 answers 1 %; nothing was looked at yet" in shown and "Raise to 10 %" in shown
        form = shown[shown.index('action="/p/mail/releases/beside/end/"') :]
        assert form[form.index("<button") :].startswith("<button hidden disabled>"), "Enter in a field raises nothing"
        for _ in range(2):  # a double click
            page.post(f"{self.ADDRESS}beside/raise/", {"reason": "held", "rollout": found.pk, "share": "0.01"})
        found.refresh_from_db()
        assert found.share == 0.1
        page.post(f"{self.ADDRESS}beside/end/", {"reason": "enough", "rollout": found.pk})
        project.refresh_from_db()
        assert project.canary_version == "" and page.get(self.ADDRESS).status_code == 200

    def test_shows_a_tile_for_each_rule_with_its_chart(self, project: Project, page: Client) -> None:
        found = canary(project)
        for step in range(3):
            seen(found, {"canary": 20, "champion": 20}, overridden={"canary": 1, "champion": 1})
            at = found.started_at + timedelta(minutes=step)
            assert rollout_looks.act_on(found, rollout_looks.compare_arms(found), at=at) == ""
        shown = page.get(self.ADDRESS).content.decode()
        assert shown.count("canary minus champion, in points") == 2, "nothing is audited or timed"
        assert "No decision counts for it yet." in shown and "60 of 120 entities, planned 60." in shown

    def test_a_tab_that_shows_an_earlier_canary_changes_nothing_of_the_one_that_runs(
        self, project: Project, page: Client
    ) -> None:
        old = canary(project)
        rollout.end(old, act())
        now = canary(project)
        for address in ("raise", "end"):
            refused = page.post(f"{self.ADDRESS}beside/{address}/", {"reason": "x", "rollout": old.pk, "share": "0.5"})
            assert refused.status_code == 409 and "v2 ended before" in refused.content.decode()
        now.refresh_from_db()
        assert (now.state, now.share) == ("running", 0.5)

    def test_promotes_a_canary_that_runs_elsewhere_once(self, project: Project, page: Client) -> None:
        make_prediction(make_item(project, inputs=SPAM), [0.1, 0.9], model_version="theirs", source=Source.CAPTURED)
        found = rollout.begin(project, "theirs", RolloutMode.CANARY, act())
        assert "Promote theirs" in page.get(self.ADDRESS).content.decode()
        sent = {"rollout": found.pk, "version": "theirs", "reason": "held"}
        assert page.post(f"{self.ADDRESS}beside/promote/", sent | {"version": "their"}).status_code == 422
        for _ in range(2):  # a double click
            assert page.post(f"{self.ADDRESS}beside/promote/", sent).status_code == 302
        found.refresh_from_db()
        project.refresh_from_db()
        assert (found.state, project.champion_version, project.canary_version) == ("promoted", "theirs", "")
        assert Release.objects.filter(act="promote").count() == 2

    def test_does_not_promote_a_canary_that_was_rolled_back(self, project: Project, page: Client) -> None:
        make_prediction(make_item(project, inputs=SPAM), [0.1, 0.9], model_version="theirs", source=Source.CAPTURED)
        found = rollout.begin(project, "theirs", RolloutMode.CANARY, act())
        rollout.end(found, act())
        refused = page.post(
            f"{self.ADDRESS}beside/promote/", {"rollout": found.pk, "version": "theirs", "reason": "held"}
        )
        project.refresh_from_db()
        assert refused.status_code == 409 and project.champion_version == "v1"

    def test_rules_without_a_decision_do_not_hold_it(self, project: Project, page: Client) -> None:
        found = canary(project)
        body = rollout_looks.compare_arms(found)
        RolloutLook.objects.create(rollout=found, at=timezone.now(), body=msgspec.to_builtins(body))
        assert "Hold v2 at 50 %: no decision counts yet" in page.get(self.ADDRESS).content.decode()
        rules = [
            msgspec.structs.replace(one, canary=9, champion=9, state="holds") if number % 2 else one
            for number, one in enumerate(body.rules)
        ]
        later = msgspec.to_builtins(msgspec.structs.replace(body, rules=tuple(rules)))
        RolloutLook.objects.create(rollout=found, at=timezone.now(), body=later)
        shown = page.get(self.ADDRESS).content.decode()
        assert "v2 may have more: every guardrail with decisions holds" in shown
        assert "override rate and slow answers not known" in shown

    def test_what_the_shadow_says_otherwise_goes_into_a_queue(self, project: Project, page: Client) -> None:
        found = rollout.begin(project, "v2", RolloutMode.SHADOW, act())
        ask(project, "a")
        do_job(found)
        Prediction.objects.filter(item__key="a", model_version="v2").update(label="ham")
        assert "1 differently" in page.get(self.ADDRESS).content.decode()
        assert page.get(f"{self.ADDRESS}shadow/").status_code == 200
        page.post(f"{self.ADDRESS}shadow/queue/")
        again = page.post(f"{self.ADDRESS}shadow/queue/")
        assert again.status_code == 409 and "has items that wait already" in again.content.decode()
        assert project.queues.get(title="v2 in the shadow of v1").routed_items.count() == 1

    @pytest.mark.parametrize(
        ("sent", "status", "words"),
        [
            ({"version": "v9", "mode": "canary", "reason": "x"}, 409, "no version v9"),
            ({"version": "", "mode": "canary", "reason": "x"}, 422, "Name a version"),
            ({"version": "v2", "mode": "canary", "reason": ""}, 422, "Say why"),
        ],
    )
    def test_refuses_in_a_sentence(
        self, project: Project, page: Client, sent: dict[str, str], status: int, words: str
    ) -> None:
        refused = page.post(f"{self.ADDRESS}beside/", sent)
        assert refused.status_code == status and words in refused.content.decode()

    def test_without_one_there_is_nothing_to_end(self, project: Project, page: Client) -> None:
        assert page.post(f"{self.ADDRESS}beside/end/", {"reason": "x"}).status_code == 404
