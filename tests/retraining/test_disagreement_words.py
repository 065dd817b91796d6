from typing import Any

import pytest

from retraining.bodies import DifferenceBody, DisagreementBody, SliceGateBody
from retraining.disagreement_words import (
    audit_words,
    cost_difference,
    headline,
    needed_words,
    reason_to_promote,
    slice_words,
)
from retraining.learning.gate.disagreement import SequentialDecision


def body(**fields: Any) -> DisagreementBody:
    given: dict[str, Any] = {
        "decision": SequentialDecision.UNDECIDED,
        "against": "v1",
        "rows": 1000,
        "disagreements": 80,
        "labels": 20,
        "fixed": 12,
        "broken": 6,
        "difference": None,
        "p_better": 0.4,
        "p_worse": 1.0,
        "slices": [],
        "needed": None,
        "left": 60,
        "alpha": 0.05,
    }
    return DisagreementBody(**given | fields)


def web(*, passed: bool = False, failed: bool = False) -> SliceGateBody:
    return SliceGateBody(
        name="channel=web",
        margin=1.0,
        rows=400,
        disagreements=30,
        labels=8,
        difference=None,
        p_not_worse=0.3,
        p_worse=1.0,
        passed=passed,
        failed=failed,
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (body(), "Where they differ: not decided yet"),
        (body(decision=SequentialDecision.PROMOTE), "Where they differ: v2 is better than v1"),
        (body(decision=SequentialDecision.REFUSE), "Where they differ: v2 is worse than v1"),
        (
            body(decision=SequentialDecision.REFUSE, slices=[web(failed=True)]),
            "Where they differ: v2 is worse in channel=web by more than the margin",
        ),
        (
            body(p_better=0.01, slices=[web()]),
            "Where they differ: v2 is better than v1 over all, but not every protected slice is decided",
        ),
        (body(disagreements=0), "v2 and v1 say the same of all traffic that both answered"),
        (body(dearest=5.0, decision=SequentialDecision.PROMOTE), "Where they differ: v2 costs less than v1"),
        (body(dearest=5.0, decision=SequentialDecision.REFUSE), "Where they differ: v2 costs more than v1"),
    ],
)
def test_the_decision_is_one_sentence(found: DisagreementBody, words: str) -> None:
    assert headline(found, "v2") == words


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (body(needed=40), "About 40 more labels probably decide."),
        (body(), "How many more labels decide can't be known yet."),
        (
            body(needed=90),
            "About 90 more labels would probably decide, but this traffic has only 60 more disagreements.",
        ),
        (body(decision=SequentialDecision.PROMOTE), ""),
        (body(disagreements=0), ""),
    ],
)
def test_the_number_of_labels_is_said_where_it_is_known(found: DisagreementBody, words: str) -> None:
    assert needed_words(found) == words


def test_a_slice_says_what_is_shown() -> None:
    assert slice_words(web(passed=True)) == "shown not to be worse by 1 point or more"
    assert slice_words(web(passed=True), costs=True).endswith("by 1 % of the dearest mistake or more")
    assert slice_words(web()).startswith("not decided") and slice_words(web(failed=True)).startswith(
        "shown to be worse"
    )


GAIN = DifferenceBody(value=2.0, low=0.5, high=4.0, n=60, level=0.9)


def test_a_saving_is_below_zero_and_in_the_unit_of_the_costs() -> None:
    found = cost_difference(body(dearest=5.0, difference=GAIN))
    assert found is not None and (found.value, found.low, found.high) == (-10.0, -20.0, -2.5)
    assert cost_difference(body(difference=GAIN)) is None


def test_a_release_keeps_the_figures_and_the_error_rate() -> None:
    assert reason_to_promote(body(difference=GAIN, labels=60)) == (
        "By the disagreement gate: +2.0 points [0.5, 4.0], from 60 labels where it and v1 differ. "
        "One that is no better passes in at most 5% of cases."
    )
    costs = reason_to_promote(body(dearest=5.0, difference=GAIN))
    assert "\N{MINUS SIGN}10.0 [\N{MINUS SIGN}20.0, \N{MINUS SIGN}2.5] in costs for each 100 items" in costs


def test_slices_by_true_label_are_named_until_the_audit_shows_them() -> None:
    found = body(not_asked=["label=spam", "label=ham"])
    assert audit_words(found, {"label=ham"}) == "Audit items have still to show that label=spam gets no worse."
    assert audit_words(found, {"label=ham", "label=spam"}) == ""
