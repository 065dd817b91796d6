"""The parts of a change as pages write them: Overview, Performance and Errors show the same."""

from dataclasses import dataclass

from analysis.change_explanations import StoredExplanation
from analysis.changes import StoredChange
from analysis.metrics.core.stored import StoredEstimate


@dataclass(frozen=True)
class PartRow:
    """One part in points, with what it means."""

    words: str
    because: str
    points: StoredEstimate


def part_rows(found: StoredExplanation | None, change: StoredChange | None) -> list[PartRow]:
    """The parts of a change, none where it was not explained; what cannot be there is left out."""
    if found is None or change is None:
        return []
    features = ", ".join(found.features[:4]) or "no input that can be summarised"
    rows = [
        PartRow("Mix of segments", "other shares of traffic, the same scores", _in_points(found.mix)),
        PartRow("Moved inputs", f"within segments: {features}", _in_points(found.inputs)),
        PartRow("The rest", "the same inputs, other scores: what only labels show", _in_points(found.rest)),
    ]
    if found.unseen.value:
        new = ", ".join(one.value or "none" for one in change.values if not one.before.n and one.after.n)
        why = f"{change.segment} {new} was not there before: inputs and the rest cannot be separated"
        rows.append(PartRow("New in the traffic", why, _in_points(found.unseen)))
    return [row for row in rows if row.points.low or row.points.high]


def _in_points(part: StoredEstimate) -> StoredEstimate:
    value, low, high = (None if end is None else 100 * end for end in (part.value, part.low, part.high))
    return StoredEstimate(value, low, high, part.n)
