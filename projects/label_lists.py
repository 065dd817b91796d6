"""Lists of labels as specs, pages and side questions give them: what a label takes, and names that differ."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from projects import lookalikes, shortcuts
from projects.project_settings import BadSpec, shown

LABEL_TEXTS = ("value", "title", "hint", "key", "colour")
LABEL_KEY = re.compile(r"[a-z0-9]|\+[0-9]")
DESK_KEYS = frozenset(key.key for key in shortcuts.DEFAULTS)
COLOURS = {
    "1": "Blue",
    "2": "Ochre",
    "3": "Teal",
    "4": "Red",
    "5": "Violet",
    "6": "Olive",
    "7": "Sky",
    "8": "Black",
}
"""Category colours of the look, by number: marks beside a label, never the only sign of it."""


def check_labels(given: Any, also: Collection[str] = (), *, fewest: int = 2) -> list[dict[str, Any]]:
    """`["a", "b"]`, or objects with value, title, hint, key and colour. Raises BadSpec.

    `also` are fields of a label that a schema in force may have beside them.
    """
    if not isinstance(given, list) or not fewest <= len(given) <= 1000:
        raise BadSpec(f"labels takes a list of {fewest} to 1,000 labels.")
    labels = [{"value": label} if isinstance(label, str) else label for label in given]
    for label in labels:
        value = label.get("value") if isinstance(label, dict) else None
        if not isinstance(value, str) or not 1 <= len(value) <= 200:
            raise BadSpec("Each label is a text of 1 to 200 characters, or an object with such a value.")
        if set(label) - {*LABEL_TEXTS, *also}:
            raise BadSpec(f"Label {value!r} takes {', '.join(LABEL_TEXTS[:-1])} and {LABEL_TEXTS[-1]} only.")
        if not all(isinstance(label.get(name, ""), str) for name in LABEL_TEXTS):
            raise BadSpec(f"Title, hint, key and colour of label {value!r} are texts.")
        _check_mark(value, label.get("key", ""), label.get("colour", ""))
    keys = [label["key"] for label in labels if label.get("key")]
    if len(set(keys)) < len(keys):
        raise BadSpec(f"The key {next(key for key in keys if keys.count(key) > 1)} answers with two labels.")
    check_names("Label", [label["value"] for label in labels])
    check_names("Label title", [label.get("title") or label["value"] for label in labels])
    return labels


def _check_mark(value: str, key: str, colour: str) -> None:
    """The key and the colour of a label. Raises BadSpec."""
    if key and (not LABEL_KEY.fullmatch(key) or key in DESK_KEYS):
        used = ", ".join(sorted(key for key in DESK_KEYS if key.isalnum()))
        raise BadSpec(
            f"The key of label {value!r} is {shown(key)}; it takes a digit, or a small letter other than {used}."
        )
    if colour and colour not in COLOURS:
        raise BadSpec(f"The colour of label {value!r} is {shown(colour)}; it takes {', '.join(COLOURS)}.")


def check_names(noun: str, names: Sequence[str]) -> None:
    """Refuse names that a person could not see or tell apart."""
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadSpec(f"{noun} {twice!r} stands in the list twice.")
    for name in names:
        if fault := lookalikes.fault(name):
            raise BadSpec(f"{noun} {name!r} {fault}.")
    if pair := lookalikes.twins(names):
        raise BadSpec(f"{noun} {pair[0]!r} and {pair[1]!r} look alike; nobody could tell them apart.")
