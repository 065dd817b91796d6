"""Sentences about a verdict: every figure of them comes from the body."""

from typing import Any

import pytest

from retraining.bodies import DifferenceBody, GateBody
from retraining.learning.gate.decision import GateCondition
from retraining.verdict_words import gate_name, gate_words, headline, p_words, release_reason, signed, verdict_words
from tests.retraining.scenarios import make_verdict

BETTER = DifferenceBody(value=4.0, low=2.51, high=5.49, n=1000, level=0.9)
BEHIND = DifferenceBody(value=-0.4, low=-2.0, high=1.2, n=200, level=0.9)


def gate(condition: GateCondition = GateCondition.BETTER, **fields: Any) -> GateBody:
    return GateBody(**{"condition": condition, "passed": False, "alpha": 0.05, **fields})


def of_slice(**fields: Any) -> GateBody:
    return gate(GateCondition.NOT_WORSE, **{"slice_name": "channel=web", "margin": 1.0, **fields})


class TestVerdict:
    def test_a_promotion_says_by_how_much_and_on_what(self) -> None:
        verdict = make_verdict(decision="promote", difference=BETTER, gates=[gate(passed=True)])
        assert (
            verdict_words(verdict) == "Passed: +4.0 points [2.5, 5.5] on 1,000 audit labels, and every condition holds."
        )
        assert release_reason(verdict).startswith("By the gate: +4.0 points [2.5, 5.5]")

    def test_a_hold_names_what_is_not_shown_and_how_many_labels_would_decide(self) -> None:
        verdict = make_verdict(difference=BEHIND, gates=[gate(), of_slice(difference=BEHIND)], needed=1200)
        words = verdict_words(verdict)
        assert words.startswith("Held: \u22120.4 points [\u22122.0, 1.2] on 200 audit labels; ")
        assert "not shown: better overall, channel=web no worse." in words
        assert words.endswith("about 1,200 more audit labels would decide.")

    def test_no_number_is_promised_where_none_would_decide(self) -> None:
        words = verdict_words(make_verdict(difference=BEHIND, gates=[gate()]))
        assert words.endswith(
            "More labels would probably not change that, unless the models differ from what they seem."
        )

    def test_a_slice_without_a_label_is_named(self) -> None:
        words = verdict_words(make_verdict(difference=BEHIND, gates=[gate(difference=BEHIND), of_slice()], needed=9))
        assert words.endswith("Without an audit label in channel=web nothing can be shown there.")

    def test_says_what_the_labels_were(self) -> None:
        verdict = make_verdict(decision="promote", basis="out_of_fold", difference=BETTER, gates=[gate(passed=True)])
        assert "on 1,000 held-out training labels" in verdict_words(verdict)

    def test_claims_nothing_without_a_label_or_a_comparison(self) -> None:
        assert "no audit label yet" in verdict_words(make_verdict())
        broken = make_verdict(problem="v1 cannot be loaded.")
        assert verdict_words(broken) == "Held: nothing was compared, because v1 cannot be loaded."


class TestGate:
    @pytest.mark.parametrize(
        ("given", "name", "words"),
        [
            (
                gate(difference=BETTER, p=0.0001),
                "better overall",
                "+4.0 points [2.5, 5.5], p < 0.001, limit 0.05",
            ),
            (
                gate(GateCondition.BEATS_NAIVE, difference=BEHIND, p=0.6),
                "better than the naive baseline",
                "\u22120.4 points [\u22122.0, 1.2], p = 0.600, limit 0.05",
            ),
            (
                of_slice(difference=BEHIND, p=0.2),
                "channel=web no worse",
                "\u22120.4 points [\u22122.0, 1.2], n 200, adjusted p = 0.200; "
                "shown not to be worse by 1 point or more: adjusted p, limit 0.05",
            ),
            (
                of_slice(),
                "channel=web no worse",
                "no audit label in this slice; shown not to be worse by 1 point or more: adjusted p, limit 0.05",
            ),
        ],
    )
    def test_says_what_was_found_and_what_was_asked_for(self, given: GateBody, name: str, words: str) -> None:
        assert (gate_name(given), gate_words(given)) == (name, words)


@pytest.mark.parametrize(
    ("decision", "passed", "words"),
    [
        ("promote", [True], "Promote: the condition holds"),
        ("promote", [True, True], "Promote: both conditions hold"),
        ("promote", [True] * 3, "Promote: all 3 conditions hold"),
        ("hold", [], "Hold: nothing could be compared"),
        ("hold", [False], "Hold: the condition is not shown"),
        ("hold", [False, True], "Hold: 1 of 2 conditions is not shown"),
        ("hold", [False, False], "Hold: no condition is shown"),
        ("hold", [False, False, True], "Hold: 2 of 3 conditions are not shown"),
    ],
)
def test_the_headline_counts_the_conditions(decision: str, passed: list[bool], words: str) -> None:
    verdict = make_verdict(decision=decision, gates=[gate(passed=one) for one in passed])
    assert headline(verdict) == words


def test_no_difference_has_no_sign() -> None:
    """Seen: "+0.0 points" beside 0.0 in the chart below it."""
    assert [signed(value) for value in (0.0, -0.01, 0.04, 1.24, -3.0)] == ["0.0", "0.0", "0.0", "+1.2", "\u22123.0"]


@pytest.mark.parametrize(("p", "words"), [(None, "not known"), (0.0, "< 0.001"), (0.0314, "= 0.031")])
def test_no_p_is_written_as_zero(p: float | None, words: str) -> None:
    assert p_words(p) == words
