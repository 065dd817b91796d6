"""Change point of an evaluation sample: since when is accuracy lower or higher, and in which segment?"""

from typing import Any

from msgspec import Struct

from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.performance.change import SegmentChange, accuracy_change
from analysis.samples import EvaluationSample
from annotation.models import Item
from projects.chunks import chunks
from projects.models import Project

MOST_VALUES = 50  # of a segment: more would leave too few rows in each


class StoredSegmentChange(Struct, frozen=True):
    """One value of the segment before and after; contribution: its part of the whole difference."""

    value: str
    before: StoredEstimate
    after: StoredEstimate
    share_before: float
    share_after: float
    contribution: float


class StoredChange(Struct, frozen=True):
    """A significant change of the mean score. at: seconds since the epoch; difference: after minus before, of n rows.

    segment: the one of which a value explains most, "" where none does; mix: the part that comes from other traffic
    shares; p: of the largest change over all moments. row: the first row of the sample after it.
    """

    at: float
    before: StoredEstimate
    after: StoredEstimate
    difference: StoredEstimate
    p: float
    segment: str
    values: list[StoredSegmentChange]
    mix: float
    row: int = 0


def find_change(project: Project, sample: EvaluationSample) -> StoredChange | None:
    """The change as a report stores it, None where none is significant."""
    if not len(sample):
        return None
    found = accuracy_change(
        sample.score,
        sample.inclusion_probability,
        segments=segments_of(project, sample),
        groups=sample.groups,
        moments=[moment.timestamp() for moment in sample.at],
    )
    if found is None:
        return None
    return StoredChange(
        at=sample.at[found.row].timestamp(),
        before=stored_estimate(found.before),
        after=stored_estimate(found.after),
        difference=StoredEstimate(found.difference, found.low, found.high, len(sample)),
        p=found.p,
        segment=found.segment,
        values=[_value(part) for part in found.segments],
        mix=found.mix,
        row=found.row,
    )


def segments_of(project: Project, sample: EvaluationSample) -> dict[str, list[str]]:
    """The values of each segment of the contract for the rows of the sample, "" where an item has none."""
    known: dict[int, dict[str, Any]] = {}
    for chunk in chunks(sample.item_ids.tolist()):
        known |= dict(Item.objects.filter(project=project, pk__in=chunk).values_list("pk", "segment"))
    names = sorted({name for segment in known.values() for name in segment})
    found = {name: [str(known[pk].get(name, "")) for pk in sample.item_ids.tolist()] for name in names}
    return {name: values for name, values in found.items() if 1 < len(set(values)) <= MOST_VALUES}


def _value(part: SegmentChange) -> StoredSegmentChange:
    return StoredSegmentChange(
        value=part.value,
        before=stored_estimate(part.before),
        after=stored_estimate(part.after),
        share_before=part.share_before,
        share_after=part.share_after,
        contribution=part.contribution,
    )
