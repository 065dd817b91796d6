"""Side questions of a spec: what they take, each refusal in words, and how they follow those in force."""

from typing import Any

import pytest

from projects.project_settings import BadSpec
from projects.side_questions import MainQuestion, check_followers, current_when, offered_questions, parse_questions

TEXT = {"text": {"type": "text"}}
LABELS = [{"value": "good"}, {"value": "bad"}]
CHOICE = MainQuestion("choice", {}, LABELS, TEXT)
FAILURE: dict[str, Any] = {"name": "failure", "kind": "choices", "labels": ["price", "tone"], "when": ["bad"]}


def test_a_question_is_stored_without_what_it_leaves_out() -> None:
    given = {**FAILURE, "required": False, "title": ""}
    stored = {**FAILURE, "labels": [{"value": "price"}, {"value": "tone"}]}

    assert parse_questions([given], CHOICE) == [stored]
    assert parse_questions([stored], CHOICE) == [stored]


@pytest.mark.parametrize("kind", ["rating", "text", "pair"])
def test_a_kind_without_labels_needs_none(kind: str) -> None:
    inputs = {"one": {"type": "text"}, "two": {"type": "text"}}

    [stored] = parse_questions([{"name": "more", "kind": kind}], MainQuestion("choice", {}, LABELS, inputs))

    assert stored["kind"] == kind
    assert stored.get("answer") == ({"between": ["one", "two"]} if kind == "pair" else None)


def test_spans_take_the_first_text_of_the_inputs() -> None:
    [stored] = parse_questions([{"name": "where", "kind": "spans", "labels": ["wrong"]}], CHOICE)

    assert stored["answer"]["input"] == "text"


@pytest.mark.parametrize(
    ("decision", "when"),
    [
        (MainQuestion("rating", {"lowest": 1, "highest": 3}, [], TEXT), [1, 2]),
        (MainQuestion("choices", {}, LABELS, TEXT), ["bad"]),
        (MainQuestion("spans", {"input": "text"}, LABELS, TEXT), ["bad"]),
        (MainQuestion("pair", {"between": ["a", "b"]}, [], TEXT), ["tie", "neither"]),
    ],
    ids=lambda given: given.kind if isinstance(given, MainQuestion) else "",
)
def test_when_names_what_an_answer_of_the_decision_has(decision: MainQuestion, when: list[Any]) -> None:
    asked = {"name": "why", "kind": "text"}

    [stored] = parse_questions([{**asked, "when": [str(one) for one in when]}], decision)

    assert stored["when"] == when
    with pytest.raises(BadSpec, match="is no answer to the decision"):
        parse_questions([{**asked, "when": ["worse"]}], decision)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("failure", "also_ask is 'failure'; it takes a list of at most 10 side questions."),
        (["failure"], "also_ask[0] is 'failure'; it takes an object with some of name, kind, title"),
        ([{**FAILURE, "whne": []}], "it does not take whne."),
        ([{**FAILURE, "name": "What failed?"}], "also_ask[0].name is 'What failed?'; it takes 1 to 40 small letters"),
        ([{"kind": "text"}], "also_ask[0].name is ''"),
        ([{**FAILURE, "name": "value"}], "also_ask[0].name is 'value', which is taken; these are: also, comment"),
        ([{**FAILURE, "kind": "essay"}], "also_ask[0].kind is 'essay'; it takes boxes, choice"),
        ([FAILURE, FAILURE], "also_ask has the name 'failure' twice"),
        ([{**FAILURE, "labels": []}], "also_ask[0] (failure): labels takes a list of 2 to 1,000 labels."),
        ([{**FAILURE, "labels": ["a", "a"]}], "also_ask[0] (failure): Label 'a' stands in the list twice."),
        ([{**FAILURE, "kind": "rating"}], "labels stand where the answer is a label; kind rating takes none."),
        ([{**FAILURE, "answer": {"lowest": 1}}], "answer takes no options for projects of kind choices."),
        ([{**FAILURE, "required": "yes"}], "also_ask[0].required is 'yes'; it takes true or false."),
        ([{**FAILURE, "when": ["worse"]}], "when names 'worse', which is no answer to the decision; these are: good"),
        ([{**FAILURE, "title": "What\nfailed?"}], "also_ask[0].title is 'What\\nfailed?'; it takes text on one line."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(given: Any, why: str) -> None:
    with pytest.raises(BadSpec) as refused:
        parse_questions(given, CHOICE)

    assert why in str(refused.value)


def test_when_takes_nothing_where_answers_cannot_be_named() -> None:
    with pytest.raises(BadSpec, match="when takes none where the decision is of kind text"):
        parse_questions([FAILURE], MainQuestion("text", {}, [], TEXT))


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ([], "Side question 'failure' is missing; one that was asked can be retired"),
        ([{**FAILURE, "kind": "choice"}], "stays of kind choices"),
        ([{**FAILURE, "labels": [{"value": "price"}]}], "Label 'tone' of side question 'failure' is missing"),
    ],
)
def test_a_question_that_was_asked_keeps_what_its_answers_mean(after: list[dict[str, Any]], why: str) -> None:
    before = parse_questions([FAILURE], CHOICE)

    check_followers(before, [{**before[0], "retired": True, "title": "What failed?"}, *after[1:]])
    with pytest.raises(BadSpec, match=why):
        check_followers(before, after)


def test_when_follows_merged_and_split_labels() -> None:
    labels: list[dict[str, Any]] = [
        {"value": "bad", "retired": True, "merged_into": "poor"},
        {"value": "poor", "retired": True, "split_into": ["rude", "wrong"]},
        {"value": "rude"},
        {"value": "wrong"},
    ]

    assert current_when(["bad", "rude", "poor"], labels) == ["rude", "wrong"]
    [today] = offered_questions([{**FAILURE, "labels": [{"value": "price"}]}], labels)
    assert today["when"] == ["rude", "wrong"]
    assert offered_questions([{**FAILURE, "retired": True}], labels) == []
