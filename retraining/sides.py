"""Two sides of a comparison on the same items, and the slices of these items by segment and true label."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from projects.project_settings import LABEL_SLICE
from retraining.answers import Answers
from retraining.bodies import Basis


@dataclass(frozen=True)
class Sides:
    """The items compared, with both sides' answers; the other side is the champion, or the naive baseline."""

    basis: Basis
    item_ids: list[int]
    segments: list[dict[str, Any]]
    truth: NDArray[Any]
    inclusion_probability: NDArray[np.float64]
    groups: NDArray[np.int64]
    candidate: Answers
    other: Answers
    naive: Answers
    against: str  # tag, "" for the baseline


def in_slice(sides: Sides, wanted: str) -> NDArray[np.bool_]:
    """(n,) whether each item is of this slice: label=fraud by its true label, channel=app by its segment."""
    name, _, value = wanted.partition("=")
    if name == LABEL_SLICE:
        return np.asarray(sides.truth == value, dtype=bool)
    return np.array([in_segment(segment, wanted) for segment in sides.segments], dtype=bool)


def in_segment(segment: dict[str, Any], wanted: str) -> bool:
    """Whether an item's segment has the pair that a difference is named by, such as channel=app."""
    name, _, value = wanted.partition("=")
    return name in segment and str(segment[name]) == value


def by_segment(segments: Sequence[dict[str, Any]]) -> list[tuple[str, NDArray[np.bool_]]]:
    """Each value of each segment, as name=value, with its rows, most frequent first."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for row, segment in enumerate(segments):
        for name, value in segment.items():
            pairs.setdefault((name, str(value)), []).append(row)
    found = []
    for (name, value), rows in sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        mask = np.zeros(len(segments), dtype=bool)
        mask[rows] = True
        found.append((f"{name}={value}", mask))
    return found


def by_label(truth: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    names, counts = np.unique(truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(str(names[i]), truth == names[i]) for i in order]
