"""The input contract: which inputs a project's items have, and whether given ones fit it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inputs.images import PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.types.base import BrokenRule, InvalidValue
from inputs.types.image import CheckedImage
from validation.json_values import quote, shorten

Contract = Mapping[str, Mapping[str, Any]]

MOST_INPUTS = 500
SHOWN_INPUTS, LONGEST_NAME = 40, 200
MOST_UNKNOWN = 50  # names of one row that the contract does not have, where they are kept


class InvalidContract(InvalidValue):
    """Inputs that no contract can have; the message names the first wrong one."""


def check_contract(given: Any) -> dict[str, dict[str, Any]]:
    """An object of named inputs, each with its type and that type's options. Raises InvalidContract."""
    if not isinstance(given, dict) or not 1 <= len(given) <= MOST_INPUTS:
        raise InvalidContract(f"inputs takes an object of 1 to {MOST_INPUTS} named inputs.")
    for name, rule in given.items():
        if not isinstance(rule, dict) or not isinstance(rule.get("type"), str) or rule["type"] not in INPUT_TYPES:
            raise InvalidContract(f"Input {quote(name)} needs a type: one of {', '.join(INPUT_TYPES.names())}.")
        try:
            INPUT_TYPES[rule["type"]].check_options(name, rule)
        except InvalidValue as why:
            raise InvalidContract(str(why)) from None
    return given


@dataclass(frozen=True, slots=True)
class Violation:
    """A value that breaks a rule of the contract: as it was given (None where it was missing), and the sentence."""

    input: str
    rule: BrokenRule
    given: Any
    error: str


def check_inputs(
    given: Any, contract: Contract, budget: PixelBudget, violations: list[Violation] | None = None
) -> tuple[dict[str, Any], list[CheckedImage]]:
    """The inputs as they are stored, and the images among them to be stored first.

    `budget` is shared by all rows of one request. Raises InvalidValue, whose field is the input, at the first value
    that breaks a rule; with a list of `violations` each of them is added to it instead, and its input is stored as
    missing.
    """
    if not isinstance(given, dict):
        raise InvalidValue("`inputs` is not an object of named inputs.", field="inputs")
    if unknown := [name for name in given if name not in contract]:
        _note_unknown(unknown, given, contract, violations)
    stored: dict[str, Any] = {}
    pictures: list[CheckedImage] = []
    for name, rule in contract.items():
        value = given.get(name)
        try:
            if value is None:
                if "nullable" in rule or rule.get("required", True):
                    _check_absence(name, rule, is_null=name in given)
            else:
                value = INPUT_TYPES[rule["type"]].validate(name, value, rule, budget)
                if type(value) is CheckedImage:
                    pictures.append(value)
                    value = value.as_input()
        except InvalidValue as why:
            why.field = name
            if violations is None:
                raise
            violations.append(Violation(name, why.rule, value, str(why)))
            value = None
        stored[name] = value
    return stored, pictures


def _note_unknown(
    unknown: list[str], given: Mapping[str, Any], contract: Contract, violations: list[Violation] | None
) -> None:
    """Values under names that the contract does not have. Raises InvalidValue where violations are not kept."""
    if violations is not None and len(unknown) > MOST_UNKNOWN:
        why = (
            f"`inputs` has {len(unknown):,} names that are not in the input contract; at most {MOST_UNKNOWN} are kept."
        )
        raise InvalidValue(why, BrokenRule.UNKNOWN, "inputs")
    for name in unknown:
        known = ", ".join([*contract][:SHOWN_INPUTS]) + (", …" if len(contract) > SHOWN_INPUTS else "")
        why = f"`{shorten(name, LONGEST_NAME)}` is not in the input contract, which has {known}."
        if violations is None:
            raise InvalidValue(why, BrokenRule.UNKNOWN, shorten(name, LONGEST_NAME))
        violations.append(Violation(name, BrokenRule.UNKNOWN, given[name], why))


def _check_absence(name: str, rule: Mapping[str, Any], *, is_null: bool) -> None:
    """`nullable` says whether null is taken: where it is not named, whatever `required` says of a missing value.

    Raises InvalidValue.
    """
    required = rule.get("required", True)
    if is_null and "nullable" in rule and not rule["nullable"]:
        raise InvalidValue(f"`{name}` is null, which it does not take.", BrokenRule.NULL)
    if required and not (is_null and rule.get("nullable")):
        raise InvalidValue(f"`{name}` is missing.", BrokenRule.MISSING)
