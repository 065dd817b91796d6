"""Training-serving skew of a project: inputs of captured items beside those of a file of features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec import Struct

from analysis.feature_files import FeatureRows
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.skew.feature_differences import FeatureDifference, feature_differences
from analysis.metrics.skew.point_in_time import as_of
from analysis.reports.registry import StoredKind
from annotation.models import ContractViolation, Item
from projects.chunks import CHUNK
from projects.models import Project
from validation.json_values import quote

MOST_ITEMS = 100_000  # the newest that are compared
MOST_EXAMPLES = 10  # of a feature
LONGEST_VALUE = 60


class SkewExample(Struct, frozen=True):
    """One item of which the feature differs; values as a page shows them."""

    item: str
    key: str
    serving: str
    training: str


class FeatureSkew(Struct, frozen=True):
    """One feature: see `feature_differences.FeatureDifference`."""

    name: str
    rate: StoredEstimate
    different: int
    missing_serving: int
    missing_training: int
    numbers: int
    mean_difference: float | None
    relative_difference: float | None
    examples: list[SkewExample]


class SkewBody(Struct, frozen=True, tag_field="version", tag=1):
    """What is stored. entity: the input or segment whose value is the file's key, "" for the item's own key.

    items: those that were looked at, of which `matched` have a row in the file; without_row: the others.
    """

    file: str
    entity: str
    point_in_time: bool
    rows: int
    refused: int
    items: int
    matched: int
    features: list[FeatureSkew]
    reasons: list[str] = []

    @property
    def without_row(self) -> int:
        return self.items - self.matched


class SkewReport(StoredKind[SkewBody]):
    """Stored when a file is compared, and not made again by itself: the file is not kept."""

    name = "feature_skew"
    body = SkewBody


KIND = SkewReport()


@dataclass(frozen=True)
class _Served:
    """A captured item, and its key in the file."""

    uid: str
    key: str
    entity: str
    at: float
    inputs: dict[str, Any]


def compare_with_items(project: Project, rows: FeatureRows, *, file: str, entity: str = "") -> SkewBody:
    """Compare the newest items with the rows of their keys; with times, with the row that was known at the item's."""
    known = set(rows.keys)
    looked_at = list(_served(project, entity, known))
    served = [one for one in looked_at if one is not None]
    row_times = rows.times if rows.times is not None else [0.0] * len(rows.keys)
    times = [one.at if rows.times is not None else 0.0 for one in served]
    places = as_of([one.entity for one in served], times, rows.keys, row_times)
    pairs = [(one, rows.inputs[place]) for one, place in zip(served, places.tolist(), strict=True) if place >= 0]
    groups = np.unique([one.entity for one, _ in pairs], return_inverse=True)[1] if pairs and entity else None
    found = feature_differences(
        [one.inputs for one, _ in pairs], [other for _, other in pairs], rows.names, groups=groups
    )
    return SkewBody(
        file=file,
        entity=entity,
        point_in_time=rows.times is not None,
        rows=len(rows.keys),
        refused=rows.refused_rows,
        items=len(looked_at),
        matched=len(pairs),
        features=[_feature(one, pairs) for one in sorted(found, key=lambda one: -len(one.places))],
        reasons=rows.refused,
    )


def _served(project: Project, entity: str, known: set[str]) -> Iterator[_Served | None]:
    """The newest items, None for each whose key the file does not have."""
    items = Item.objects.filter(project=project).order_by("-pk")
    before, left = None, MOST_ITEMS
    while left > 0 and (part := list((items.filter(pk__lt=before) if before else items)[: min(CHUNK, left)])):
        before, left = part[-1].pk, left - len(part)
        given = _given_values([item.pk for item in part])
        for item in part:
            key = item.key if not entity else _entity_of(item, entity)
            inputs = item.inputs | given.get(item.pk, {})
            yield _Served(item.uid, item.key, key, item.at.timestamp(), inputs) if key in known else None


def _given_values(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Values that broke the contract: they are what was served with."""
    found: dict[int, dict[str, Any]] = {}
    for pk, name, value in ContractViolation.objects.filter(item__in=ids).values_list("item", "input", "given"):
        found.setdefault(pk, {})[name] = value
    return found


def _entity_of(item: Item, entity: str) -> str:
    value = item.inputs.get(entity, item.segment.get(entity))
    return "" if value is None else str(value)


def _feature(found: FeatureDifference, pairs: Sequence[tuple[_Served, dict[str, Any]]]) -> FeatureSkew:
    shown = [pairs[place] for place in found.places[:MOST_EXAMPLES]]
    return FeatureSkew(
        name=found.name,
        rate=stored_estimate(found.rate),
        different=len(found.places),
        missing_serving=found.missing_serving,
        missing_training=found.missing_training,
        numbers=found.numbers,
        mean_difference=found.mean_difference,
        relative_difference=found.relative_difference,
        examples=[
            SkewExample(one.uid, one.key, _shown(one.inputs.get(found.name)), _shown(other.get(found.name)))
            for one, other in shown
        ],
    )


def _shown(value: Any) -> str:
    return "missing" if value is None else quote(value, LONGEST_VALUE)
