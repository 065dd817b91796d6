"""The candidates of a round, found by index among all items of the window: how many came before does not matter.

They are the most uncertain under the serving version, the newest, and a random sample, so that every item can be
reached. Nothing here looks at whether the audit drew an item, nor at its label if it has one: an audit item that is
labelled already is as good a candidate as its neighbour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from annotation import kinds, media, text_vectors, versions
from annotation.models import Item, Prediction, Resolution, Source
from annotation.routing.scores import scores
from annotation.sampling import vectorise
from projects.chunks import chunks
from projects.models import Project

WINDOW = timedelta(days=30)
"""Captured how long ago: what the active part looks at first, and what more audit items are drawn from."""

UNCERTAIN, RANDOM, NEWEST = 2000, 1500, 500
SMALL_POOL = 5000
WITH_IMAGES = 0.4
LABELLED = 2000


@dataclass(frozen=True)
class Candidates:
    """n items that the active part may ask, with what is known of them, and l labelled ones to compare with.

    `compared` says in a sentence why texts are compared by TF-IDF alone; "" where they are not.
    """

    ids: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    scored: NDArray[np.bool_]
    scored_by: list[str]
    vectors: NDArray[np.float32]
    labelled_vectors: NDArray[np.float32]
    labelled_targets: NDArray[np.int64]
    compared: str


def pool(project: Project) -> QuerySet[Item]:
    """The items that the active part may still ask."""
    return Item.objects.filter(project=project, in_pool=True)


def find_candidates(project: Project, *, count: int, at: datetime, rng: np.random.Generator) -> list[int]:
    """Ids of the candidates of a round that asks `count`: of the window, or of all time where it holds too few."""
    since = at - WINDOW
    window = pool(project).filter(captured_at__gt=since)
    found = _find(project, window, since, count, rng)
    return found if len(found) >= 2 * count else _find(project, pool(project), None, count, rng)


def share_with_images(project: Project) -> float:
    """The share of a sample that is read where each of its items takes the decoding of an image."""
    return WITH_IMAGES if "image" in project.contract().types().values() else 1.0


def _find(
    project: Project, items: QuerySet[Item], since: datetime | None, count: int, rng: np.random.Generator
) -> list[int]:
    most = [max(round(share_with_images(project) * n), 2 * count) for n in (UNCERTAIN, RANDOM, NEWEST)]
    uncertain = [item for item, _ in most_uncertain(project, most[0], since=since)]
    newest = items.order_by("-captured_at", "-pk").values_list("pk", flat=True)[: most[2]]
    return list(dict.fromkeys([*uncertain, *newest, *random_sample(items, most[1], rng)]))


def most_uncertain(project: Project, count: int, *, since: datetime | None) -> list[tuple[int, float]]:
    """(item, margin) of the pool's items under the serving version, the smallest margin first, at most `count`.

    From the index of margins; of a pool with few items, from those, for their margins may lie anywhere in the index.
    """
    tags = versions.stored_as(versions.serving(project))
    rows = Prediction.objects.filter(project=project, model_version__in=tags, margin__isnull=False)
    rows = rows.exclude(source=Source.OUT_OF_FOLD)
    items = pool(project).filter(captured_at__gt=since) if since else pool(project)
    few = list(items.values_list("pk", flat=True)[: SMALL_POOL + 1])
    if len(few) <= SMALL_POOL:
        parts = (rows.filter(item__in=chunk).values_list("margin", "pk", "item") for chunk in chunks(few))
        ordered = sorted((margin, pk, item) for part in parts for margin, pk, item in part if margin is not None)
        return [(item, margin) for margin, _, item in ordered[:count]]
    rows = rows.filter(item__in_pool=True)
    rows = rows.filter(item__captured_at__gt=since) if since else rows
    found = rows.order_by("margin", "pk").values_list("item", "margin")[:count]
    return [(item, margin) for item, margin in found if margin is not None]


def random_sample(items: QuerySet[Item], count: int, rng: np.random.Generator) -> list[int]:
    """At most `count` of these items, drawn by their second random number: from a random place on, and around."""
    start = float(rng.random())
    ordered = items.order_by("sample_number", "pk").values_list("pk", flat=True)
    found = list(ordered.filter(sample_number__gte=start)[:count])
    return found + list(ordered.filter(sample_number__lt=start)[: count - len(found)])


def load(project: Project, ids: list[int]) -> Candidates:
    """Read these items with their scores, and the newest labels of items that the pool no longer holds."""
    rows = _inputs(ids)
    kept = [pk for pk in ids if pk in rows]
    known, values = labelled(project), kinds.class_names(project)
    vectors, compared = vectors_of(project, [*(rows[pk] for pk in kept), *(row[0] for row in known)])
    probabilities, scored_by = scores(project, kept, len(values))
    return Candidates(
        ids=np.array(kept, dtype=np.int64),
        probabilities=probabilities,
        scored=np.array([bool(version) for version in scored_by], dtype=bool),
        scored_by=scored_by,
        vectors=vectors[: len(kept)],
        labelled_vectors=vectors[len(kept) :],
        labelled_targets=np.array([_code(row[1], values) for row in known], dtype=int),
        compared=compared,
    )


def _code(value: Any, classes: tuple[str, ...]) -> int:
    """The code of a label among the classes, -1 where it is none of them; 0 of any value where there are none."""
    if not classes:
        return 0
    return classes.index(value) if value in classes else -1


def labelled(project: Project) -> list[tuple[dict[str, Any], Any]]:
    """Inputs and label of what was labelled last and the pool no longer holds, without the evaluation items."""
    rows = Resolution.objects.current().filter(project=project, evaluation=False, item__in_pool=False)
    return list(rows.order_by("-resolved_at", "-pk").values_list("item__inputs", "value")[:LABELLED])


def _inputs(ids: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunks(ids):
        found |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "inputs"))
    return found


def columns_of(project: Project, rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    """Stored inputs as columns."""
    return media.columns(project, rows, project.contract().types())


def vectors_of(project: Project, rows: list[dict[str, Any]], *, keep: bool = True) -> tuple[NDArray[np.float32], str]:
    """Vectors of these inputs, and in a sentence why they know texts by TF-IDF alone, where they do.

    Without `keep` nothing is written: vectors of texts that were not encoded before are not stored.
    """
    if not rows:
        return np.zeros((0, 1), dtype=np.float32), ""
    columns, types = columns_of(project, rows), project.contract().types()
    available = text_vectors.available_vectors(project, columns, types, keep=keep)
    vectors = vectorise(columns, types, texts=available.vectors, seed=0)
    return vectors, available.words if available.texts is None else ""
