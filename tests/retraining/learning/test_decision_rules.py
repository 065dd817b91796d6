"""Rules from scores: thresholds choose the label, bands the decision, and the cheapest bands cost the least."""

import numpy as np
import pytest

from retraining.learning import decision_rules
from retraining.learning.decision_rules import cheapest_bands, chosen_labels, valid_policy, valid_thresholds
from validation import InvalidInput

LABELS = ["ham", "spam", "fraud"]


def chosen(scores: list[float], thresholds: dict[str, float]) -> str:
    rule = valid_thresholds(thresholds, LABELS)
    return LABELS[chosen_labels(np.array([scores]), LABELS, rule)[0]]


@pytest.mark.parametrize(
    ("scores", "thresholds", "label"),
    [
        ([0.6, 0.3, 0.1], {}, "ham"),
        ([0.6, 0.3, 0.1], {"fraud": 0.1}, "fraud"),
        ([0.6, 0.3, 0.1], {"fraud": 0.11}, "ham"),
        ([0.2, 0.7, 0.1], {"spam": 0.8}, "ham"),
        ([0.5, 0.3, 0.2], {"spam": 0.3, "fraud": 0.1}, "spam"),
        ([0.5, 0.3, 0.2], {"ham": 0.9, "spam": 0.9, "fraud": 0.9}, "ham"),
    ],
)
def test_a_label_is_given_from_its_threshold_on(scores: list[float], thresholds: dict[str, float], label: str) -> None:
    assert chosen(scores, thresholds) == label


def test_bands_decide_by_the_score_of_a_label_or_of_the_answer() -> None:
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3]])
    bands = [(0, "review"), (0.5, "approve")]
    codes = chosen_labels(scores, LABELS, None)
    own = valid_policy("", bands, LABELS)
    of_spam = valid_policy("spam", [(0, "approve"), (0.2, "challenge"), (0.5, "block")], LABELS)
    assert decision_rules.decisions(scores, codes, LABELS, own) == ["approve", "approve"]
    assert decision_rules.decisions(scores, codes, LABELS, of_spam) == ["approve", "block"]
    assert decision_rules.decisions(scores, codes, ["ham", "junk", "fraud"], of_spam) is None


@pytest.mark.parametrize(
    "bands",
    [[], [(0.1, "approve")], [(0, "approve"), (0, "block")], [(0, "approve"), (1.1, "block")], [(0, "delete")]],
)
def test_bands_that_leave_scores_out_or_name_no_decision_are_refused(bands: list[tuple[float, str]]) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        valid_policy("", bands, LABELS)


@pytest.mark.parametrize("thresholds", [{"junk": 0.5}, {"spam": 1.5}, {"spam": float("nan")}])
def test_thresholds_of_no_label_or_beyond_a_score_are_refused(thresholds: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        valid_thresholds(thresholds, LABELS)


@pytest.mark.parametrize("review", [None, 0.5, 2.0, 50.0])
@pytest.mark.parametrize(("alarm", "miss"), [(1.0, 20.0), (5.0, 1.0), (0.0, 3.0), (0.0, 0.0)])
def test_the_cheapest_bands_cost_no_more_than_any_other_decision(
    alarm: float, miss: float, review: float | None
) -> None:
    policy = valid_policy("", cheapest_bands(alarm, miss, review), LABELS)
    for p in np.linspace(0.0005, 0.9995, 500):
        prices = {"approve": p * miss, "block": (1 - p) * alarm}
        if review is not None:
            prices["review"] = review
        band = [one for one in policy.bands if one.start <= p][-1]
        assert prices[band.decision] <= min(prices.values()) + 1e-3 * max(alarm, miss)
