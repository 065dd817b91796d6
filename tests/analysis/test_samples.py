"""Samples: which labelled items may judge a version, and how much each stands for."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from analysis import evaluation_design, samples
from analysis import items as items_view
from analysis.item_arrays import input_groups
from analysis.labelled_samples import labelled_sample
from analysis.reports import refreshing
from annotation import media
from annotation.models import Cause, Item, Prediction, Resolution
from projects.models import Project
from tests.analysis.scenarios import judged_project, performance_body, resolve, route
from tests.factories import NOW, make_item, make_prediction, make_project

pytestmark = pytest.mark.django_db


def test_holds_truth_prediction_scores_and_probability_in_time_order() -> None:
    project, items = judged_project(10, wrong=2)
    frame = samples.live(project, "v1", at=NOW)
    assert frame.item_ids.tolist() == [item.pk for item in items]
    assert (frame.score == 0).sum() == 2
    assert frame.codes is not None and frame.codes.probabilities is not None
    assert frame.codes.probabilities.shape == (10, 2)
    assert set(frame.inclusion_probability) == {1.0}
    assert frame.population == 10


def test_drawn_items_stand_for_all_that_the_version_scored_on_their_days() -> None:
    project, items = judged_project(10)
    for item in [make_item(project, at=items[0].at, audit_number=0.9, audit_probability=0.5) for _ in range(10)]:
        make_prediction(item, [0.9, 0.1])
    frame = samples.live(project, "v1", at=NOW)
    assert (len(frame), frame.population) == (10, 20)
    assert set(frame.inclusion_probability) == {0.5}


def test_an_item_that_the_version_was_trained_on_never_counts() -> None:
    project, items = judged_project(10)
    Prediction.objects.filter(item=items[0]).update(out_of_sample=False)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_a_label_known_at_capture_never_counts() -> None:
    project, items = judged_project(10)
    Resolution.objects.filter(item=items[0]).update(method=Resolution.Method.KNOWN)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_an_item_that_the_design_did_not_choose_represents_nothing() -> None:
    project, items = judged_project(10)
    Item.objects.filter(pk=items[0].pk).update(audit_number=0.6)
    assert items[0].pk not in samples.live(project, "v1", at=NOW).item_ids


def test_those_answered_stand_for_those_of_their_part_that_wait() -> None:
    project, items = judged_project(10)
    Resolution.objects.filter(item__in=items[:5]).delete()
    frame = samples.live(project, "v1", at=NOW)
    assert frame.waiting == 5
    assert set(frame.inclusion_probability) == {0.5}


def test_where_the_active_part_was_trained_on_the_audit_draws_stand_alone() -> None:
    project, _ = judged_project(10)
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
    project, _ = judged_project(10)
    late = NOW + timedelta(days=8)
    assert len(samples.live(project, "v1", at=late, days=7)) == 0
    assert len(samples.live(project, "v1", at=late, days=28)) == 10


def test_another_version_has_its_own_frame() -> None:
    project, items = judged_project(10)
    make_prediction(items[0], [0.9, 0.1], model_version="v2", source="rescored")
    assert samples.live(project, "v2", at=NOW).item_ids.tolist() == [items[0].pk]


def test_equal_rows_give_an_equal_hash_and_a_new_label_another() -> None:
    project, items = judged_project(10)
    before = samples.live(project, "v1", at=NOW).hash
    assert samples.live(project, "v1", at=NOW).hash == before
    Resolution.objects.filter(item=items[0]).update(
        value="spam" if items[0].resolutions.get().value == "ham" else "ham"
    )
    assert samples.live(project, "v1", at=NOW).hash != before


def test_labels_prefer_out_of_fold_scores_and_pass_over_in_sample_ones() -> None:
    project, items = judged_project(10)
    make_prediction(items[0], [0.2, 0.8], model_version="v2", source="out_of_fold")
    Prediction.objects.filter(item=items[1]).update(out_of_sample=False)
    frame = labelled_sample(project)
    assert items[1].pk not in frame.item_ids
    row = frame.item_ids.tolist().index(items[0].pk)
    assert frame.probabilities[row] == pytest.approx([0.2, 0.8])
    assert np.isclose(frame.probabilities.sum(axis=1), 1).all()


def test_items_with_equal_inputs_count_once_in_what_pages_say() -> None:
    project, items = judged_project(40, wrong=4)
    for place, item in enumerate(items):
        Item.objects.filter(pk=item.pk).update(inputs={"text": f"  Message {place % 4} "})
    frame = samples.live(project, "v1", at=NOW)
    assert frame.groups.tolist() == [0, 1, 2, 3] * 10
    refreshing.refresh(project, at=NOW)
    body = performance_body(project, "v1")
    assert (body.n, body.score.effective_n) == (40, pytest.approx(4))
    assert body.score.high - body.score.low > 0.1


class TestTheListBehindTheReport:
    """Report and list are one query: what judges a version is what its list shows."""

    def listed(self, project: Project, version: str) -> list[int]:
        found = items_view.select(project, items_view.Filters(judges=version), at=NOW)
        return sorted(found.values_list("pk", flat=True))

    def both(self, project: Project, version: str = "v1") -> tuple[list[int], list[int]]:
        return sorted(samples.live(project, version, at=NOW).item_ids.tolist()), self.listed(project, version)

    def test_a_label_that_the_project_no_longer_has_judges_nothing(self) -> None:
        project, items = judged_project(10)
        Resolution.objects.filter(item=items[0]).update(value="eggs")
        Prediction.objects.filter(item=items[1]).update(label="eggs")
        report, listed = self.both(project)
        assert report == listed == sorted(item.pk for item in items[2:])

    def test_one_in_sample_answer_of_the_version_is_enough_to_leave_an_item_out(self) -> None:
        project, items = judged_project(10)
        make_prediction(items[0], [0.5, 0.5], source="rescored", out_of_sample=False)
        report, listed = self.both(project)
        assert report == listed == sorted(item.pk for item in items[1:])

    def test_asked_items_alone_judge_nothing_while_others_exist(self) -> None:
        project, items = judged_project(10)
        Resolution.objects.all().delete()
        asked = [make_item(project) for _ in range(4)]
        for item in asked:
            make_prediction(item, [0.9, 0.1])
        route(project, asked, Cause.UNCERTAIN, probability=1.0)
        for item in asked:
            resolve(item, "ham")
        assert self.both(project) == ([], [])
        resolve(items[0], "ham")
        report, listed = self.both(project)
        assert report == listed == sorted([items[0].pk, *(item.pk for item in asked)])

    def test_an_item_that_had_no_chance_to_be_drawn_is_outside_the_design(self) -> None:
        project, items = judged_project(10)
        Item.objects.filter(pk=items[0].pk).update(audit_probability=None, asked_at=NOW, asked_rank=1)
        report, listed = self.both(project)
        assert report == listed == sorted(item.pk for item in items[1:])

    def test_of_what_was_served_too(self) -> None:
        project, items = judged_project(10)
        Prediction.objects.filter(item=items[0]).update(source="rescored")
        found = items_view.select(project, items_view.Filters(served="yes"), at=NOW)
        assert set(found.values_list("pk", flat=True)) == set(samples.live(project, "", at=NOW).item_ids.tolist())
        assert found.count() == 9


def test_an_image_is_decoded_once_however_often_its_items_are_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(inputs={"image": {"type": "image"}})
    pictures = {"a" * 64: np.eye(32, dtype=np.uint8) * 255, "b" * 64: np.eye(32, dtype=np.uint8)[::-1] * 255}
    decoded: list[str] = []

    def pixels(_: Project, sha256: str) -> np.ndarray:
        decoded.append(sha256)
        return pictures[sha256]

    monkeypatch.setattr(media, "pixels", pixels)
    items = [make_item(project, inputs={"image": {"media": name * 64}}) for name in "aba"]
    groups = [input_groups(project, [item.pk for item in items]).tolist() for _ in range(3)]
    assert groups == [[0, 1, 0]] * 3
    assert sorted(decoded) == sorted(pictures)


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [("channel", "app", "app"), ("2024", "yes", "yes"), ('a "b" $.c', 7, "7"), ("share", 0.5, "0.5"), ("é=", "", "")],
)
def test_a_segment_is_found_by_its_name_whatever_it_holds(name: str, stored: Any, value: str) -> None:
    project = make_project()
    item, other = make_item(project, segment={name: stored, "x": 1}), make_item(project, segment={name: "other"})
    found = evaluation_design.in_segment(Item.objects.filter(project=project), name, value)
    assert list(found) == [item] and other not in found
