"""Spans on which votes agree: clusters of spans that are about the same stretch, each settled by majority. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SAME = 0.5  # intersection over union from which two spans of one label are about the same stretch

Span = Mapping[str, Any]


def settle_spans(votes: Sequence[Sequence[Span]]) -> list[dict[str, Any]] | None:
    """The spans that more than half of the votes have, with the ends that most of those give them.

    None where exactly half of the votes have a span, and where no end of one is given by more than half of those that
    have it: a person decides then.
    """
    settled = []
    for cluster in _clusters(votes):
        if 2 * len(cluster) == len(votes):
            return None
        if 2 * len(cluster) < len(votes):
            continue
        start, end = (_majority([span[name] for span in cluster]) for name in ("start", "end"))
        if start is None or end is None or start >= end:
            return None
        settled.append({"start": start, "end": end, "label": cluster[0]["label"]})
    return sorted(settled, key=lambda span: (span["start"], -span["end"], span["label"]))


def _clusters(votes: Sequence[Sequence[Span]]) -> list[list[Span]]:
    """Spans of one label about the same stretch, at most one of each vote: each joins the nearest cluster's first."""
    clusters: list[list[Span]] = []
    for vote in votes:
        taken: set[int] = set()
        for span in vote:
            near = [
                (_overlap(span, cluster[0]), -place) for place, cluster in enumerate(clusters) if place not in taken
            ]
            best = max(near, default=(0.0, 0))
            if best[0] >= SAME:
                place = -best[1]
                clusters[place].append(span)
            else:
                place = len(clusters)
                clusters.append([span])
            taken.add(place)
    return clusters


def _overlap(one: Span, other: Span) -> float:
    """Intersection over union of two spans of one label; 0 for two labels."""
    if one["label"] != other["label"]:
        return 0.0
    shared = min(one["end"], other["end"]) - max(one["start"], other["start"])
    union = max(one["end"], other["end"]) - min(one["start"], other["start"])
    return max(shared, 0) / union


def _majority(ends: Sequence[int]) -> int | None:
    end, count = Counter(ends).most_common(1)[0]
    return end if 2 * count > len(ends) else None
