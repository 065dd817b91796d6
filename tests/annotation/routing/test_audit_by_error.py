"""The audit by expected error: settings that evidence chooses, draws that follow scores, and their replay."""

from datetime import timedelta

import numpy as np
import pytest

from annotation import capture
from annotation.models import AuditSetting, Item, MovedProbability, Prediction
from annotation.routing import audit_draw, audit_settings
from annotation.routing.draw_replay import replay
from projects.models import Project
from tests.annotation.routing.traffic import NUMBERS, fill, score
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def project() -> Project:
    return make_project(inputs=NUMBERS)


def by_error(project: Project, *, floor: float = 0.3, rate: float = 0.1, **fields: float | str) -> AuditSetting:
    """A setting in force as a review would have added it."""
    before = audit_settings.in_force(project)
    given = {"scale": 3.0, "model_version": "v1", "slope": 1.0, "intercept": 0.0} | fields
    return AuditSetting.objects.create(
        project=project,
        version=before.version + 1 if before else 1,
        rate=rate,
        floor=floor,
        at=NOW,
        allocated_at=NOW,
        **given,
    )


def captured(project: Project, spam: dict[str, float | None], *, version: str = "v1") -> dict[str, Item]:
    rows = [
        {
            "key": key,
            "inputs": {"a": 1.0, "b": 1.0},
            "label": "ham",
            "model_version": version,
            **({} if p is None else {"scores": {"ham": 1 - p, "spam": p}}),
        }
        for key, p in spam.items()
    ]
    assert capture.capture_rows(project, rows, at=NOW).created == len(rows)
    return {item.key: item for item in Item.objects.filter(project=project, key__in=list(spam))}


def labelled(project: Project, n: int, *, informative: bool, seed: int = 1) -> None:
    """n audit items with scores and labels: right as often as the scores say, or whatever they say."""
    rng = np.random.default_rng(seed)
    items = fill(project, n, scored=False, seed=seed)
    Item.objects.filter(pk__in=[item.pk for item in items]).update(audit_number=0.0)
    spam = np.where(rng.random(n) < 0.5, 1.0, -1.0) * rng.beta(3, 1, n) / 2 + 0.5
    score(items, spam)
    confidence = np.maximum(spam, 1 - spam)
    right = rng.random(n) < (confidence if informative else np.full(n, 0.85))
    for item, p, good in zip(items, spam, right, strict=True):
        value = ("ham", "spam")[int((p > 0.5) == good)]
        item.resolutions.create(project=project, value=value, method="single", quality=1, votes=1, resolved_at=NOW)


def test_an_item_in_doubt_is_drawn_more_often_and_none_less_than_the_floor_of_the_rate(project: Project) -> None:
    by_error(project)
    found = captured(project, {"sure": 0.001, "doubtful": 0.5, "likely": 0.2})
    chances = {key: item.audit_probability for key, item in found.items()}
    assert chances == pytest.approx({"sure": 0.03, "doubtful": 0.15, "likely": 0.12})
    assert {key: item.audit_confidence for key, item in found.items()} == pytest.approx(
        {"sure": 0.999, "doubtful": 0.5, "likely": 0.8}
    )


def test_the_calibration_of_the_setting_says_how_much_a_score_is_worth(project: Project) -> None:
    by_error(project, slope=0.0, intercept=float(np.log(9)))
    assert captured(project, {"sure": 0.001})["sure"].audit_probability == pytest.approx(0.1 * 3.0 * 0.3)


@pytest.mark.parametrize(("spam", "version"), [(None, "v1"), (0.5, "v2")])
def test_without_a_score_of_the_settings_version_an_item_is_drawn_at_the_plain_rate(
    project: Project, spam: float | None, version: str
) -> None:
    by_error(project)
    item = captured(project, {"k": spam}, version=version)["k"]
    assert (item.audit_probability, item.audit_confidence) == (0.1, None)


def test_traffic_like_the_recent_is_drawn_at_the_rate_in_force_on_average(project: Project) -> None:
    labelled(project, 400, informative=True)
    setting = audit_settings.revise(project, rate=0.05, at=LATER)
    recent = np.array(Prediction.objects.values_list("confidence", flat=True), dtype=np.float64)
    assert setting.floor < 1
    assert audit_settings.probabilities(setting, recent).mean() == pytest.approx(0.05, rel=1e-6)


def test_labels_that_show_a_saving_lower_the_floor_and_are_named_with_it(project: Project) -> None:
    labelled(project, 400, informative=True)
    setting = audit_settings.revise(project, rate=0.2, at=LATER)
    assert setting.floor < 1
    assert (setting.model_version, setting.labels) == ("v1", 400)
    assert 0 < setting.errors < 200


@pytest.mark.parametrize(("n", "informative"), [(0, True), (60, True), (400, False)])
def test_too_few_labels_and_scores_that_are_noise_leave_the_draw_uniform(
    project: Project, n: int, informative: bool
) -> None:
    labelled(project, n, informative=informative)
    setting = audit_settings.revise(project, rate=0.2, at=LATER)
    assert (setting.floor, setting.scale) == (1.0, 0.0)


def test_another_version_that_serves_is_drawn_uniformly_until_labels_speak_for_its_scores(project: Project) -> None:
    labelled(project, 400, informative=True)
    before = audit_settings.revise(project, rate=0.2, at=LATER)
    assert before.floor < 1
    project.champion_version = "v2"
    project.save(update_fields=["champion_version"])
    found = audit_settings.revise(project, rate=0.2, at=LATER)
    assert (found.floor, found.model_version, found.version) == (1.0, "v2", before.version + 1)


def test_each_change_is_a_setting_of_its_own_and_a_small_one_of_the_rate_is_none(project: Project) -> None:
    first = audit_settings.revise(project, rate=0.2, at=NOW)
    assert audit_settings.revise(project, rate=0.201, at=NOW) == first
    second = audit_settings.revise(project, rate=0.1, at=NOW + timedelta(minutes=1))
    assert (second.version, second.rate, second.allocated_at) == (2, 0.1, NOW)
    first.refresh_from_db()
    assert first.rate == 0.2


def test_a_draw_can_be_computed_again_from_its_key_and_the_settings_that_were_kept(project: Project) -> None:
    captured(project, {f"uniform-{n}": 0.3 for n in range(20)})
    by_error(project)
    captured(project, {f"drawn-{n}": n / 200 for n in range(100)})
    by_error(project, floor=0.6, rate=0.5, slope=0.7, intercept=0.2)
    captured(project, {f"later-{n}": n / 200 for n in range(100)})
    items = list(Item.objects.filter(project=project))
    assert len({item.audit_setting for item in items}) == 3
    assert len({item.audit_probability for item in items}) > 50
    assert all(one.agrees(item) for one, item in zip(replay(project, items), items, strict=True))


def test_what_was_thinned_and_what_was_raised_can_be_computed_again_too(project: Project) -> None:
    by_error(project, rate=0.9)
    captured(project, {f"k-{n}": n / 2000 for n in range(900)})
    Item.objects.update(captured_at=NOW - timedelta(days=1))
    assert audit_draw.review(project, at=NOW).thinned
    assert audit_draw.review(project, at=NOW).thinned == 0
    assert audit_draw.draw_more(project, 30, most=1.0, at=NOW) == 30
    items = list(Item.objects.filter(project=project))
    moved = MovedProbability.objects.all()
    assert {one.raised_to is None for one in moved} == {True, False}
    assert moved.filter(thinned_by__lt=1).exists() and moved.count() < len(items)
    assert all(one.agrees(item) for one, item in zip(replay(project, items), items, strict=True))


@pytest.mark.parametrize(
    "change",
    [{"audit_number": 0.5}, {"audit_probability": 0.02}, {"audit_confidence": 0.9}, {"audit_setting": 1}],
)
def test_a_replay_shows_what_was_changed_afterwards(project: Project, change: dict[str, float]) -> None:
    AuditSetting.objects.create(project=project, version=1, rate=0.3, at=NOW, allocated_at=NOW)
    by_error(project)
    captured(project, {"k": 0.4})
    Item.objects.update(**change)
    item = Item.objects.get()
    assert not replay(project, [item])[0].agrees(item)


def test_what_was_drawn_before_settings_were_kept_agrees_by_its_number_alone(project: Project) -> None:
    captured(project, {"k": 0.4})
    Item.objects.update(audit_setting=None, audit_probability=0.07)
    item = Item.objects.get()
    found = replay(project, [item])[0]
    assert (found.probability, found.agrees(item)) == (None, True)
    item.audit_number = 0.123
    assert not found.agrees(item)
