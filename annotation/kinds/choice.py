"""One label out of a list. A value is the label's own text."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from annotation.kinds.verdict import BadValue, Verdict

TEMPLATE = "annotation/kinds/choice.html"
MOST_KEYS = 20
SHOWN = 12  # labels named in a refusal
Labels = Sequence[dict[str, Any]]


def check(value: Any, labels: Labels) -> str:
    values = [label["value"] for label in labels]
    if isinstance(value, str) and value in values:
        return value
    rest = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    given = f'"{value[:60]}"' if isinstance(value, str) else "No label" if value is None else "The value"
    raise BadValue(f"{given} is not one of the labels: {', '.join(values[:SHOWN])}{rest}.")


def words(value: Any, labels: Labels) -> str:
    found = next((label for label in labels if label["value"] == value), None)
    return title(found) if found else str(value)


def title(label: dict[str, Any]) -> str:
    return label.get("title") or label["value"]


def agreement(values: Sequence[Any]) -> float | None:
    n = len(values)
    if n < 2:
        return None
    return sum(count * (count - 1) for count in Counter(values).values()) / (n * (n - 1))


def resolve(values: Sequence[Any]) -> Verdict | None:
    """One vote settles alone; more need the same label from more than half of them."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    if len(values) == 1:
        return Verdict(value, "single", 1.0)
    if count == len(values):
        return Verdict(value, "unanimous", 1.0)
    return Verdict(value, "majority", count / len(values)) if 2 * count > len(values) else None


def form(labels: Labels) -> dict[str, Any]:
    """The buttons in the schema's order, with keys that never change while a person works."""
    caps = keys(labels)
    buttons = [
        {"value": label["value"], "title": title(label), "hint": label.get("hint", ""), "key": key, "cap": cap(key)}
        for label, key in zip(labels, caps, strict=True)
    ]
    short = len(labels) <= 10 and all(len(button["title"]) <= 2 for button in buttons)
    return {"buttons": buttons, "short": short, "searchable": len(labels) > 10}


def keys(labels: Labels) -> list[str]:
    """One key for each label, "" where none is left: the schema's own, else the digit that the label is, else 1 to 9
    and 0 by position and the same with Shift for 11 to 20 (written "+1")."""
    values = [str(label["value"]) for label in labels]
    if all(label.get("key") for label in labels):
        return [str(label["key"]) for label in labels]
    if all(len(value) == 1 and value in "0123456789" for value in values):
        return values
    digits = [*"1234567890"]
    return ([*digits, *(f"+{digit}" for digit in digits)] + [""] * len(values))[: len(values)]


def cap(key: str) -> str:
    """What stands on the key cap."""
    return key.replace("+", "⇧") if key.startswith("+") else key.upper()
