"""The form of a kind's options: each option has a field, and what is chosen comes back."""

from typing import Any

import msgspec
import pytest

from annotation import kinds
from annotation.kinds.option_fields import chosen_options, option_fields
from projects import task_kinds

TYPES = {"ask": "text", "one": "text", "two": "conversation", "n": "number", "photo": "image"}
INPUTS = {name: {"type": kind} for name, kind in TYPES.items()}


class Sent(dict[str, list[str]]):
    def getlist(self, key: str) -> list[str]:
        return self.get(key, [])


def sent(kind: Any, chosen: dict[str, Any]) -> Sent:
    """The form as a browser sends it."""
    found = Sent()
    for field in option_fields(kind, chosen, INPUTS):
        value = field.value
        if field.choices and value not in dict(field.choices):
            value = field.choices[0][0]
        found.setdefault(field.name, []).extend(field.values if field.many else [value])
    return found


@pytest.mark.parametrize("name", task_kinds.names())
def test_each_option_has_a_field_and_an_untouched_form_gives_what_the_kind_has_anyway(name: str) -> None:
    kind = kinds.of(name)
    fields = option_fields(kind, {}, INPUTS)
    options = {field.name for field in msgspec.structs.fields(kind.options_type)}
    assert {field.name.removeprefix(f"answer-{name}-") for field in fields} == options
    assert all(field.title for field in fields)
    assert kind.complete_options(chosen_options(kind, sent(kind, {}), INPUTS), INPUTS) == kind.complete_options(
        {}, INPUTS
    )


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("rating", {"lowest": -2, "highest": 2, "lowest_means": "poor", "highest_means": "good"}),
        ("spans", {"input": "one", "overlapping": "no"}),
        ("pair", {"between": ["two", "ask"]}),
        ("text", {"corrects": "one", "longest": 90}),
        ("ranking", {"candidates": ["ask", "one"], "partial": True}),
    ],
)
def test_what_was_chosen_comes_back(name: str, chosen: dict[str, Any]) -> None:
    kind = kinds.of(name)
    assert chosen_options(kind, sent(kind, chosen), INPUTS) == chosen


def test_an_input_that_is_none_any_more_is_left_out_and_a_number_that_is_none_stays_for_the_refusal() -> None:
    given = Sent(
        {"answer-spans-input": ["gone"], "answer-rating-highest": ["many"], "answer-pair-between": ["n", "one"]}
    )
    assert chosen_options(kinds.of("spans"), given, INPUTS) == {}
    assert chosen_options(kinds.of("pair"), given, INPUTS) == {}
    assert chosen_options(kinds.of("rating"), given, INPUTS) == {"highest": "many"}
