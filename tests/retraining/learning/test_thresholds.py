import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retraining.learning import thresholds
from validation import InvalidInput

scores = hnp.arrays(float, st.integers(1, 12), elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]))
price = st.floats(0.1, 20)


def _cost(score: np.ndarray, truth: np.ndarray, weight: np.ndarray, cut: float, fp: float, fn: float) -> float:
    said = score >= cut
    return float(((said & ~truth) * fp + (~said & truth) * fn) @ weight / weight.sum())


@given(scores, st.data(), price, price)
def test_no_other_threshold_is_cheaper(score: np.ndarray, data: st.DataObject, fp: float, fn: float) -> None:
    truth = data.draw(hnp.arrays(bool, len(score)))
    weight = data.draw(hnp.arrays(float, len(score), elements=st.floats(0.1, 5)))
    found = thresholds.choose(score, truth, false_positive=fp, false_negative=fn, weights=weight)
    assert found.cost == pytest.approx(_cost(score, truth, weight, found.value, fp, fn))
    every = [_cost(score, truth, weight, cut, fp, fn) for cut in [*score, 0.0, 2.0]]
    assert found.cost <= min(every) + 1e-9


@given(scores, st.data(), price, price, st.floats(0, 5))
def test_no_other_band_is_cheaper(score: np.ndarray, data: st.DataObject, fp: float, fn: float, review: float) -> None:
    truth = data.draw(hnp.arrays(bool, len(score)))
    found = thresholds.band(score, truth, false_positive=fp, false_negative=fn, review=review)

    def cost(low: float, high: float) -> float:
        asked = (score >= low) & (score < high)
        return float(
            np.mean((score >= high) & ~truth) * fp + np.mean((score < low) & truth) * fn + asked.mean() * review
        )

    assert found.low <= found.high
    assert found.cost == pytest.approx(cost(found.low, found.high))
    cuts = sorted({0.0, *score, 2.0})
    assert found.cost <= min(cost(low, high) for low in cuts for high in cuts if low <= high) + 1e-9


def test_calibrated_scores_give_about_the_theoretical_threshold() -> None:
    rng = np.random.default_rng(0)
    score = rng.random(20_000)
    found = thresholds.choose(score, rng.random(20_000) < score, false_positive=1, false_negative=4)
    assert found.in_theory == pytest.approx(0.2)
    assert found.value == pytest.approx(0.2, abs=0.05)


def test_a_free_review_asks_wherever_a_mistake_is_possible() -> None:
    found = thresholds.band(
        [0.1, 0.4, 0.6, 0.9], [False, True, False, True], false_positive=1, false_negative=1, review=0
    )
    assert found.cost == 0
    dear = thresholds.band(
        [0.1, 0.4, 0.6, 0.9], [False, True, False, True], false_positive=1, false_negative=1, review=9
    )
    assert dear.review_share == 0


def test_the_cheapest_class_weighs_costs() -> None:
    costs = [[0, 1], [20, 0]]
    assert thresholds.cheapest_class([[0.9, 0.1], [0.99, 0.01]], costs).tolist() == [1, 0]


@given(st.integers(1, 20), st.integers(2, 5), st.integers(0, 99))
def test_no_other_class_costs_less_on_average(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    chance, costs = rng.dirichlet(np.ones(k), n), rng.random((k, k))
    taken = thresholds.cheapest_class(chance, costs)
    expected = chance @ costs
    assert (expected[np.arange(n), taken] <= expected.min(axis=1) + 1e-12).all()


@pytest.mark.parametrize(
    ("given_scores", "costs", "said"),
    [
        ([], (1, 1), "at least one number"),
        ([[0.5]], (1, 1), "one row"),
        ([np.nan], (1, 1), "between 0 and 1"),
        ([1.2], (1, 1), "between 0 and 1"),
        ([0.5], (-1, 1), "at least 0"),
        ([0.5], (0, 0), "not both 0"),
        ([0.5], (np.nan, 1), "at least 0"),
    ],
)
def test_bad_input_is_named(given_scores: list, costs: tuple[float, float], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        thresholds.choose(given_scores, [True], false_positive=costs[0], false_negative=costs[1])


def test_truth_in_a_table_is_named() -> None:
    with pytest.raises(InvalidInput, match="positive must be one row"):
        thresholds.choose([0.5], [[True]], false_positive=1, false_negative=1)


def test_a_bad_review_cost_is_named() -> None:
    with pytest.raises(InvalidInput, match="review"):
        thresholds.band([0.5], [True], false_positive=1, false_negative=1, review=-1)


@pytest.mark.parametrize(
    ("table", "said"), [([[0, 1]], "square"), ([[0, -1], [1, 0]], "not negative"), ([[0]], "square")]
)
def test_a_bad_cost_table_is_named(table: list, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        thresholds.cheapest_class([[0.5, 0.5]], table)
