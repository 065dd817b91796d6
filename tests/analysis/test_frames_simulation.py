"""The weighted interval covers the truth under the product's own sampling, and the naive one does not.

Each repetition is a project: traffic with a model whose scores say where it errs, routed by `routing.decide`.
"""

import numpy as np
import pytest

from analysis.metrics.core.weighted import proportion
from annotation import routing
from projects.models import LabelSchema, Project

pytestmark = pytest.mark.xdist_group("frames_simulation")  # one process draws for both tests

REPETITIONS, N, SIZE, SHARE = 400, 2000, 120, 0.5


def traffic(seed: int) -> tuple[routing.Candidates, np.ndarray]:
    """Candidates with calibrated two-class scores, and whether the model is right on each."""
    rng = np.random.default_rng(seed)
    confidence = 0.5 + 0.5 * rng.beta(2.2, 1.2, N)
    right = rng.random(N) < confidence
    first = rng.random(N) < 0.5
    p = np.where(first, confidence, 1 - confidence)
    return (
        routing.Candidates(
            ids=np.arange(N),
            new=np.ones(N, dtype=bool),
            probabilities=np.column_stack([p, 1 - p]),
            scored=np.ones(N, dtype=bool),
            scored_by=["v1"] * N,
            vectors=rng.normal(size=(N, 2)).astype(np.float32),
            labelled_vectors=np.zeros((0, 2), dtype=np.float32),
            labelled_targets=np.zeros(0, dtype=int),
        ),
        right,
    )


def sampled(seed: int) -> tuple[float, np.ndarray, np.ndarray]:
    """The truth of the traffic, and the answered rows with their inclusion probabilities."""
    candidates, right = traffic(seed)
    project = Project(slug="simulated")
    project._schema = LabelSchema(labels=[{"value": "a"}, {"value": "b"}])  # type: ignore[attr-defined]
    plan = routing.decide(candidates, project, size=SIZE, audit_share=SHARE, seed=seed)
    probability = {int(row): plan.audit_probability for row in plan.audit}
    probability |= dict.fromkeys(plan.picks, 1.0)
    rows = np.array(sorted(probability))
    return float(right.mean()), right[rows], np.array([probability[row] for row in rows])


@pytest.fixture(scope="module")
def draws() -> list[tuple[float, np.ndarray, np.ndarray]]:
    return [sampled(seed) for seed in range(REPETITIONS)]


def test_the_weighted_interval_covers_the_truth_in_93_to_97_of_100(
    draws: list[tuple[float, np.ndarray, np.ndarray]],
) -> None:
    covered = 0
    for truth, right, probability in draws:
        estimate = proportion(right, probability, population=N)
        assert estimate.low is not None and estimate.high is not None
        covered += estimate.low <= truth <= estimate.high
    assert 0.93 <= covered / REPETITIONS <= 0.975


def test_the_naive_interval_fails(draws: list[tuple[float, np.ndarray, np.ndarray]]) -> None:
    covered = 0
    for truth, right, _ in draws:
        naive = proportion(right, np.ones(len(right)))
        assert naive.low is not None and naive.high is not None
        covered += naive.low <= truth <= naive.high
    assert covered / REPETITIONS < 0.6
