"""Stored bodies: what is written loads again, and so does what an earlier version wrote."""

import json
from typing import Any

import pytest

from retraining import bodies
from retraining.bodies import UnknownBody
from retraining.learning.gate.decision import GateCondition
from retraining.verdict_words import verdict_words
from tests.retraining.bodies_of_version_1 import EVALUATION_1, VERDICT_1


def test_what_is_written_loads_again() -> None:
    evaluation, verdict = bodies.load_evaluation(EVALUATION_1), bodies.load_verdict(VERDICT_1)
    assert bodies.load_evaluation(json.loads(json.dumps(bodies.dump(evaluation)))) == evaluation
    assert bodies.load_verdict(json.loads(json.dumps(bodies.dump(verdict)))) == verdict
    assert (bodies.dump(evaluation)["version"], bodies.dump(verdict)["version"]) == (2, 2)


def test_an_evaluation_of_version_1_keeps_its_figures() -> None:
    found = bodies.load_evaluation(EVALUATION_1)
    assert (found.n, found.copies, found.against, found.naive_label) == (60, 2, "v1", "spam")
    assert found.accuracy and found.accuracy.value == 0.8833
    assert found.accuracy_against and found.accuracy_against.value == 0.85
    assert [(row.measure, row.segment, row.label, row.difference.n) for row in found.rows] == [
        ("accuracy", None, None, 60),
        ("truth_probability", None, None, 60),
        ("accuracy", "channel=app", None, 12),
        ("accuracy", None, "spam", 30),
    ]
    assert [row.small for row in found.rows] == [False, False, True, False]


def test_a_verdict_of_version_1_keeps_its_decision_and_its_sentences() -> None:
    found = bodies.load_verdict(VERDICT_1)
    assert (found.decision, found.champion, found.needed) == ("hold", "v1", 340)
    assert found.difference and (found.difference.value, found.difference.level) == (3.33, 0.9)
    assert found.sentence == VERDICT_1["words"]
    assert [(gate.condition, gate.slice_name, gate.passed) for gate in found.gates] == [
        (GateCondition.BETTER, "", False),
        (GateCondition.NOT_WORSE, "label=spam", True),
    ]
    assert found.gates[0].sentence.endswith("p = 0.121, p at most 0.05")


def test_a_candidate_that_passed_in_version_1_is_not_said_to_be_promoted() -> None:
    passed = {**VERDICT_1, "decision": "promote", "words": "Promoted: +3.3 points, and every condition holds."}
    assert verdict_words(bodies.load_verdict(passed)).startswith("Passed: +3.3 points [")


def test_the_naive_baseline_of_version_1_is_no_tag() -> None:
    named = {**EVALUATION_1["other"], "name": "the naive baseline"}
    assert bodies.load_evaluation({**EVALUATION_1, "other": named}).against == ""
    stored = {**VERDICT_1, "against": "the naive baseline", "champion": ""}
    assert bodies.load_verdict(stored).against == ""


def test_the_fields_that_version_1_got_later_may_be_missing() -> None:
    late = ("copies", "latency", "captured_only", "against_champion")
    found = bodies.load_evaluation({name: value for name, value in EVALUATION_1.items() if name not in late})
    assert (found.copies, found.latency, found.captured_only) == (0, None, False)
    early = {name: VERDICT_1[name] for name in ("decision", "words", "against", "gates")}
    assert bodies.load_verdict(early).champion == "v1"


@pytest.mark.parametrize("stored", [{}, {"version": 3}, {"version": 2}, {"decision": []}, {"other": None}, [], "text"])
def test_anything_else_is_refused_in_words(stored: Any) -> None:
    for load in (bodies.load_evaluation, bodies.load_verdict):
        with pytest.raises(UnknownBody, match="judge it again"):
            load(stored)


@pytest.mark.parametrize("stored", ["text", [1], {"version": 3}])
def test_a_run_report_of_another_form_is_refused_in_words(stored: Any) -> None:
    with pytest.raises(UnknownBody):
        bodies.load_run_report(stored)
