"""The input contract: which inputs a project's items have, and whether given ones fit it."""

from collections.abc import Mapping
from typing import Any

from inputs.images import PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.types.base import InvalidValue
from inputs.types.image import CheckedImage
from validation.json_values import quote

Contract = Mapping[str, Mapping[str, Any]]

MOST_INPUTS = 500


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


def check_inputs(given: Any, contract: Contract, budget: PixelBudget) -> tuple[dict[str, Any], list[CheckedImage]]:
    """The inputs as they are stored, and the images among them to be stored first.

    `budget` is shared by all rows of one request. Raises InvalidValue, which names the input.
    """
    if not isinstance(given, dict):
        raise InvalidValue("`inputs` is not an object of named inputs.")
    if unknown := [name for name in given if name not in contract]:
        raise InvalidValue(f"`{unknown[0]}` is not in the input contract, which has {', '.join(contract)}.")
    stored: dict[str, Any] = {}
    pictures: list[CheckedImage] = []
    for name, rule in contract.items():
        value = given.get(name)
        if value is None:
            if rule.get("required", True):
                raise InvalidValue(f"`{name}` is missing.")
        else:
            value = INPUT_TYPES[rule["type"]].validate(name, value, rule, budget)
            if type(value) is CheckedImage:
                pictures.append(value)
                value = value.as_input()
        stored[name] = value
    return stored, pictures
