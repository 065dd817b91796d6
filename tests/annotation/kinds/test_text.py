"""Texts: what is stored, when votes settle, and how far two texts are from each other."""

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds import InvalidLabel, SettledValue
from annotation.kinds.text import KIND
from annotation.kinds.text.edit_distance import edit_distance
from projects.project_settings import BadSpec

INPUTS = {"draft": {"type": "text"}, "n": {"type": "number"}}


def test_a_text_is_stored_without_space_around_it() -> None:
    assert KIND.validate(" a\r\nb \n", []) == "a\nb"


@pytest.mark.parametrize("value", ["", " \n", None, 3, ["a"], "a\x00b"])
def test_no_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidLabel, match="A text is expected"):
        KIND.validate(value, [])


def test_a_longer_text_than_the_project_takes_is_refused_with_both_lengths() -> None:
    with pytest.raises(InvalidLabel, match="has 4 characters; at most 3 are taken"):
        KIND.with_options({"longest": 3}).validate("abcd", [])


def test_what_is_corrected_is_an_input_of_type_text() -> None:
    assert KIND.complete_options({"corrects": "draft"}, INPUTS) == {"corrects": "draft"}
    for name in ("n", "gone"):
        with pytest.raises(BadSpec, match=f"answer.corrects is '{name}'"):
            KIND.complete_options({"corrects": name}, INPUTS)


def test_votes_settle_where_they_are_equal_alone() -> None:
    assert KIND.resolve(["a", "a"]) == SettledValue("a", "unanimous", 1.0)
    assert KIND.resolve(["a", "a", "b"]) is None and KIND.resolve([]) is None
    assert KIND.resolve(["a"]) == SettledValue("a", "single", 1.0)


def test_the_score_is_one_less_the_share_that_must_be_edited() -> None:
    assert [KIND.score("abcd", other) for other in ("abcd", "abXY", "wxyz", "")] == [1, 0.5, 0, 0]


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_the_distance_is_that_of_the_definition(one: str, other: str) -> None:
    @cache
    def defined(a: int, b: int) -> int:
        if not a or not b:
            return a + b
        changed = defined(a - 1, b - 1) + (one[a - 1] != other[b - 1])
        return min(changed, defined(a - 1, b) + 1, defined(a, b - 1) + 1)

    assert edit_distance(one, other) == edit_distance(other, one) == defined(len(one), len(other))


def test_long_words_are_cut_in_a_sentence_and_whole_beside_the_item() -> None:
    long: Any = "word " * 40
    assert len(KIND.describe(long, [])) == 80 and KIND.describe_beside(long, [], {}) == long
