"""Inputs that moved since a date: named numbers of the items before and after, tested one by one."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db.models import QuerySet
from msgspec import Struct

from analysis.item_arrays import uniform_sample
from annotation import media
from annotation.models import Item
from annotation.sampling.design.input_shift import InputShift, find_shifts, summarise
from projects.models import Project

MOST_ITEMS = 800  # of each side, a uniform sample where there are more
MOST_VALUES = 8  # of a segment, whose items are looked at apart
MOST = 8


class MovedInput(Struct, frozen=True):
    """One named number of the items, such as the brightness of an image, that moved; p: after correction.

    segment: where it moved, "" everywhere. before, now: means of either side, of shares in 0 to 1.
    """

    name: str
    segment: str
    words: str
    before: float
    now: float
    effect: float
    p: float
    is_share: bool


class MovedInputs(Struct, frozen=True):
    """What moved, the largest effect first, of so many items before and since."""

    before: int
    since: int
    moved: list[MovedInput]


def find_moved_inputs(project: Project, items: QuerySet[Item], *, since: float) -> MovedInputs:
    """The inputs whose numbers are clearly otherwise since then; since: seconds since the epoch."""
    moment, types = datetime.fromtimestamp(since, UTC), project.contract().types()
    sides = [_rows(items.filter(at__lt=moment)), _rows(items.filter(at__gte=moment))]
    rows = [row for side in sides for row in side]
    recent = np.arange(len(rows)) >= len(sides[0])
    columns = media.columns(project, [inputs for inputs, _ in rows], types)
    parts = _segments([segment for _, segment in rows])
    shifts = find_shifts(summarise(columns, types), recent, parts)
    return MovedInputs(len(sides[0]), len(sides[1]), [_stored(one) for one in shifts[:MOST]])


def _rows(items: QuerySet[Item]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    chosen = uniform_sample(items, items.count(), MOST_ITEMS)
    return list(chosen.values_list("inputs", "segment")[: 2 * MOST_ITEMS])


def _segments(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A mask (n,) of the items of each common value of each segment."""
    found: dict[str, Any] = {}
    for name in sorted({name for row in rows for name in row}):
        column = np.array([str(row.get(name, "")) for row in rows], dtype=object)
        values, counts = np.unique(column.astype(str), return_counts=True)
        for value in values[np.argsort(-counts, kind="stable")][:MOST_VALUES]:
            found[f"{name} {value}"] = column == value
    return found


def _stored(shift: InputShift) -> MovedInput:
    return MovedInput(
        shift.name, shift.segment, shift.words, shift.before, shift.now, shift.effect, shift.p, shift.is_share
    )
