"""Choices: what is taken, when votes settle, and how far two lists of labels agree."""

from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds import InvalidLabel, SettledValue
from annotation.kinds.choices import KIND as choices

LABELS: list[dict[str, Any]] = [
    {"value": "rude", "title": "Rude"},
    {"value": "late"},
    {"value": "old", "retired": True},
]
lists = st.lists(st.sampled_from("abc"), unique=True).map(sorted)


@pytest.mark.parametrize("value", [[], ["late"], ["late", "rude"]])
def test_any_number_of_labels_is_taken(value: list[str]) -> None:
    assert choices.validate(value, LABELS) == value


def test_the_order_in_which_they_were_chosen_is_not_kept() -> None:
    assert choices.validate(["rude", "late"], LABELS) == choices.validate(["late", "rude"], LABELS[::-1])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "A list of labels is expected; the empty list says that none of them fits."),
        ("late", "A list of labels is expected; the empty list says that none of them fits."),
        ([1], "A list of labels is expected; the empty list says that none of them fits."),
        (["gone"], '"gone" is not one of the labels: rude, late, old.'),
        (["late", "late"], '"late" stands in the list twice.'),
    ],
)
def test_anything_else_is_refused_in_words(value: object, said: str) -> None:
    with pytest.raises(InvalidLabel) as refused:
        choices.validate(value, LABELS)
    assert str(refused.value) == said


def test_words_are_the_titles_in_the_schemas_order() -> None:
    assert [choices.describe(value, LABELS) for value in (["gone", "late", "rude"], [])] == [
        "Rude, late, gone",
        "none of them",
    ]


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], None),
        ([["a"]], SettledValue(["a"], "single", 1.0)),
        ([[], []], SettledValue([], "unanimous", 1.0)),
        ([["a"], ["b"]], None),
        ([["a"], ["a", "b"]], None),  # half of them have b
        ([["a"], ["a", "b"], ["b", "c"]], SettledValue(["a", "b"], "majority", 1 / 3)),
        ([["a"], [], []], SettledValue([], "majority", 2 / 3)),
        ([["a"], ["b"], ["c"]], None),  # nobody said that none of them fits
    ],
)
def test_votes_settle_label_by_label(votes: list[list[str]], settled: SettledValue | None) -> None:
    assert choices.resolve(votes) == settled


@given(lists, lists)
def test_the_score_is_the_jaccard_index_both_ways(one: list[str], other: list[str]) -> None:
    score = choices.score(one, other)
    assert score == choices.score(other, one)
    assert (score == 1) == (one == other) and (score == 0) == (one != other and not set(one) & set(other))
    assert choices.agreement([one, other]) == score


def test_the_key_for_none_of_them_is_left_to_a_label_that_has_it() -> None:
    own: list[dict[str, Any]] = [{"value": "new", "key": "n"}, {"value": "late"}]
    assert [choices.form(labels)["none_key"] for labels in (LABELS, own)] == ["n", ""]
    assert [row.words for row in choices.answer_keys(own)] == ["Choose or drop a label", "Send what is chosen"]


def test_a_reviewers_form_says_which_labels_or_that_none_fits() -> None:
    assert choices.parse_form(QueryDict("value=late&value=rude")) == ["late", "rude"]
    assert choices.parse_form(QueryDict("none=yes")) == []
    with pytest.raises(InvalidLabel, match="No label is chosen"):
        choices.parse_form(QueryDict(""))


def test_merged_labels_leave_a_sorted_answer_with_each_label_once() -> None:
    assert choices.replace_labels(["a", "c", "d"], {"a": "d"}) == ["c", "d"]
