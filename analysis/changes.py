"""Change point of an evaluation sample: since when is accuracy lower or higher, and in which segment?"""

from typing import Any

import numpy as np

from analysis.metrics.performance.change import SegmentChange, accuracy_change
from analysis.samples import EvaluationSample
from annotation.models import Item
from projects.chunks import chunks
from projects.models import Project

MOST_VALUES = 50  # of a segment: more would leave too few rows in each


def find_change(project: Project, frame: EvaluationSample) -> dict[str, Any] | None:
    """The change as a report stores it, None where none is significant."""
    if not len(frame):
        return None
    found = accuracy_change(
        frame.truth == frame.predicted, frame.inclusion_probability, segments=_segments(project, frame)
    )
    if found is None:
        return None
    return {
        "at": frame.at[found.row].timestamp(),
        "before": _estimate(found.before),
        "after": _estimate(found.after),
        "difference": {"value": found.difference, "low": found.low, "high": found.high},
        "p": found.p,
        "segment": found.segment,
        "values": [_value(part) for part in found.segments],
        "mix": found.mix,
    }


def _segments(project: Project, frame: EvaluationSample) -> dict[str, list[str]]:
    """The values of each segment of the contract for the rows of the frame, "" where an item has none."""
    known: dict[int, dict[str, Any]] = {}
    for chunk in chunks(frame.item_ids.tolist()):
        known |= dict(Item.objects.filter(project=project, pk__in=chunk).values_list("pk", "segment"))
    names = sorted({name for segment in known.values() for name in segment})
    found = {name: [str(known[pk].get(name, "")) for pk in frame.item_ids.tolist()] for name in names}
    return {name: values for name, values in found.items() if 1 < len(set(values)) <= MOST_VALUES}


def _value(part: SegmentChange) -> dict[str, Any]:
    return {
        "value": part.value,
        "before": _estimate(part.before),
        "after": _estimate(part.after),
        "share_before": part.share_before,
        "share_after": part.share_after,
        "contribution": part.contribution,
    }


def _estimate(given: Any) -> dict[str, Any]:
    plain = {name: getattr(given, name) for name in ("value", "low", "high")}
    return {name: None if one is None or not np.isfinite(one) else float(one) for name, one in plain.items()} | {
        "n": given.n
    }
