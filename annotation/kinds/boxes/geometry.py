"""Overlap of boxes, and the boxes on which votes agree: clusters of boxes about the same thing. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

Box = Mapping[str, Any]
Floats = NDArray[np.float64]

SIDES = ("x", "y", "width", "height")
DECIMALS = 6
SAME = 0.5  # intersection over union from which two boxes of one label are about the same thing


def box_order(box: Box) -> tuple[float, float, float, float, str]:
    return box["x"], box["y"], -box["width"], -box["height"], box["label"]


def overlaps(one: Sequence[Box], other: Sequence[Box]) -> Floats:
    """Intersection over union (a, b) of each box of the one with each of the other; 0 for two labels."""
    left, right = _edges(one)[:, None], _edges(other)[None]
    inner = np.minimum(left[..., 2:], right[..., 2:]) - np.maximum(left[..., :2], right[..., :2])
    shared = np.prod(np.clip(inner, 0, None), axis=-1)
    areas = [np.prod(edges[..., 2:] - edges[..., :2], axis=-1) for edges in (left, right)]
    union = areas[0] + areas[1] - shared
    equal = np.array([[a["label"] == b["label"] for b in other] for a in one], dtype=bool).reshape(len(one), len(other))
    return np.where(equal & (union > 0), shared / np.where(union > 0, union, 1), 0.0)


def mean_best_overlap(one: Sequence[Box], other: Sequence[Box]) -> float:
    """The mean over both lists of the best overlap of a box with one of the other, 0 to 1; 1 where both are empty."""
    if not one or not other:
        return float(not one and not other)
    found = overlaps(one, other)
    best = float(found.max(axis=1).sum() + found.max(axis=0).sum())
    return min(best / (len(one) + len(other)), 1.0)


def settle_boxes(votes: Sequence[Sequence[Box]]) -> list[dict[str, Any]] | None:
    """The boxes that more than half of the votes have, each edge the median of theirs.

    None where exactly half of the votes have one. Boxes are clustered over people by their overlap and joined into one,
    as where several detectors are (Solovyev, Wang and Gabruseva 2021), by medians, which one far edge does not move.
    """
    clusters = _clusters(votes)
    if any(2 * len(cluster) == len(votes) for cluster in clusters):
        return None
    settled = [_joined(cluster) for cluster in clusters if 2 * len(cluster) > len(votes)]
    return sorted({box_order(box): box for box in settled}.values(), key=box_order)


def _clusters(votes: Sequence[Sequence[Box]]) -> list[list[Box]]:
    """Boxes of one label about the same thing, at most one of each vote: those that overlap most are put together."""
    clusters: list[list[Box]] = []
    for vote in votes:
        joined = [_joined(cluster) for cluster in clusters]
        free, taken = set(range(len(vote))), set()
        for box, cluster in _nearest_first(overlaps(vote, joined) if vote and joined else np.zeros((0, 0))):
            if box in free and cluster not in taken:
                free.remove(box)
                taken.add(cluster)
                clusters[cluster].append(vote[box])
        clusters += [[vote[box]] for box in sorted(free)]
    return clusters


def _nearest_first(found: Floats) -> list[tuple[int, int]]:
    near = [(-found[a, b], int(a), int(b)) for a, b in zip(*np.nonzero(found >= SAME), strict=True)]
    return [(a, b) for _, a, b in sorted(near)]


def _joined(cluster: Sequence[Box]) -> dict[str, Any]:
    left, top, right, bottom = (median(edges) for edges in zip(*_edges(cluster).tolist(), strict=True))
    sides = (left, top, right - left, bottom - top)
    return {
        **{name: round(side, DECIMALS) for name, side in zip(SIDES, sides, strict=True)},
        "label": cluster[0]["label"],
    }


def _edges(boxes: Sequence[Box]) -> Floats:
    """Left, top, right and bottom (n, 4)."""
    sides = np.array([[box[side] for side in SIDES] for box in boxes], dtype=np.float64).reshape(-1, 4)
    return np.hstack([sides[:, :2], sides[:, :2] + sides[:, 2:]])
