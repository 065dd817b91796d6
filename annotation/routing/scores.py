"""Scores of items as arrays: the serving version's own first."""

import numpy as np
from numpy.typing import NDArray

from annotation import versions
from annotation.models import Prediction, Source
from annotation.score_order import ScoreOrder
from projects.chunks import chunks
from projects.models import Project


def scores(project: Project, ids: list[int], k: int) -> tuple[NDArray[np.float64], list[str]]:
    """(n, k) probabilities and the version that gave each row, "" where none did; k is 0 for tasks without classes.

    The serving version's own scores come first, then the newest of any version.
    """
    serving = set(versions.stored_as(versions.serving(project)))
    probabilities, scored_by, final = np.full((len(ids), k), 1.0 / max(k, 1)), [""] * len(ids), set[int]()
    place, order = {pk: row for row, pk in enumerate(ids)}, ScoreOrder(project)
    for chunk in chunks(ids):
        rows = Prediction.objects.of_items(chunk).filter(scores__isnull=False).exclude(source=Source.OUT_OF_FOLD)
        rows = rows.order_by("at", "pk")
        found = rows.values_list("item_id", "scores", "model_version", "schema_version")
        for item_id, stored, version, schema in found:
            row, array = place[item_id], order.row(stored, schema).astype(float)
            if k and len(array) == k and (version in serving or row not in final):
                probabilities[row], scored_by[row] = array / array.sum(), version or versions.UNNAMED
                final |= {row} if version in serving else set()
    return probabilities, scored_by
