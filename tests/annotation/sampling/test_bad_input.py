"""Whatever is handed to sampling, it asks real rows with finite figures or refuses in words."""

from typing import Any

import numpy as np
import pytest

from annotation import sampling
from annotation.sampling import Pool, select
from tests.annotation.sampling.pools import make_pool
from tests.malformed import answers, not_finite
from validation.probabilities import check_probabilities

POOL = make_pool(40, labels=12)
SIGNALS, CODES = np.linspace(0, 1, 40), np.arange(40) % 3
WIDE = np.random.default_rng(0).normal(size=(120, 2))

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "select": (
        lambda vectors, p, known, targets, signals: select(
            Pool(vectors, p, POOL.classes, known, targets, np.stack([p, p]), signals), size=8, seed=0
        ),
        *(POOL.vectors, POOL.probabilities, POOL.labelled_vectors, POOL.labelled_targets, SIGNALS),
    ),
    "check": (check_probabilities, POOL.probabilities),
    "confidence": (sampling.confidence, POOL.probabilities),
    "margin": (sampling.margin, POOL.probabilities),
    "entropy": (sampling.entropy, POOL.probabilities),
    "disagreement": (lambda one, other: sampling.disagreement([one, other]), POOL.probabilities, POOL.probabilities),
    "rare": (sampling.rare_classes, POOL.probabilities, CODES),
    "drifted": (lambda before, now: sampling.check_shift(before, now, seed=0), WIDE, WIDE[::-1]),
    "agreement": (lambda one, other: sampling.successive_agreement([one, other]), CODES, CODES[::-1]),
    "forecast": (
        lambda labels, scores: sampling.forecast_gain(labels, scores, next_labels=9),
        *(np.arange(10, 60, 10), 1 - 1 / np.arange(10, 60, 10)),
    ),
    "number": (lambda column: sampling.vectorise({"x": column}, {"x": "number"}, seed=0), SIGNALS),
    "category": (lambda column: sampling.vectorise({"x": column}, {"x": "category"}, seed=0), CODES),
    "text": (lambda column: sampling.vectorise({"x": column}, {"x": "text"}, seed=0), CODES.astype(str)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_input_brings_no_silent_number(name: str) -> None:
    function, *given = FUNCTIONS[name]
    for what, found in answers(function, *given):
        assert not_finite(found) == [], what
