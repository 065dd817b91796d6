"""Inputs against the input contract: one clear sentence for what does not fit, and columns for the pure rooms."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotation import media
from projects.models import Project
from validation import InvalidInput
from validation.json_values import is_finite_number, is_storable

LONGEST_TEXT = 1_000_000
MOST_INPUTS_BYTES = 2_000_000


class BadInput(InvalidInput):
    """An input that the contract does not take; the message names it."""


def check(
    given: Any, contract: Mapping[str, Mapping[str, Any]], budget: media.PixelBudget
) -> tuple[dict[str, Any], list[media.Picture]]:
    """The inputs as they are stored, and the images among them to be stored first.

    `budget` is shared by all rows of one request.
    """
    if not isinstance(given, dict):
        raise BadInput("`inputs` is not an object of named inputs.")
    if unknown := [name for name in given if name not in contract]:
        raise BadInput(f"`{unknown[0]}` is not in the input contract, which has {', '.join(contract)}.")
    stored: dict[str, Any] = {}
    pictures: list[media.Picture] = []
    for name, rule in contract.items():
        value = given.get(name)
        if value is None:
            if rule.get("required", True):
                raise BadInput(f"`{name}` is missing.")
            stored[name] = None
        elif rule["type"] == "image":
            try:
                picture = media.check(value, budget)
            except media.BadImage as why:
                raise BadInput(f"`{name}` is no image: {why}.") from None
            pictures.append(picture)
            stored[name] = picture.as_input()
        else:
            stored[name] = CHECKS[rule["type"]](name, value, rule)
    return stored, pictures


def _text(name: str, value: Any, rule: Mapping[str, Any]) -> str:
    if not isinstance(value, str):
        raise BadInput(f"`{name}` is {_shown(value)}; a text is expected.")
    if len(value) > LONGEST_TEXT:
        raise BadInput(f"`{name}` has {len(value):,} characters; at most {LONGEST_TEXT:,} are taken.")
    return _clean(name, value)


def _number(name: str, value: Any, rule: Mapping[str, Any]) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"`{name}` is {_shown(value)}; a number with a point is expected.")
    if not is_finite_number(value):
        raise BadInput(f"`{name}` is {_shown(value)}; a finite number is expected.")
    if "min" in rule and value < rule["min"]:
        raise BadInput(f"`{name}` is {value}; it is at least {rule['min']}.")
    if "max" in rule and value > rule["max"]:
        raise BadInput(f"`{name}` is {value}; it is at most {rule['max']}.")
    return value


def _category(name: str, value: Any, rule: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise BadInput(f"`{name}` is {_shown(value)}; a text of at most 1,000 characters is expected.")
    if rule.get("values") and value not in rule["values"]:
        raise BadInput(f"`{name}` is {_shown(value)}; it takes {', '.join(map(str, rule['values'][:20]))}.")
    return _clean(name, value)


CHECKS = {"text": _text, "number": _number, "category": _category}


def _clean(name: str, value: str) -> str:
    if not is_storable(value):
        raise BadInput(f"`{name}` holds a NUL or half a surrogate pair, which no database stores.")
    return value


def _shown(value: Any) -> str:
    """The value as the sentence quotes it, never long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"


def columns(project: Project, rows: Sequence[Mapping[str, Any]], types: Mapping[str, str]) -> dict[str, list[Any]]:
    """Stored inputs as columns for the pure rooms: images become (height, width) uint8 arrays, absent ones None."""
    return {name: [_cell(project, row.get(name), kind) for row in rows] for name, kind in types.items()}


def _cell(project: Project, value: Any, kind: str) -> Any:
    return media.pixels(project, value["media"]) if kind == "image" and value is not None else value
