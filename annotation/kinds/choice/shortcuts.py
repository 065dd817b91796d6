"""Keyboard shortcuts of label buttons."""

from annotation.kinds.base import Labels

DIGITS = [*"1234567890"]


def keys_of(labels: Labels) -> list[str]:
    """One key for each label, "" where none is left: the schema's own, else the digit that the label is, else 1 to 9
    and 0 by position and the same with Shift for 11 to 20 (written "+1")."""
    values = [str(label["value"]) for label in labels]
    if all(label.get("key") for label in labels):
        return [str(label["key"]) for label in labels]
    if all(len(value) == 1 and value in "0123456789" for value in values):
        return values
    return ([*DIGITS, *(f"+{digit}" for digit in DIGITS)] + [""] * len(values))[: len(values)]


def cap(key: str) -> str:
    """What stands on the key cap."""
    return key.replace("+", "⇧") if key.startswith("+") else key.upper()
