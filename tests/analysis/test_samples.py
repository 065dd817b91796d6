"""Samples: which labelled items may judge a version, and how much each stands for."""

from datetime import timedelta

import numpy as np
import pytest

from analysis import reports, samples
from annotation.models import Cause, Item, Prediction, Resolution
from tests.analysis.scenarios import resolve, route, world
from tests.factories import NOW, make_item, make_prediction

pytestmark = pytest.mark.django_db


def test_holds_truth_prediction_scores_and_probability_in_time_order() -> None:
    project, items = world(10, wrong=2)
    frame = samples.live(project, "v1", at=NOW)
    assert frame.item_ids.tolist() == [item.pk for item in items]
    assert (frame.truth != frame.predicted).sum() == 2
    assert frame.probabilities is not None and frame.probabilities.shape == (10, 2)
    assert set(frame.inclusion_probability) == {1.0}
    assert frame.population == 10


def test_drawn_items_stand_for_all_that_the_version_scored_on_their_days() -> None:
    project, items = world(10)
    for item in [make_item(project, at=items[0].at, audit_number=0.9, audit_probability=0.5) for _ in range(10)]:
        make_prediction(item, [0.9, 0.1])
    frame = samples.live(project, "v1", at=NOW)
    assert (len(frame), frame.population) == (10, 20)
    assert set(frame.inclusion_probability) == {0.5}


def test_an_item_that_the_version_was_trained_on_never_counts() -> None:
    project, items = world(10)
    Prediction.objects.filter(item=items[0]).update(out_of_sample=False)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_a_label_known_at_capture_never_counts() -> None:
    project, items = world(10)
    Resolution.objects.filter(item=items[0]).update(method=Resolution.Method.KNOWN)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_an_item_that_the_design_did_not_choose_represents_nothing() -> None:
    project, items = world(10)
    Item.objects.filter(pk=items[0].pk).update(audit_number=0.6)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_those_answered_stand_for_those_of_their_part_that_wait() -> None:
    project, items = world(10)
    Resolution.objects.filter(item__in=items[:5]).delete()
    frame = samples.live(project, "v1", at=NOW)
    assert frame.waiting == 5
    assert set(frame.inclusion_probability) == {0.5}


def test_where_the_active_part_was_trained_on_the_audit_draws_stand_alone() -> None:
    project, _ = world(10)
    active = [make_item(project) for _ in range(4)]
    for item in active:
        make_prediction(item, [0.6, 0.4])
    route(project, active, Cause.UNCERTAIN, probability=1.0)
    for item in active:
        resolve(item, "ham")
    assert len(samples.live(project, "v1", at=NOW)) == 14

    Prediction.objects.filter(item=active[0]).update(out_of_sample=False)

    frame = samples.live(project, "v1", at=NOW)
    assert len(frame) == 10
    assert frame.audit.all()


def test_a_window_leaves_out_what_is_older() -> None:
    project, _ = world(10)
    late = NOW + timedelta(days=8)
    assert len(samples.live(project, "v1", at=late, days=7)) == 0
    assert len(samples.live(project, "v1", at=late, days=28)) == 10


def test_another_version_has_its_own_frame() -> None:
    project, items = world(10)
    make_prediction(items[0], [0.9, 0.1], model_version="v2", source="rescored")
    assert samples.live(project, "v2", at=NOW).item_ids.tolist() == [items[0].pk]


def test_equal_rows_give_an_equal_hash_and_a_new_label_another() -> None:
    project, items = world(10)
    before = samples.live(project, "v1", at=NOW).hash
    assert samples.live(project, "v1", at=NOW).hash == before
    Resolution.objects.filter(item=items[0]).update(
        value="spam" if items[0].resolutions.get().value == "ham" else "ham"
    )
    assert samples.live(project, "v1", at=NOW).hash != before


def test_labels_prefer_out_of_fold_scores_and_pass_over_in_sample_ones() -> None:
    project, items = world(10)
    make_prediction(items[0], [0.2, 0.8], model_version="v2", source="out_of_fold")
    Prediction.objects.filter(item=items[1]).update(out_of_sample=False)
    frame = samples.labels(project)
    assert items[1].pk not in frame.item_ids
    row = frame.item_ids.tolist().index(items[0].pk)
    assert frame.probabilities[row] == pytest.approx([0.2, 0.8])
    assert np.isclose(frame.probabilities.sum(axis=1), 1).all()


def test_items_with_equal_inputs_count_once_in_what_pages_say() -> None:
    project, items = world(40, wrong=4)
    for place, item in enumerate(items):
        Item.objects.filter(pk=item.pk).update(inputs={"text": f"  Message {place % 4} "})
    frame = samples.live(project, "v1", at=NOW)
    assert frame.groups.tolist() == [0, 1, 2, 3] * 10
    reports.refresh(project, at=NOW)
    body = reports.newest(project, "performance", version="v1").body
    assert (body["n"], body["effective_n"]) == (40, pytest.approx(4))
    assert body["accuracy"]["high"] - body["accuracy"]["low"] > 0.1
