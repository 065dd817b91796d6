"""The parts of a change: they add up, they are those of made populations, and their intervals hold the truth."""

import numpy as np
import pytest

from analysis.metrics.performance.change_explanation import LEAST_SIDE, ChangeExplanation, explain_change
from validation import InvalidInput
from validation.arrays import Floats

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)


def sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-values)))


def explained(seed: int, *, mix: bool, inputs: float, concept: float) -> tuple[Floats, ChangeExplanation]:
    """The true parts of a made change of two segments, and what is found from labels of unequal chances."""
    rng = np.random.default_rng(seed)
    shares = np.array([[0.7, 0.3], [0.3, 0.7] if mix else [0.7, 0.3]])
    base, slope = np.array([2.2, 0.8]), -0.9

    def mean(moved: float, other: float) -> Floats:
        return np.array([WEIGHTS @ sigmoid(a + other + slope * (NODES + moved)) for a in base]) / WEIGHTS.sum()

    m0, mx, m1 = mean(0, 0), mean(inputs, 0), mean(inputs, concept)
    truth = np.array([(shares[1] - shares[0]) @ m0, shares[1] @ (mx - m0), shares[1] @ (m1 - mx)])
    rows = []
    for late, n in ((0, 2600), (1, 2000)):
        segment = rng.choice(2, n, p=shares[late])
        x = rng.normal(inputs * late, 1, n)
        right = rng.random(n) < sigmoid(base[segment] + concept * late + slope * x)
        chance = np.where(np.abs(x) < 0.7, 0.28, 0.1)
        drawn = rng.random(n) < chance
        rows.append(np.column_stack([right, chance, np.full(n, late), x, segment])[drawn])
    right, chance, late, x, segment = np.vstack(rows).T
    features = np.column_stack([x, rng.normal(size=x.size)])
    found = explain_change(
        right, chance, late == 1, features, segment=segment.astype(str).tolist(), resamples=80, seed=seed
    )
    assert found is not None
    return truth, found


@pytest.mark.simulation
@pytest.mark.parametrize(("mix", "inputs", "concept"), [(True, 0.0, 0.0), (False, 0.8, 0.0), (True, 0.5, -0.9)])
def test_the_parts_are_those_of_the_population_and_their_intervals_hold_them(
    mix: bool, inputs: float, concept: float
) -> None:
    made = [explained(seed, mix=mix, inputs=inputs, concept=concept) for seed in range(12)]
    parts = [(found.mix, found.inputs, found.rest) for _, found in made]
    errors = np.array([[one.value for one in row] for row in parts]) - [truth for truth, _ in made]
    assert np.abs(errors.mean(axis=0)).max() < 0.04  # about four standard errors of a mean of 12
    low, high = (np.array([[getattr(one, end) for one in row] for row in parts]) for end in ("low", "high"))
    true = np.array([truth for truth, _ in made])
    held = (low <= true) & (true <= high)
    assert np.mean(held) >= 0.8  # 95 % of 36, less three standard errors and a little


def test_the_parts_add_up_to_the_difference_of_the_weighted_means() -> None:
    _, found = explained(3, mix=True, inputs=0.5, concept=-0.5)
    total = sum(one.value for one in (found.mix, found.inputs, found.rest, found.unseen))
    assert total == pytest.approx(found.difference)
    assert found.unseen.value == 0.0


def test_a_value_that_was_not_there_before_is_neither_inputs_nor_the_rest() -> None:
    rng = np.random.default_rng(0)
    late = np.arange(400) >= 250
    right = rng.random(400) < np.where(late, 0.3, 0.9)
    found = explain_change(
        right, np.ones(400), late, rng.normal(size=(400, 1)), segment=np.where(late, "B", "A").tolist()
    )
    assert found is not None
    assert found.unseen.value == pytest.approx(found.difference)
    assert (found.inputs.value, found.rest.value) == (0.0, 0.0)
    assert found.unseen.low < found.unseen.value < found.unseen.high < 0


def test_without_features_nothing_is_laid_to_the_inputs() -> None:
    rng = np.random.default_rng(1)
    late = np.arange(300) >= 150
    right = rng.random(300) < np.where(late, 0.5, 0.9)
    found = explain_change(right, np.ones(300), late, np.zeros((300, 0)))
    assert found is not None
    assert found.inputs.value == pytest.approx(0.0, abs=0.01)
    assert found.rest.value == pytest.approx(found.difference, abs=0.01)


def test_missing_values_and_constant_columns_are_taken() -> None:
    rng = np.random.default_rng(2)
    features = np.column_stack([rng.normal(size=200), np.full(200, 3.0), np.full(200, np.nan)])
    features[::7, 0] = np.nan
    late = np.arange(200) >= 100
    found = explain_change(rng.random(200) < 0.8, np.full(200, 0.5), late, features, groups=np.arange(200) // 2)
    assert found is not None and np.isfinite([found.inputs.low, found.rest.high]).all()


def test_too_few_rows_are_not_explained_and_other_lengths_are_refused() -> None:
    n = 2 * LEAST_SIDE
    right, late = np.ones(n, dtype=bool), np.arange(n) >= n - LEAST_SIDE + 1
    assert explain_change(right, np.ones(n), late, np.zeros((n, 1))) is None
    late = np.arange(n) >= LEAST_SIDE
    with pytest.raises(InvalidInput, match="rows of numbers"):
        explain_change(right, np.ones(n), late, np.zeros((n - 1, 1)))
    with pytest.raises(InvalidInput, match="segment has"):
        explain_change(right, np.ones(n), late, np.zeros((n, 1)), segment=["A"])
