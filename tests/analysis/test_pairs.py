"""Two versions on what both answered: the items, their weights, the counts, and what is said where there are none."""

import pytest

from analysis import evaluation_design, pairs
from analysis.pairs import PairOutcome
from annotation.models import Cause, Item, Prediction
from projects.models import Project
from tests.analysis.scenarios import judged_project, resolve, route
from tests.factories import NOW, make_item, make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered_twice() -> tuple[Project, list[Item]]:
    """v1 is wrong on the first 10 of 60; v2, scored later, is wrong on the last 4."""
    project, items = judged_project(60, wrong=10)
    for i, item in enumerate(items):
        truth = i % 2 if i >= 10 else 1 - i % 2
        says = truth if i < 56 else 1 - truth
        make_prediction(item, [0.8, 0.2] if says == 0 else [0.2, 0.8], model_version="v2", source="rescored")
    return project, items


def test_are_the_items_that_may_judge_both(answered_twice: tuple[Project, list[Item]]) -> None:
    project, items = answered_twice
    Prediction.objects.filter(item=items[0], model_version="v2").update(out_of_sample=False)
    Prediction.objects.filter(item=items[1], model_version="v1").delete()
    found = pairs.pair(project, "v2", "v1", at=NOW)
    assert found.item_ids.tolist() == [item.pk for item in items[2:]]


def test_count_who_was_right_and_how_much_that_is(answered_twice: tuple[Project, list[Item]]) -> None:
    project, items = answered_twice
    found = pairs.pair(project, "v2", "v1", at=NOW)
    report = pairs.report(found)
    assert report.is_paired and report.counts == {
        PairOutcome.ALL: 60,
        PairOutcome.BOTH_RIGHT: 46,
        PairOutcome.FIXED: 10,
        PairOutcome.BROKEN: 4,
        PairOutcome.BOTH_WRONG: 0,
    }
    assert report.difference.value == pytest.approx(6 / 60)
    assert report.difference.low is not None and report.difference.high is not None
    assert report.difference.low < 6 / 60 < report.difference.high
    assert {int(found.item_ids[place]) for place in found.of(PairOutcome.BROKEN)} == {item.pk for item in items[56:]}
    back = pairs.report(pairs.pair(project, "v1", "v2", at=NOW))
    assert back.difference.value == pytest.approx(-6 / 60)


def test_weigh_as_the_side_that_lets_fewer_judge(answered_twice: tuple[Project, list[Item]]) -> None:
    project, _ = answered_twice
    active = [make_item(project) for _ in range(4)]
    for item in active:
        for version in ("v1", "v2"):
            make_prediction(item, [0.6, 0.4], model_version=version)
    route(project, active, Cause.UNCERTAIN, probability=1.0)
    for item in active:
        resolve(item, "ham")
    assert len(pairs.pair(project, "v1", "v2", at=NOW)) == 64
    Prediction.objects.filter(item=active[0], model_version="v2").update(out_of_sample=False)  # v2 learnt from it
    found = pairs.pair(project, "v1", "v2", at=NOW)
    assert len(found) == 60 and not set(found.item_ids.tolist()) & {item.pk for item in active}
    of_v2 = dict(zip(found.against.item_ids.tolist(), found.against.inclusion_probability.tolist(), strict=True))
    assert found.inclusion_probability.tolist() == [of_v2[pk] for pk in found.item_ids.tolist()]


def test_an_item_drawn_and_asked_stands_for_others_where_a_candidate_learnt_from_those_asked() -> None:
    """Before it serves, the candidate has only out-of-fold answers to what it learnt from."""
    project, items = judged_project(19)
    asked = [make_item(project) for _ in range(12)]
    items.append(make_item(project, at=items[-1].at))
    make_prediction(items[-1], [0.9, 0.1])
    route(project, items[-1:], Cause.AUDIT, probability=0.5, minutes=5)
    resolve(items[-1], "ham", evaluation=True)
    for item in asked:
        make_prediction(item, [0.6, 0.4])
        make_prediction(item, [0.6, 0.4], model_version="v2", source="out_of_fold")
    route(project, asked, Cause.UNCERTAIN, probability=1.0)
    for item in asked:
        resolve(item, "ham")
    Item.objects.filter(pk__in=[item.pk for item in items[:10]]).update(asked_at=NOW, asked_rank=0)
    for item in items:
        make_prediction(item, [0.8, 0.2], model_version="v2", source="rescored")
    assert evaluation_design.learnt_until(project, "v2") == NOW
    found = pairs.pair(project, "v2", "v1", at=NOW)
    assert len(found) == 20
    assert found.inclusion_probability.tolist() == pytest.approx([20 / 32] * 20)


def test_items_that_one_side_never_answered_count_as_waiting() -> None:
    project, items = judged_project(96)
    for item in [*items[:48], *items[48::4]]:  # later ones less often
        make_prediction(item, [0.8, 0.2], model_version="v2", source="rescored")
    found = pairs.pair(project, "v2", "v1", at=NOW)
    weight = 1 / found.inclusion_probability
    assert len(found) == 60 and weight.sum() == pytest.approx(93)  # from the first to the last
    assert weight[-1] > 2 * weight[0]


def test_versions_that_answered_different_items_are_judged_each_on_its_own() -> None:
    project, _ = judged_project(40, wrong=4, version="router-6")
    newer = [make_item(project) for _ in range(30)]
    for item in newer:
        make_prediction(item, [0.9, 0.1], model_version="router-7")
    route(project, newer, Cause.AUDIT, probability=0.5, minutes=5)
    for i, item in enumerate(newer):
        resolve(item, "ham" if i < 15 else "spam", evaluation=True)
    report = pairs.report(pairs.pair(project, "router-7", "router-6", at=NOW))
    assert not report.is_paired and report.counts[PairOutcome.ALL] == 0
    assert (report.accuracy.value, report.accuracy_against.value) == pytest.approx((0.5, 0.9))
    assert report.difference.value == pytest.approx(-0.4)
    assert report.difference.high is not None and report.difference.high < 0


def test_nothing_is_said_where_no_label_judges_both() -> None:
    project, _ = judged_project(40, wrong=4, version="router-6")
    make_prediction(make_item(project), [0.9, 0.1], model_version="router-7")
    report = pairs.report(pairs.pair(project, "router-7", "router-6", at=NOW))
    assert (report.difference.value, report.accuracy.value) == (None, None)
