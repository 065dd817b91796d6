"""The labelled items whose inputs are most like those of one item, by the vectors that sampling compares."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation import blinding
from annotation.models import Item, Resolution
from annotation.routing import candidates
from inputs.duplicates import usual_distance
from projects.models import User

COMPARED = 2000  # labelled items, the newest
SHOWN = 5


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
    inputs = [item.inputs, *(row.item.inputs for row in rows)]
    vectors, words = candidates.vectors_of(item.project, inputs, keep=False)
    distances = np.linalg.norm(vectors[1:] - vectors[0], axis=1) / (usual_distance(vectors) or 1.0)
    order = np.argsort(distances, kind="stable")[:SHOWN]
    found = (Neighbour(rows[at].item, rows[at].value, float(distances[at])) for at in order.tolist())
    return Neighbours(tuple(found), len(rows), words)
