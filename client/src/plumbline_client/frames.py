"""Items as a DataFrame."""

from collections.abc import Sequence
from typing import Any

from plumbline_client.answers import ListedItem

NESTED = ("inputs", "segment")


def to_frame(items: Sequence[ListedItem]) -> Any:
    """One row an item, with `inputs.NAME` and `segment.NAME` as columns and `at` as a time. Needs pandas."""
    import pandas

    frame = pandas.DataFrame([_flatten(item) for item in items])
    if "at" in frame:
        frame["at"] = pandas.to_datetime(frame["at"], utc=True, format="ISO8601")
    return frame


def _flatten(item: ListedItem) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in item.items():
        if name in NESTED and isinstance(value, dict):
            row.update({f"{name}.{inner}": part for inner, part in value.items()})
        else:
            row[name] = value
    return row
