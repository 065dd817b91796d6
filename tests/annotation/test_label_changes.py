"""Merges, new stored values and splits of labels are carried over to what was given and agreed, and can be undone."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from analysis import samples
from analysis.item_filters import parse_filters
from analysis.items import select
from annotation import label_change_jobs, label_changes, labels, resolution
from annotation.capture.storage import capture_rows
from annotation.label_changes import ChangeRequest
from annotation.models import (
    Cause,
    Label,
    LabelChange,
    LabelRevision,
    LabelState,
    Resolution,
    RoutedItem,
    RoutedState,
    Signal,
)
from annotation.score_order import ScoreOrder
from annotation.signals.claims import claims_about
from jobs import execution, faults
from jobs.models import Job, JobState
from projects.models import AuditEvent, Project, Role, User
from projects.project_settings import BadSpec
from projects.settings_versions import StaleSettings, fingerprint
from retraining import datasets
from tests.annotation.labelling_scenario import LabellingScenario, make_scenario
from tests.factories import NOW, make_item, make_prediction, make_user

pytestmark = pytest.mark.django_db
SPAM = ChangeRequest("merge", ("junk", "scam"), ("spam",))


@pytest.fixture
def scenario() -> LabellingScenario:
    return make_scenario(labels=("ham", "junk", "scam", "spam"))


@pytest.fixture
def eva(scenario: LabellingScenario) -> User:
    return make_user("eva", scenario.project, Role.ENGINEER)


def reload(scenario: LabellingScenario) -> Project:
    scenario.project = Project.objects.get(pk=scenario.project.pk)
    return scenario.project


def give(scenario: LabellingScenario, *values: str, person: User | None = None, cause: Cause = Cause.UNCERTAIN) -> None:
    """Ask an item for each of these labels and let a person give it."""
    who = person or scenario.alice
    for value in values:
        scenario.ask(cause=cause)
        said = labels.submit(scenario.project, scenario.token(who), value=value, by=who, at=scenario.tick())
        assert said.status == "created", said.error


def start(scenario: LabellingScenario, asked: ChangeRequest, by: User, *, base: str = "") -> LabelChange:
    project = reload(scenario)
    base = base or fingerprint(project.schema().labels)
    return label_changes.start_change(project, asked, base=base, reason="", by=by, at=timezone.now())


def change(scenario: LabellingScenario, asked: ChangeRequest, by: User) -> LabelChange:
    made = start(scenario, asked, by)
    run(made)
    reload(scenario)
    made.refresh_from_db()
    assert made.finished_at is not None
    return made


def run(made: LabelChange) -> None:
    assert made.job is not None
    execution.run(made.job.pk)


def look_again(made: LabelChange) -> None:
    """The job's second look, a minute later."""
    job = Job.objects.get(key=f"labels:{made.pk}:again", state=JobState.QUEUED)
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    execution.run(job.pk)


def undo(scenario: LabellingScenario, made: LabelChange, by: User) -> LabelChange:
    return change(scenario, ChangeRequest("undo", undoes=made.schema_version), by)


def given() -> list[str]:
    return list(Label.objects.filter(state=LabelState.GIVEN).order_by("pk").values_list("value", flat=True))


def by_item() -> list[str]:
    return list(Label.objects.filter(state=LabelState.GIVEN).order_by("item").values_list("value", flat=True))


def agreed() -> list[str]:
    return list(Resolution.objects.current().order_by("item").values_list("value", flat=True))


def test_side_answers_stay_beside_a_label_that_is_merged(scenario: LabellingScenario, eva: User) -> None:
    Project.objects.update(also_ask=[{"name": "severity", "kind": "rating", "when": ["junk"]}])
    reload(scenario)
    scenario.ask()
    sent: dict[str, Any] = {"value": "junk", "also": {"severity": 3}, "by": scenario.alice}
    labels.submit(scenario.project, scenario.token(scenario.alice), at=scenario.tick(), **sent)

    change(scenario, SPAM, eva)

    assert list(LabelRevision.objects.order_by("number").values_list("value", "also")) == [
        ("junk", {"severity": 3}),
        ("spam", {"severity": 3}),
    ]
    assert Label.objects.get().also == {"severity": 3}
    agreed = Resolution.objects.current().get()
    assert (agreed.value, agreed.also["severity"]["value"]) == ("spam", 3)


def test_a_merge_revises_labels_and_supersedes_what_was_agreed_with_history(
    scenario: LabellingScenario, eva: User
) -> None:
    give(scenario, "ham", "junk", "scam", "spam")
    before = list(Resolution.objects.order_by("item").values_list("resolved_at", "method", "votes", "quality"))
    made = change(scenario, SPAM, eva)
    assert given() == agreed() == ["ham", "spam", "spam", "spam"]
    assert (made.labels, made.resolutions) == (2, 2)
    histories = [[row.value for row in label.revisions.order_by("number")] for label in Label.objects.order_by("pk")]
    assert histories == [["ham"], ["junk", "spam"], ["scam", "spam"], ["spam"]]
    revised = LabelRevision.objects.filter(number=2)
    assert set(revised.values_list("schema_version", "by__username")) == {(2, "eva")}
    current = Resolution.objects.current().order_by("item")
    assert list(current.values_list("resolved_at", "method", "votes", "quality")) == before
    assert Resolution.objects.count() == 6
    event = AuditEvent.objects.get(action="labels.merge")
    assert (event.details["sources"], event.details["targets"]) == (["junk", "scam"], ["spam"])


def test_what_was_agreed_at_a_time_before_the_merge_stays_known(scenario: LabellingScenario, eva: User) -> None:
    give(scenario, "junk")
    before = scenario.tick()
    made = change(scenario, SPAM, eva)
    assert [row.value for row in Resolution.objects.known_at(before)] == ["junk"]
    assert made.finished_at is not None
    assert [row.value for row in Resolution.objects.known_at(made.finished_at)] == ["spam"]


def test_an_undone_merge_gives_back_what_it_changed_and_keeps_what_people_did_since(
    scenario: LabellingScenario, eva: User
) -> None:
    give(scenario, "junk", "scam", "junk")
    made = change(scenario, SPAM, eva)
    last = Label.objects.order_by("-pk")[0]
    assert labels.revise(last, value="ham", by=scenario.alice, at=scenario.tick()).status == "created"
    give(scenario, "spam")
    undone = undo(scenario, made, eva)
    assert given() == agreed() == ["junk", "scam", "ham", "spam"]
    assert (undone.labels, undone.resolutions) == (2, 2)
    assert scenario.project.schema().offered_values() == ["ham", "junk", "scam", "spam"]
    assert scenario.project.schema().version == 3
    assert AuditEvent.objects.filter(action="labels.undo").count() == 1


def test_an_answer_from_a_desk_opened_before_the_merge_is_kept_and_counts_as_the_new_label(
    scenario: LabellingScenario, eva: User
) -> None:
    scenario.ask()
    token = scenario.token(scenario.alice)
    made = change(scenario, SPAM, eva)
    late: dict[str, Any] = {"value": "junk", "by": scenario.alice, "at": scenario.tick()}
    assert labels.submit(scenario.project, token, **late).status == "created"
    assert labels.submit(scenario.project, token, **late).status == "existing"
    assert given() == agreed() == ["spam"]
    assert [row.value for row in LabelRevision.objects.order_by("number")] == ["junk", "spam"]
    undo(scenario, made, eva)
    assert given() == agreed() == ["junk"]


def test_an_answer_sent_before_the_merge_is_replayed_after_it(scenario: LabellingScenario, eva: User) -> None:
    scenario.ask()
    sent: dict[str, Any] = {
        "token": scenario.token(scenario.alice),
        "value": "junk",
        "by": scenario.alice,
        "at": scenario.tick(),
    }
    assert labels.submit(scenario.project, **sent).status == "created"
    change(scenario, SPAM, eva)
    assert labels.submit(scenario.project, **sent).status == "existing"


def test_an_answer_of_a_request_that_began_before_the_merge_is_found_by_the_second_look(
    scenario: LabellingScenario, eva: User
) -> None:
    scenario.ask()
    begun, token = scenario.project, scenario.token(scenario.alice)
    assert begun.schema().version == 1
    made = change(scenario, SPAM, eva)
    assert labels.submit(begun, token, value="scam", by=scenario.alice, at=scenario.tick()).status == "created"
    look_again(made)
    assert given() == agreed() == ["spam"]


class Killed(BaseException):
    """What stands for SIGKILL here."""


@pytest.mark.parametrize("place", ["inside_step", "after_step", "before_commit", "inside_commit"])
def test_a_merge_that_is_killed_goes_on_and_changes_each_label_once(
    scenario: LabellingScenario, eva: User, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(label_change_jobs, "ROWS", 2)
    give(scenario, *["junk"] * 5)
    made = start(scenario, SPAM, eva)

    def point(here: str) -> None:
        if here == place:
            raise Killed

    with monkeypatch.context() as during:
        during.setattr(faults, "point", point)
        with pytest.raises(Killed):
            run(made)
    Job.objects.filter(pk=made.job_id).update(lease_until=timezone.now() - timedelta(minutes=1))
    run(made)
    made.refresh_from_db()
    assert given() == agreed() == ["spam"] * 5
    assert (made.labels, made.resolutions) == (5, 5)
    assert LabelRevision.objects.filter(schema_version=2).count() == 5


def test_disputes_between_merged_labels_are_settled_and_open_again_when_it_is_undone(
    scenario: LabellingScenario, eva: User
) -> None:
    scenario.ask(overlap=2)
    for person, value in ((scenario.alice, "junk"), (scenario.bob, "scam")):
        labels.submit(scenario.project, scenario.token(person), value=value, by=person, at=scenario.tick())
    assert resolution.in_review(scenario.project).count() == 1
    made = change(scenario, SPAM, eva)
    assert (made.disputes, agreed()) == (1, ["spam"])
    assert not resolution.in_review(scenario.project).exists()
    undo(scenario, made, eva)
    assert agreed() == []
    assert resolution.in_review(scenario.project).count() == 1
    assert given() == ["junk", "scam"]


def test_a_flagged_dispute_stays_with_the_reviewers(scenario: LabellingScenario, eva: User) -> None:
    scenario.ask()
    token = scenario.token(scenario.alice)
    labels.submit(scenario.project, token, value="junk", flagged=True, by=scenario.alice, at=scenario.tick())
    change(scenario, SPAM, eva)
    assert resolution.in_review(scenario.project).count() == 1


def test_what_models_and_signals_say_counts_as_the_new_label_and_stays_as_it_was_said(
    scenario: LabellingScenario, eva: User
) -> None:
    project = scenario.project
    item = make_item(project)
    said = make_prediction(item, [0.1, 0.3, 0.2, 0.4])
    Signal.objects.create(
        project=project,
        key="s",
        prediction_key=item.key,
        item=item,
        kind="correction",
        value="scam",
        at=NOW,
        captured_at=NOW,
        body_hash="",
    )
    change(scenario, SPAM, eva)
    order = ScoreOrder(scenario.project)
    assert np.allclose(order.row(said.scores, said.schema_version), [0.1, 0, 0, 0.9])
    assert [order.counted(value) for value in ("ham", "junk", "scam")] == ["ham", "spam", "spam"]
    (claim,) = claims_about(scenario.project, [item.pk], at=timezone.now())[item.pk]
    assert claim.value == "spam"
    said.refresh_from_db()
    assert np.allclose(np.frombuffer(bytes(said.scores or b""), dtype="<f4"), [0.1, 0.3, 0.2, 0.4])


def test_scores_stored_in_another_order_are_read_in_that_of_now(scenario: LabellingScenario) -> None:
    said = make_prediction(make_item(scenario.project), [0.1, 0.2, 0.3, 0.4])
    values = ["spam", "ham", "junk", "scam"]
    scenario.project.label_schemas.create(version=2, labels=[{"value": value} for value in values], created_at=NOW)
    order = ScoreOrder(reload(scenario))
    assert np.allclose(order.row(said.scores, 1), [0.4, 0.1, 0.2, 0.3])
    assert order.scores(said.scores, 7) is None
    assert order.scores(b"", 1) is None


def test_scores_from_before_a_label_is_offered_say_nothing(scenario: LabellingScenario) -> None:
    said = make_prediction(make_item(scenario.project), [0.1, 0.2, 0.3, 0.4])
    values = ["ham", "junk", "scam", "spam", "bill"]
    scenario.project.label_schemas.create(version=2, labels=[{"value": value} for value in values], created_at=NOW)
    assert ScoreOrder(reload(scenario)).scores(said.scores, 1) is None


def test_a_model_that_says_a_merged_label_is_right_where_people_say_the_new_one(
    scenario: LabellingScenario, eva: User
) -> None:
    give(scenario, "spam", "ham", cause=Cause.AUDIT)
    said: list[list[float]] = [[0, 0.9, 0.1, 0], [0, 0, 1, 0]]
    for item, scores in zip(scenario.project.items.order_by("pk"), said, strict=True):
        make_prediction(item, scores, model_version="live-7")
    scenario.project.items.update(audit_number=0.0, audit_probability=0.5)
    change(scenario, SPAM, eva)
    sample = samples.live(scenario.project, "live-7", at=timezone.now())
    assert sorted(zip(sample.truths, sample.answers, strict=True)) == [("ham", "spam"), ("spam", "spam")]
    assert sample.codes is not None and sample.codes.probabilities is not None
    assert np.allclose(sample.codes.confidence, 1)


@pytest.mark.parametrize(
    ("query", "n"), [({"says": "junk"}, 2), ({"says": "spam"}, 2), ({"truth": "scam"}, 1), ({"disagree": "yes"}, 1)]
)
def test_a_view_that_names_a_merged_label_finds_the_new_one(
    scenario: LabellingScenario, eva: User, query: dict[str, str], n: int
) -> None:
    give(scenario, "scam", "ham")
    for item, scores in zip(scenario.project.items.order_by("pk"), [[0, 1, 0, 0], [0, 0, 1, 0]], strict=True):
        make_prediction(item, scores)
    change(scenario, SPAM, eva)
    found = select(scenario.project, parse_filters(query, scenario.project), at=timezone.now())
    assert len(found) == n


def test_a_known_label_that_comes_after_the_merge_counts_as_the_new_one(scenario: LabellingScenario, eva: User) -> None:
    change(scenario, SPAM, eva)
    row = {"key": "k", "inputs": {"text": "win"}, "label_known": "junk"}
    assert capture_rows(scenario.project, [row], at=NOW).created == 1
    assert agreed() == ["spam"]


def test_a_dataset_of_a_merge_under_way_holds_no_old_label(scenario: LabellingScenario, eva: User) -> None:
    give(scenario, "spam", "ham")
    start(scenario, ChangeRequest("merge", ("spam",), ("junk",)), eva)
    planned = datasets.plan_dataset(reload(scenario), at=timezone.now())
    assert {row.target for row in planned.rows} <= {"ham", "junk"}


def test_a_new_stored_value_takes_over_name_key_and_labels_and_goes_back(
    scenario: LabellingScenario, eva: User
) -> None:
    schema = [{**label, **({"title": "Junk mail", "key": "m"} if label["value"] == "junk" else {})} for label in LABELS]
    scenario.project.label_schemas.create(version=2, labels=schema, created_at=NOW)
    reload(scenario)
    give(scenario, "junk")
    made = change(scenario, ChangeRequest("rename", ("junk",), ("Junk",)), eva)
    now = {label["value"]: label for label in scenario.project.schema().labels}
    assert now["Junk"] == {"value": "Junk", "title": "Junk mail", "key": "m"}
    assert now["junk"] == {"value": "junk", "retired": True, "merged_into": "Junk"}
    assert given() == ["Junk"]
    give(scenario, "Junk")
    undo(scenario, made, eva)
    assert given() == agreed() == ["junk", "junk"]
    assert "Junk" not in scenario.project.schema().offered_values()
    assert ScoreOrder(scenario.project).counted("Junk") == "junk"


LABELS = [{"value": value} for value in ("ham", "junk", "scam", "spam")]
SPLIT = ChangeRequest("split", ("spam",), ("phishing", "advert"))


def test_a_split_asks_agreed_items_again_and_takes_back_what_nobody_answered(
    scenario: LabellingScenario, eva: User
) -> None:
    give(scenario, "spam", "spam", "ham")
    made = change(scenario, SPLIT, eva)
    assert (made.asked, made.queue and made.queue.title) == (2, "Split of spam")
    assert scenario.project.schema().offered_values() == ["ham", "junk", "scam", "phishing", "advert"]
    assert agreed() == ["spam", "spam", "ham"]
    planned = datasets.plan_dataset(scenario.project, at=timezone.now())
    assert [row.value for row in planned.rows] == ["ham"]
    labels.submit(
        scenario.project,
        scenario.token(scenario.bob, queue=made.queue),
        value="advert",
        by=scenario.bob,
        at=timezone.now(),
    )
    undone = undo(scenario, made, eva)
    assert undone.asked == 1
    assert sorted(agreed()) == ["advert", "ham", "spam"]
    states = RoutedItem.objects.filter(queue=made.queue).order_by("pk").values_list("state", flat=True)
    assert sorted(states) == [RoutedState.DONE, RoutedState.WITHDRAWN]
    assert "spam" in scenario.project.schema().offered_values()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (ChangeRequest("merge", ("nothing",), ("spam",)), "is not offered"),
        (ChangeRequest("merge", ("spam",), ("spam",)), "cannot take its own place"),
        (ChangeRequest("merge", ("junk",), ()), "the one label that they become"),
        (ChangeRequest("merge", ("ham", "junk", "scam"), ("spam",)), "At least two"),
        (ChangeRequest("merge", ("junk",), ("sраm",)), "look alike"),  # Cyrillic letters
        (ChangeRequest("rename", ("junk",), ("spam",)), "merge into it instead"),
        (ChangeRequest("rename", ("junk", "scam"), ("bad",)), "one label and its new value"),
        (ChangeRequest("split", ("spam",), ("advert",)), "two or more labels"),
        (ChangeRequest("undo", undoes=7), "no such change"),
    ],
)
def test_what_cannot_be_changed_so_is_refused_and_nothing_is_written(
    scenario: LabellingScenario, eva: User, asked: ChangeRequest, words: str
) -> None:
    with pytest.raises(BadSpec, match=words):
        start(scenario, asked, eva)
    assert scenario.project.label_schemas.count() == 1
    assert not LabelChange.objects.exists()


def test_a_label_that_settings_name_is_not_merged_away(scenario: LabellingScenario, eva: User) -> None:
    Project.objects.filter(pk=scenario.project.pk).update(positive="junk", costs={"false_negative": 3})
    with pytest.raises(BadSpec, match="choose another one under Costs"):
        start(scenario, SPAM, eva)


def test_the_same_request_twice_is_one_change_and_an_old_one_is_refused(scenario: LabellingScenario, eva: User) -> None:
    base = fingerprint(scenario.project.schema().labels)
    first, second = (start(scenario, SPAM, eva, base=base) for _ in range(2))
    assert first.pk == second.pk
    with pytest.raises(StaleSettings):
        start(scenario, ChangeRequest("rename", ("ham",), ("mail",)), eva, base=base)
    assert scenario.project.label_schemas.count() == 2


def test_changes_of_the_same_labels_are_undone_the_newest_first(scenario: LabellingScenario, eva: User) -> None:
    give(scenario, "junk")
    first = change(scenario, ChangeRequest("merge", ("junk",), ("scam",)), eva)
    second = change(scenario, ChangeRequest("merge", ("scam",), ("spam",)), eva)
    assert given() == ["spam"]
    with pytest.raises(BadSpec, match="undo it first"):
        start(scenario, ChangeRequest("undo", undoes=first.schema_version), eva)
    undo(scenario, second, eva)
    undo(scenario, first, eva)
    assert given() == agreed() == ["junk"]
    with pytest.raises(BadSpec, match="undone already"):
        start(scenario, ChangeRequest("undo", undoes=first.schema_version), eva)


def test_the_later_of_two_merges_into_a_label_is_undone_alone_for_answers_that_came_since(
    scenario: LabellingScenario, eva: User
) -> None:
    scenario.ask(2)
    held = scenario.claim(scenario.alice, 2)
    made = [change(scenario, ChangeRequest("merge", (one,), ("spam",)), eva) for one in ("junk", "scam")]
    for lease, value in zip(sorted(held, key=lambda lease: lease.item_id), ("junk", "scam"), strict=True):
        late: dict[str, Any] = {"value": value, "by": scenario.alice, "at": scenario.tick()}
        assert labels.submit(scenario.project, lease.token, **late).status == "created"
    assert by_item() == ["spam", "spam"] == agreed()
    undo(scenario, made[1], eva)
    assert by_item() == ["spam", "scam"] == agreed()
    undo(scenario, made[0], eva)
    assert by_item() == ["junk", "scam"] == agreed()


def test_an_answer_whose_label_was_merged_twice_goes_back_one_merge_at_a_time(
    scenario: LabellingScenario, eva: User
) -> None:
    scenario.ask()
    token = scenario.token(scenario.alice)
    first = change(scenario, ChangeRequest("merge", ("junk",), ("scam",)), eva)
    second = change(scenario, ChangeRequest("merge", ("scam",), ("spam",)), eva)
    labels.submit(scenario.project, token, value="junk", by=scenario.alice, at=scenario.tick())
    assert given() == agreed() == ["spam"]
    undo(scenario, second, eva)
    assert given() == agreed() == ["scam"]
    undo(scenario, first, eva)
    assert given() == agreed() == ["junk"]


def test_a_change_that_is_under_way_is_not_undone(scenario: LabellingScenario, eva: User) -> None:
    made = start(scenario, SPAM, eva)
    with pytest.raises(BadSpec, match="still under way"):
        start(scenario, ChangeRequest("undo", undoes=made.schema_version), eva)


def test_a_dead_job_says_why_and_what_it_did_can_be_undone(scenario: LabellingScenario, eva: User) -> None:
    give(scenario, "junk")
    made = start(scenario, SPAM, eva)
    assert made.job is not None
    Job.objects.filter(pk=made.job.pk).update(state=JobState.RUNNING, attempt=3)
    execution.fail(Job.objects.get(pk=made.job.pk), 3, "The disk is full.", at=NOW)
    made.refresh_from_db()
    assert made.error == "The disk is full."
    undo(scenario, made, eva)
    assert given() == ["junk"]


def values(rows: Iterable[Any]) -> list[str]:
    return [row.value for row in rows]


def test_a_label_restored_by_an_undone_answer_counts_as_what_it_was_merged_into(
    scenario: LabellingScenario, eva: User
) -> None:
    (item,) = scenario.ask()
    labels.submit(scenario.project, scenario.token(scenario.alice), value="junk", by=scenario.alice, at=scenario.tick())
    change(scenario, SPAM, eva)
    Resolution.objects.current().update(value="junk", resolved_at=NOW)  # as it was agreed before it is asked again
    scenario.queue(Cause.SUSPECTED)
    label_changes.queues.add_entries(
        scenario.queue(Cause.SUSPECTED),
        [label_change_jobs.Entry(item_id=item.pk, reason="look", numbers={}, inclusion_probability=1, priority=1)],
        at=scenario.tick(),
    )
    token = scenario.token(scenario.bob)
    labels.submit(scenario.project, token, value="ham", by=scenario.bob, at=scenario.tick())
    labels.undo(scenario.project, token, by=scenario.bob, at=scenario.tick())
    assert values(Resolution.objects.current()) == ["spam"]
