"""Conversations: what is taken, which turn is wrong, and the text by which models and searches know one."""

from typing import Any

import numpy as np
import pytest

from inputs.contract import check_inputs
from inputs.encoders.columns import text_inputs
from inputs.frame import to_frame
from inputs.groups import group_rows
from inputs.images import PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.search import search_text
from inputs.turns import model_text, parse_turns
from inputs.types.base import InvalidValue

CONTRACT: dict[str, dict[str, Any]] = {"chat": {"type": "conversation"}}
TYPES = {"chat": "conversation"}
WEATHER: list[dict[str, Any]] = [
    {"role": "system", "content": "You are a friendly assistant."},
    {"role": "user", "content": [{"type": "text", "text": "Rain in Oslo?"}, {"type": "image_url", "image_url": {}}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"in": "Oslo"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"mm": 4}'},
    {"role": "assistant", "content": "Yes, 4 mm.", "x_trace": {"tokens": 12}},
]


def _taken(value: object) -> object:
    return check_inputs({"chat": value}, CONTRACT, PixelBudget(0))[0]["chat"]


def test_a_conversation_is_kept_as_it_came_with_the_keys_that_nobody_reads() -> None:
    assert _taken(WEATHER) == WEATHER


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("user: hello", "a list of turns with role and content is expected"),
        ([], "has 0 turns; 1 to 1,000 are taken"),
        ([{"role": "user", "content": "a"}] * 1001, "has 1,001 turns"),
        ([{"role": "user", "content": "a"}, "b"], 'turn 2: it is "b"; an object with role and content is expected'),
        ([{"role": "bot", "content": "a"}], 'turn 1: its role is "bot"; one of system, developer, user, assistant'),
        ([{"content": "a"}], "turn 1: its role is None"),
        ([{"role": ["user"], "content": "a"}], "turn 1: its role is"),
        ([{"role": "user", "content": 3}], "turn 1: its content is 3; a text or a list of parts is expected"),
        ([{"role": "user", "content": ["a"]}], 'part 1 of its content is "a"; an object with a type is expected'),
        ([{"role": "user", "content": [{"type": "text"}]}], "part 1 of its content is a text without its words"),
        ([{"role": "user", "content": None}], "turn 1: it has neither content nor tool_calls"),
        ([{"role": "user", "content": "a\x00"}], "turn 1: it holds a NUL"),
        ([{"role": "user", "content": "a", "x": float("nan")}], "turn 1: it holds a NUL, half a surrogate pair or a"),
        ([{"role": "user", "content": "a", "name": 3}], "turn 1: its name is 3; a text is expected"),
        ([{"role": "user", "content": "a", "name": "n" * 201}], "its name has 201 characters"),
        ([{"role": "assistant", "tool_calls": {}}], "it has neither content nor tool_calls"),
        ([{"role": "assistant", "tool_calls": "x"}], "its tool_calls are no list"),
        ([{"role": "assistant", "tool_calls": [{"id": "c"}]}], "call 1 of its tool_calls has no function with a name"),
        (
            [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": [1]}}]}],
            r"the arguments of call 1 are \[1\]; JSON text is expected",
        ),
        ([{"role": "user", "content": "a" * 1_000_001}], "has 1,000,0.. characters; at most 1,000,000 are taken"),
    ],
)
def test_anything_else_is_refused_with_the_number_of_its_turn(value: object, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        _taken(value)


def test_a_deeply_nested_turn_is_refused_in_words() -> None:
    nested: Any = "x"
    for _ in range(40):
        nested = [nested]
    with pytest.raises(InvalidValue, match="turn 1: it is nested more than 32 levels deep"):
        _taken([{"role": "user", "content": "a", "deep": nested}])


def test_calls_and_their_results_are_read() -> None:
    turns = parse_turns(WEATHER)
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "tool", "assistant"]
    assert turns[1].text == "Rain in Oslo?\n[image_url]"
    assert (turns[2].calls[0].name, turns[2].calls[0].arguments) == ("weather", '{"in": "Oslo"}')
    assert turns[3].answers == turns[2].calls[0].call_id == "c1"


def test_the_older_form_of_a_call_is_read_as_well() -> None:
    (turn,) = parse_turns([{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": {}}}])
    assert (turn.calls[0].name, turn.calls[0].arguments) == ("f", "{}")


def test_models_read_the_last_turn_first_and_the_instructions_last() -> None:
    lines = model_text(WEATHER).split("\n")
    assert (lines[0], lines[-1]) == ("Yes, 4 mm.", "You are a friendly assistant.")
    assert 'weather({"in": "Oslo"})' in lines


def test_an_item_is_found_by_the_words_of_every_turn_and_by_the_tool() -> None:
    found = search_text("k", {"chat": WEATHER}, TYPES)
    assert all(words in found for words in ("friendly assistant", "rain in oslo", "weather(", "yes, 4 mm"))


def test_a_line_shows_what_was_said() -> None:
    assert INPUT_TYPES["conversation"].format(WEATHER).startswith("user: Rain in Oslo?")


def test_a_value_that_is_older_than_its_contract_is_shown_as_it_is() -> None:
    kind = INPUT_TYPES["conversation"]
    for value in ("free words", [1.0, 2.0], 3):
        assert kind.format(value) == kind.search_text(value) == str(value)
        assert kind.column_value(value) == value


def test_its_column_is_read_like_a_text() -> None:
    column = [WEATHER, None, model_text(WEATHER)]
    frame = to_frame({"chat": column}, TYPES)
    assert frame["conversation:chat"].tolist() == [model_text(WEATHER), "∅", model_text(WEATHER)]
    assert text_inputs(TYPES) == ["chat"]


def test_near_copies_are_one_group() -> None:
    cells = [
        model_text([{"role": "user", "content": f"Case {i}: my card number {i * 7919} is lost"}]) for i in range(9)
    ]
    kind = INPUT_TYPES["conversation"]
    copy = kind.column_value([{"role": "user", "content": "CASE 0: my card number 0 is  lost"}])
    groups = group_rows({"chat": [*cells, copy]}, TYPES)
    assert groups[-1] == groups[0] and len(np.unique(groups)) == 9
