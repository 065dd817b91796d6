"""The segment of a row: names with short values, such as channel=app."""

from collections.abc import Sequence
from typing import Any

from annotation.batches import BadRow
from validation.json_values import is_storable, quote

MOST_SEGMENTS, LONGEST_SEGMENT = 50, 200


def check_segment(given: dict[str, Any] | None, named: Sequence[str]) -> dict[str, Any]:
    """The segment; its names are those that the project lists, or any where it lists none."""
    if given is None:
        return {}
    if unknown := [name for name in given if named and name not in named]:
        raise BadRow(f"`segment` has {quote(unknown[0])}; the segments are {', '.join(named)}.", field="segment")
    if len(given) > MOST_SEGMENTS:
        raise BadRow(f"`segment` takes at most {MOST_SEGMENTS} names; it has {len(given):,}.", field="segment")
    for name, value in given.items():
        plain = isinstance(value, str | int | float) and is_storable(name) and is_storable(value)
        if not plain or len(str(value)) > LONGEST_SEGMENT or len(name) > LONGEST_SEGMENT:
            raise BadRow(
                f"`segment` takes names with texts or numbers of at most {LONGEST_SEGMENT} characters; "
                f"{quote(name)} is {quote(value)}.",
                field="segment",
            )
    return given
