"""The input contract: what a spec may ask for, what a row may hold, and the sentence for what does not fit."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from inputs.contract import InvalidContract, Violation, check_contract, check_inputs
from inputs.images import PixelBudget
from inputs.types.base import BrokenRule, InvalidValue
from inputs.values import is_missing
from tests.pictures import encoded, grey

CONTRACT: dict[str, dict[str, Any]] = {
    "note": {"type": "text"},
    "amount": {"type": "number", "min": 0, "max": 10, "required": False},
    "country": {"type": "category", "values": ["de", "fr"], "required": False},
    "paid": {"type": "boolean", "required": False},
    "at": {"type": "time", "required": False},
    "scan": {"type": "image", "required": False},
}


def check(**given: Any) -> dict[str, Any]:
    return check_inputs({"note": "hello", **given}, CONTRACT, PixelBudget())[0]


def test_each_value_is_stored_as_its_type_has_it() -> None:
    stored, pictures = check_inputs(
        {"note": "hello", "amount": 1.5, "paid": False, "at": "2026-11-23T15:00:00+01:00", "scan": encoded(grey())},
        CONTRACT,
        PixelBudget(),
    )
    assert stored | {"scan": None} == {
        "note": "hello",
        "amount": 1.5,
        "country": None,
        "paid": False,
        "at": "2026-11-23T14:00:00Z",
        "scan": None,
    }
    assert stored["scan"] == pictures[0].as_input() == {"media": pictures[0].sha256, "width": 3, "height": 2}


@pytest.mark.parametrize(
    ("given", "stored"),
    [("2026-11-23", "2026-11-23T00:00:00Z"), ("2026-11-23T14:00Z", "2026-11-23T14:00:00Z")],
)
def test_a_date_is_midnight_in_utc(given: str, stored: str) -> None:
    assert check(at=given)["at"] == stored


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"note": None}, "`note` is missing."),
        ({"note": 5}, "`note` is 5; a text is expected."),
        ({"note": "\x00"}, "`note` holds a NUL"),
        ({"other": 1}, "`other` is not in the input contract, which has note, amount"),
        ({"amount": -1}, "`amount` is -1; it is at least 0."),
        ({"amount": 11}, "`amount` is 11; it is at most 10."),
        ({"amount": True}, "`amount` is True; a number with a point is expected."),
        ({"amount": float("inf")}, "a finite number is expected."),
        ({"country": "it"}, '`country` is "it"; it takes de, fr.'),
        ({"paid": "yes"}, '`paid` is "yes"; true or false is expected.'),
        ({"paid": 1}, "`paid` is 1; true or false is expected."),
        ({"at": "23.11.2026"}, '`at` is "23.11.2026"; a time such as 2026-11-23T14:00:00Z is expected.'),
        ({"at": "2026-11-23T14:00:00"}, "a time such as"),
        ({"at": "9999-12-31T23:59:59-05:00"}, "a time such as"),
        ({"at": 1_700_000_000}, "a time such as"),
        ({"scan": "x"}, "`scan` is no image: its text is not base64."),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidValue) as why:
        check(**given)
    assert sentence in str(why.value)


WRONG = {
    "note": (None, BrokenRule.MISSING),
    "amount": (-1, BrokenRule.MINIMUM),
    "country": ("it", BrokenRule.VALUES),
    "paid": ("yes", BrokenRule.TYPE),
    "at": (5, BrokenRule.TYPE),
    "scan": ("x", BrokenRule.TYPE),
    "other": ({"a": 1}, BrokenRule.UNKNOWN),
}


def test_every_violation_is_named_as_given_where_they_are_kept() -> None:
    given = {name: value for name, (value, _) in WRONG.items() if value is not None}
    violations: list[Violation] = []
    stored, pictures = check_inputs(given, CONTRACT, PixelBudget(), violations)
    assert {one.input: (one.given, one.rule) for one in violations} == WRONG
    assert (set(stored.values()), list(stored), pictures) == ({None}, list(CONTRACT), [])


@pytest.mark.parametrize("name", WRONG)
def test_where_they_are_refused_the_row_names_field_and_rule(name: str) -> None:
    value, rule = WRONG[name]
    with pytest.raises(InvalidValue) as why:
        check(**{name: value})
    assert (why.value.field, why.value.rule) == (name, rule)


@pytest.mark.parametrize(
    ("rule", "given", "broken"),
    [
        ({}, {}, BrokenRule.MISSING),
        ({}, {"x": None}, BrokenRule.MISSING),
        ({"required": False}, {}, None),
        ({"required": False}, {"x": None}, None),
        ({"nullable": True}, {}, BrokenRule.MISSING),
        ({"nullable": True}, {"x": None}, None),
        ({"nullable": False}, {"x": None}, BrokenRule.NULL),
        ({"required": False, "nullable": False}, {}, None),
        ({"required": False, "nullable": False}, {"x": None}, BrokenRule.NULL),
    ],
)
def test_a_value_may_be_absent_or_null_as_the_contract_says(
    rule: dict[str, bool], given: dict[str, Any], broken: BrokenRule | None
) -> None:
    violations: list[Violation] = []
    assert check_inputs(given, {"x": {"type": "text", **rule}}, PixelBudget(), violations)[0] == {"x": None}
    assert [one.rule for one in violations] == ([] if broken is None else [broken])


@pytest.mark.parametrize("given", [None, [], "note", 3])
def test_inputs_are_an_object(given: Any) -> None:
    with pytest.raises(InvalidValue, match="not an object"):
        check_inputs(given, CONTRACT, PixelBudget())


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, "inputs takes an object of 1 to 500 named inputs."),
        ([], "inputs takes an object"),
        ({"x": "text"}, "Input 'x' needs a type: one of boolean, category,"),
        ({"x": {"type": ["text"]}}, "Input 'x' needs a type"),
        ({"x": {"type": "number", "min": "a"}}, "Input 'x': min takes a number."),
        ({"x": {"type": "number", "min": 2, "max": 1}}, "min is 2, more than max, which is 1."),
        ({"x": {"type": "category", "values": "a"}}, "values takes a list of texts."),
        ({"x": {"type": "text", "required": "no"}}, "required takes true or false."),
    ],
)
def test_a_contract_that_cannot_be_is_one_sentence(inputs: Any, sentence: str) -> None:
    with pytest.raises(InvalidContract) as why:
        check_contract(inputs)
    assert sentence in str(why.value)


@pytest.mark.parametrize(
    ("kind", "option"),
    [("text", "values"), ("category", "min"), ("boolean", "values"), ("image", "max"), ("time", "x")],
)
def test_an_option_without_effect_is_refused(kind: str, option: str) -> None:
    with pytest.raises(InvalidContract, match=f"Input 'x' of type {kind} has {option}; it takes type, required"):
        check_contract({"x": {"type": kind, option: 1}})


MISSING: list[Any] = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, "", " \n"]
PRESENT: list[Any] = [0, 0.0, False, "0", "nan", [], {}, np.zeros(2), np.zeros(0)]


@pytest.mark.parametrize(
    ("value", "missing"),
    [*((value, True) for value in MISSING), *((value, False) for value in PRESENT)],
)
def test_one_rule_says_what_is_missing(value: Any, missing: bool) -> None:
    assert is_missing(value) is missing
