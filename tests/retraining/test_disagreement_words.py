from typing import Any

import pytest

from retraining.bodies import DisagreementBody, SliceGateBody
from retraining.disagreement_words import headline, needed_words, slice_words
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
            "Where they differ: v2 is better over all, but not every protected slice is decided",
        ),
        (body(disagreements=0), "v2 and v1 say the same of all traffic that both answered"),
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


def test_a_slice_says_what_is_shown_and_from_how_many() -> None:
    assert slice_words(web(passed=True)) == (
        "shown not to be worse by 1 point or more; differ on 30 of 400, 8 labelled"
    )
    assert slice_words(web()).startswith("not decided") and slice_words(web(failed=True)).startswith(
        "shown to be worse"
    )
