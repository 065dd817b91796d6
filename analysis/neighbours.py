"""The items whose inputs are most like those of one item, by the vectors that sampling compares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet

from annotation import blinding
from annotation.models import Item, Resolution
from annotation.routing import candidates
from inputs.duplicates import usual_distance
from projects.models import Project, User

COMPARED = 2000  # items, the newest
SHOWN = 5
MOST_SIMILAR = 100


@dataclass(frozen=True)
class Neighbour:
    """A labelled item; `distance` is Euclidean, 1 = that of two items drawn at random."""

    item: Item
    value: Any
    distance: float


@dataclass(frozen=True)
class Neighbours:
    """The nearest first. compared: how many labelled items were looked at; words: why texts are compared by TF-IDF
    alone, "" where they are not."""

    nearest: tuple[Neighbour, ...]
    compared: int
    words: str


def labelled_neighbours(item: Item, *, viewer: User | None) -> Neighbours:
    """The nearest of the items that were labelled last, without evaluation items and those that `viewer` may not see
    the label of."""
    most = round(candidates.share_with_images(item.project) * COMPARED)
    labelled = Resolution.objects.current().filter(project=item.project, evaluation=False).exclude(item=item)
    labelled = labelled.exclude(item__in=blinding.blind_items(item.project, viewer).values("pk"))
    rows = list(labelled.order_by("-resolved_at", "-pk").select_related("item")[:most])
    if not rows:
        return Neighbours((), 0, "")
    nearest, words = _nearest(item.project, item.inputs, [row.item.inputs for row in rows])
    found = (Neighbour(rows[at].item, rows[at].value, distance) for at, distance in nearest[:SHOWN])
    return Neighbours(tuple(found), len(rows), words)


@dataclass(frozen=True)
class SimilarItems:
    """ids: of the most similar items, the nearest first; compared: how many were looked at; words: as in Neighbours."""

    ids: tuple[int, ...]
    compared: int
    words: str


def similar_items(item: Item, among: QuerySet[Item]) -> SimilarItems:
    """The MOST_SIMILAR of the newest COMPARED of these items, fewer where images are compared."""
    most = round(candidates.share_with_images(item.project) * COMPARED)
    others = among.exclude(pk=item.pk).order_by("-at", "-pk")
    rows = list(others.values_list("pk", "inputs")[:most])
    if not rows:
        return SimilarItems((), 0, "")
    nearest, words = _nearest(item.project, item.inputs, [inputs for _, inputs in rows])
    return SimilarItems(tuple(rows[at][0] for at, _ in nearest[:MOST_SIMILAR]), len(rows), words)


def _nearest(
    project: Project, inputs: dict[str, Any], others: Sequence[dict[str, Any]]
) -> tuple[list[tuple[int, float]], str]:
    """The place of each of the others with its distance, the nearest first, and why texts are compared by TF-IDF."""
    vectors, words = candidates.vectors_of(project, [inputs, *others], keep=False)
    distances = np.linalg.norm(vectors[1:] - vectors[0], axis=1) / (usual_distance(vectors) or 1.0)
    order = np.argsort(distances, kind="stable")
    return list(zip(order.tolist(), distances[order].tolist(), strict=True)), words
