"""Stored rows of items as arrays: scores, and groups of equal or near-equal inputs."""

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from django.db.models import BigIntegerField, ExpressionWrapper, F, Model, QuerySet
from django.db.models.lookups import LessThan
from numpy.typing import NDArray

from annotation import media
from annotation.models import Item
from inputs.groups import group_rows, shrunk
from inputs.registry import INPUT_TYPES
from projects.chunks import chunks
from projects.models import Project

THUMBNAILS = 50_000  # kept in a process, 256 bytes each
# Multiples of the golden ratio spread any run of ids evenly over these lots (Knuth, TAOCP 3, section 6.4).
LOTS, GOLDEN = 2**31, 1_327_217_885

Row = TypeVar("Row", bound=Model)


def uniform_sample(rows: QuerySet[Row], total: int, most: int) -> QuerySet[Row]:
    """About `most` of these `total` rows, a uniform sample by id that is the same whenever it is asked for."""
    if total <= most:
        return rows
    lot = ExpressionWrapper(F("pk") % LOTS * GOLDEN % LOTS, output_field=BigIntegerField())
    return rows.filter(LessThan(lot, LOTS * most // total))


def input_groups(project: Project, ids: list[int]) -> NDArray[np.int64]:
    """Group numbers (n,): items with equal or near-equal inputs share one."""
    types, stored = project.contract().types(), dict[int, dict[str, Any]]()
    for chunk in chunks(ids):
        stored |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "inputs"))
    rows = [stored[pk] for pk in ids]
    images = [name for name, kind in types.items() if INPUT_TYPES[kind].in_media]
    hashes = {row[name]["media"] for row in rows for name in images if row.get(name) is not None}
    small = {sha256: _thumbnail(project, sha256) for sha256 in hashes}
    return group_rows(media.columns(project, rows, types, small), types)


@lru_cache(maxsize=THUMBNAILS)
def _thumbnail(project: Project, sha256: str) -> NDArray[np.uint8]:
    """A stored image as small as groups compare it; kept, because each refresh of a report looks at the same ones."""
    return np.round(shrunk(media.pixels(project, sha256).astype(np.float64))).astype(np.uint8)


def score_matrix(stored: list[bytes | None], k: int) -> NDArray[np.float64] | None:
    """(n, k) from the stored rows; None where any of them has no scores of this width."""
    if not stored or any(row is None or len(row) != 4 * k for row in stored):
        return None
    matrix = np.frombuffer(b"".join(bytes(row) for row in stored if row is not None), dtype="<f4").reshape(-1, k)
    return matrix.astype(np.float64) / matrix.sum(axis=1, keepdims=True)
