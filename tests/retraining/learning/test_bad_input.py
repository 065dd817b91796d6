"""Whatever is handed to learning, it answers with finite numbers or refuses in words."""

from typing import Any

import numpy as np
import pytest

from analysis.metrics.core.multiple_tests import holm
from analysis.metrics.performance import paired
from retraining.learning import beats_naive, fit, judge
from retraining.learning.calibration import choose
from retraining.learning.gate.decision import GateRule
from retraining.learning.model_selection.fitting import ModelSearch
from retraining.learning.predict import spread
from tests.malformed import answers, not_finite

N = 60
RNG = np.random.default_rng(0)
TRUTH, NUMBER, CHANCE = RNG.integers(0, 3, N), RNG.normal(size=N), RNG.uniform(0.2, 1, N)
P, GAIN = RNG.dirichlet(np.ones(3), N), RNG.integers(-1, 2, N)
SCORES, WEB = RNG.random(N), RNG.random(N) < 0.5
COSTS = 1.0 - np.eye(3)

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "fit": (
        lambda x, targets, weights: (
            fit(
                {"x": x},
                {"x": "number"},
                targets,
                classes=("a", "b", "c"),
                weights=weights,
                search=ModelSearch(budget=0, seed=0),
            ).out_of_fold
        ),
        *(NUMBER, TRUTH, CHANCE),
    ),
    "soft targets": (
        lambda targets: (
            fit(
                {"x": NUMBER}, {"x": "number"}, targets, classes=("a", "b", "c"), search=ModelSearch(budget=0, seed=0)
            ).out_of_fold
        ),
        P,
    ),
    "judge": (
        lambda truth, old, new, chance, web, costs: judge(
            truth,
            old,
            new,
            inclusion_probability=chance,
            protected={"web": web},
            costs=costs,
            rule=GateRule(margin=0.02),
        ),
        *(TRUTH, TRUTH[::-1], np.roll(TRUTH, 1), CHANCE, WEB, COSTS),
    ),
    "naive": (beats_naive, TRUTH, np.roll(TRUTH, 1), CHANCE),
    "calibrator": (
        lambda targets, fold, scores, weights: choose.choose(targets, fold=fold, scores=scores, weights=weights),
        *(np.eye(3)[TRUTH], np.arange(N) % 3, np.log(P), CHANCE),
    ),
    "difference": (lambda gain, weights: paired.difference(gain, weights, level=0.9), GAIN, CHANCE),
    "not worse": (lambda gain, weights: paired.not_worse_p(gain, weights, margin=0.02), GAIN, CHANCE),
    "Holm": (holm, SCORES),
    "spread": (lambda known, codes: spread(known, codes, n_classes=5), P, np.array([4, 0, 2])),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_input_brings_no_silent_number(name: str) -> None:
    function, *given = FUNCTIONS[name]
    for what, found in answers(function, *given):
        assert not_finite(found) == [], what
