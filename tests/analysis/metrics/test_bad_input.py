"""Whatever is handed to a measure, it answers with finite numbers, says "undefined", or refuses in words."""

import math
from typing import Any

import numpy as np
import pytest

from analysis.metrics.core import weighted
from analysis.metrics.core.design import design
from analysis.metrics.core.multiple_tests import benjamini_hochberg
from analysis.metrics.drift import column_tests
from analysis.metrics.drift import reference as seasonal_reference
from analysis.metrics.estimates import label_free, label_shift
from analysis.metrics.estimates.class_probabilities import reference
from analysis.metrics.labels import label_errors
from analysis.metrics.performance import calibration, classification, risk_coverage, threshold_curve, thresholds
from analysis.metrics.slices import scan
from analysis.metrics.votes import agreement, consensus
from tests.malformed import answers, not_finite

N = 60
RNG = np.random.default_rng(0)
CLASSES = ("a", "b", "c")
TRUTH, THREE = RNG.integers(0, 2, N), RNG.integers(0, 3, N)
SCORES, CHANCE = (TRUTH + RNG.random(N)) / 2, RNG.uniform(0.2, 1, N)
P, VECTORS = RNG.dirichlet(np.ones(3), N), RNG.normal(size=(N, 4))
ITEMS, PEOPLE, LABELS = np.repeat(np.arange(20), 3), np.tile([0, 1, 2], 20), RNG.integers(0, 3, 60)
PAST = reference(P, THREE, features=VECTORS)
COSTS = 1.0 - np.eye(3)

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "cohen": (agreement.cohen, THREE, THREE[::-1]),
    "fleiss": (agreement.fleiss, np.tile([[2, 1, 0], [0, 3, 0]], (10, 1))),
    "krippendorff": (agreement.krippendorff, ITEMS, PEOPLE, LABELS),
    "interval": (lambda *rows: agreement.krippendorff(*rows, level="interval"), ITEMS, PEOPLE, LABELS),
    "by pair": (agreement.by_pair, ITEMS, PEOPLE, LABELS),
    "calibration": (lambda y, x, chance: calibration.calibration(y, x, design(chance)), TRUTH, SCORES, CHANCE),
    "Spiegelhalter": (
        lambda y, x, chance: calibration.spiegelhalter(y, x, design(chance)),
        TRUTH,
        SCORES,
        CHANCE,
    ),
    "risk-coverage": (
        lambda y, x, chance: risk_coverage.risk_coverage(y, x, design(chance)),
        TRUTH,
        SCORES,
        CHANCE,
    ),
    "curve": (lambda y, x, chance: threshold_curve.threshold_curve(y, x, design(chance)), TRUTH, SCORES, CHANCE),
    "number": (column_tests.number_test, VECTORS[:, 0], VECTORS[:, 1]),
    "category": (column_tests.category_test, LABELS, THREE),
    "text": (column_tests.text_test, [f"a{i % 7} b" for i in range(N)], [f"a{i % 5} c" for i in range(N)]),
    "adjusted": (benjamini_hochberg, RNG.random(5)),
    "season": (seasonal_reference.match, THREE, THREE[::-1]),
    "dependence": (seasonal_reference.dependence, VECTORS[:, 0]),
    "CBPE": (lambda p: label_free.cbpe(PAST, p, metrics=("accuracy", "log_loss", "brier")), P),
    "label errors": (label_errors.suspected, THREE, P),
    "BBSE": (label_shift.bbse, P, THREE, P[::-1]),
    "performance": (
        lambda truth, said, chance, p, costs: classification.classification(
            truth, said, design(chance), classes=CLASSES, probabilities=p, costs=costs
        ),
        *(THREE, P.argmax(axis=1), CHANCE, P, COSTS),
    ),
    "slices": (
        lambda x, c, errors, chance: scan.scan({"x": x, "c": c}, errors, inclusion_probability=chance),
        *(np.tile(VECTORS[:, 0], 10), np.tile(LABELS.astype(str), 10), np.tile(TRUTH, 10), np.tile(CHANCE, 10)),
    ),
    "band": (
        lambda y, x, chance: thresholds.band_at(y, x, design(chance), low=0.3, high=0.7),
        TRUTH,
        SCORES,
        CHANCE,
    ),
    "votes": (lambda i, a, y: consensus.resolve((i, a, y)), ITEMS[:18], PEOPLE[:18], LABELS[:18]),
    "proportion": (weighted.proportion, TRUTH, CHANCE),
    "mean": (weighted.mean, SCORES, CHANCE),
    "ratio": (weighted.ratio, TRUTH, SCORES, CHANCE),
    "LURE": (lambda losses, q: weighted.lure(losses, q, pool=100), SCORES[:20], RNG.uniform(0.005, 0.02, 20)),
}
# Where NaN or infinity is the documented word for "undefined".
SAID = {"curve": ("precision", "recall", "rate"), "votes": ("quality",), "BBSE": ("conditioned",)}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_input_brings_no_silent_number(name):
    function, *given = FUNCTIONS[name]
    for what, found in answers(function, *given):
        wrong = [path for path in not_finite(found) if not any(part in path for part in SAID.get(name, ()))]
        assert wrong == [], what


def test_a_finding_that_is_not_finite_would_be_seen():
    assert not_finite(label_shift.bbse(P, THREE, P)) == []
    assert not_finite(([1.0, {"a": math.inf}], np.array([np.nan]))) == ["[0][1][a]", "[1]"]
