"""Pairs: which inputs are compared, and when votes settle."""

from typing import Any

import pytest

from annotation.kinds import InvalidLabel, SettledValue
from annotation.kinds.pair import KIND
from projects.project_settings import BadSpec

INPUTS = {
    name: {"type": kind} for name, kind in (("ask", "text"), ("n", "number"), ("x", "text"), ("y", "conversation"))
}


@pytest.mark.parametrize("value", ["a", "b", "tie", "neither"])
def test_one_of_four_answers_is_taken(value: str) -> None:
    assert KIND.validate(value, []) == value and KIND.filter_values([])[value] == value


@pytest.mark.parametrize("value", ["A", "left", None, 1, ["a"]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(InvalidLabel, match="One of a, b, tie and neither is expected"):
        KIND.validate(value, [])


def test_the_last_two_inputs_are_compared_unless_others_are_named() -> None:
    assert KIND.complete_options({}, INPUTS) == {"between": ["x", "y"]}
    assert KIND.complete_options({"between": ["y", "ask"]}, INPUTS) == {"between": ["y", "ask"]}


@pytest.mark.parametrize("between", [["x"], ["x", "x"], ["x", "n"], ["x", "gone"]])
def test_what_cannot_be_compared_is_refused(between: list[str]) -> None:
    with pytest.raises(BadSpec, match="answer.between takes two inputs of type text, conversation or image"):
        KIND.complete_options({"between": between}, INPUTS)


def test_a_project_with_one_text_has_nothing_to_compare() -> None:
    with pytest.raises(BadSpec, match="takes two inputs"):
        KIND.complete_options({}, {"ask": {"type": "text"}})


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        (["a"], SettledValue("a", "single", 1.0)),
        (["a", "b", "a"], SettledValue("a", "majority", 2 / 3)),
        (["a", "tie"], None),
        ([], None),
    ],
)
def test_votes_settle_by_majority(votes: list[Any], settled: SettledValue | None) -> None:
    assert KIND.resolve(votes) == settled
