"""A version's accuracy before and after it serves, where the audit rate changed while items were captured.

Each repetition draws the audit of 300 items anew: of the first half one in ten, of the second half one in two. The
version is right on nine of ten items of the first half and on half of the second, so .7 of all. Before it serves it has
scored the drawn items that had a label, as a judgement asks it; afterwards all of them and another 100 that it served.
"""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis import samples
from analysis.metrics.core.weighted import proportion
from annotation.models import Item, Prediction, Resolution, Source
from projects.models import Project
from tests.factories import NOW, make_project

pytestmark = [pytest.mark.django_db, pytest.mark.simulation]

N, SERVED, REPETITIONS = 300, 100, 40
TRUTH, TRUTH_AFTER = 0.7, (0.7 * N + 0.8 * SERVED) / (N + SERVED)
RATES = np.repeat([0.1, 0.5, 0.3], [N // 2, N // 2, SERVED])
RIGHT = np.concatenate([np.arange(N // 2) % 10 > 0, np.arange(N // 2) % 2 == 0, np.arange(SERVED) % 5 > 0])


@pytest.fixture
def captured() -> tuple[Project, list[Item]]:
    """The traffic of twelve days under router-7, then that of four more; some of it was asked by the active part."""
    project = make_project()
    rows = [
        Item(
            **{"project": project, "key": str(i), "body_hash": "", "inputs": {"text": f"message {i}"}},
            **{"contract_version": 1, "at": NOW + timedelta(hours=i), "captured_at": NOW + timedelta(hours=i)},
            **{"audit_probability": RATES[i], "audit_number": 0.9999, "sample_number": 0.5},
            asked_at=NOW + timedelta(days=8) if i < N and i % 7 == 0 else None,
            asked_rank=i,
        )
        for i in range(N + SERVED)
    ]
    return project, Item.objects.bulk_create(rows)


def say(items: list[Item], which: NDArray[np.intp], source: Source) -> None:
    """The candidate answers ham, which is right where RIGHT says so."""
    Prediction.objects.bulk_create(
        Prediction(
            **{"project_id": items[i].project_id, "item": items[i], "model_version": "v2", "source": source},
            **{"schema_version": 1, "label": "ham", "at": NOW},
        )
        for i in which
    )


def label(items: list[Item], which: NDArray[np.intp]) -> None:
    Resolution.objects.bulk_create(
        Resolution(
            **{"project_id": items[i].project_id, "item": items[i], "value": "ham" if RIGHT[i] else "spam"},
            **{"method": "single", "quality": 1.0, "votes": 1, "evaluation": True, "resolved_at": NOW},
        )
        for i in which
    )


def draw(items: list[Item], rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw the audit anew and forget all answers and labels; the drawn ones that got a label, nine of ten."""
    Prediction.objects.all().delete()
    Resolution.objects.all().delete()
    for item, number in zip(items, rng.random(len(items)), strict=True):
        item.audit_number = number
    Item.objects.bulk_update(items, ["audit_number"])
    drawn = np.array([item.is_drawn for item in items])
    return np.flatnonzero(drawn & (rng.random(len(items)) < 0.9))


def estimates(project: Project, items: list[Item], *, serves: bool) -> NDArray[np.float64]:
    """(repetitions, 3): value, low and high."""
    rng, found = np.random.default_rng(11), []
    for _ in range(REPETITIONS):
        labelled = draw(items, rng)
        judged = labelled[labelled < N]
        say(items, judged, Source.RESCORED)
        if serves:
            say(items, np.setdiff1d(np.arange(N), judged), Source.RESCORED)
            say(items, np.arange(N, N + SERVED), Source.SERVED)
        label(items, labelled)
        sample = samples.live(project, "v2", at=NOW + timedelta(days=20))
        estimate = proportion(sample.score == 1, sample.inclusion_probability)
        found.append((estimate.value, estimate.low, estimate.high))
    return np.array(found, dtype=np.float64)


@pytest.mark.parametrize(("serves", "truth"), [(False, TRUTH), (True, TRUTH_AFTER)])
def test_is_unbiased_and_its_interval_covers_the_truth(
    captured: tuple[Project, list[Item]], serves: bool, truth: float
) -> None:
    value, low, high = estimates(*captured, serves=serves).T
    error = value.std(ddof=1) / np.sqrt(REPETITIONS)
    assert abs(value.mean() - truth) < 3 * error and error < 0.015
    assert ((low <= truth) & (truth <= high)).mean() >= 0.85  # 40 repetitions of 95 % give fewer in 3 of 1,000
