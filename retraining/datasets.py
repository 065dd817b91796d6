"""Datasets: what was known at a time, frozen, hashed and split for good.

An item is on one side for ever: what was once measured with is never trained on, what was once trained on is never
measured with. Items with equal or near-equal inputs are on one side together (`retraining.learning.split`). What would
have to cross is left out and counted.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import Max
from numpy.typing import NDArray

from annotation import kinds, media
from annotation.kinds import Labels
from annotation.models import Item, Resolution, RoutedItem
from inputs.encoders.columns import EncodedTexts
from inputs.groups import group_rows
from projects.chunks import CHUNK, chunks
from projects.models import Project
from retraining.learning.split import keep_groups_together
from retraining.models import Dataset, DatasetRow

Split = DatasetRow.Split


@dataclass(frozen=True)
class PlannedRow:
    """One item of a dataset to be."""

    uid: str
    item_id: int
    resolution_id: int
    value: Any
    target: str | None
    split: str
    inclusion_probability: float


@dataclass(frozen=True)
class DatasetPlan:
    """What a dataset would hold if it were frozen now; rows ordered by the item's uid."""

    rows: tuple[PlannedRow, ...]
    left_out: int
    hash: str

    def count(self, split: str) -> int:
        return sum(row.split == split for row in self.rows)

    def train_labels(self) -> set[str]:
        return {row.target for row in self.rows if row.split == Split.TRAIN and row.target is not None}


@dataclass(frozen=True)
class Examples:
    """One side of a dataset as `retraining.learning` takes it: n rows in the dataset's order.

    `targets` (n,) are codes into `classes`; `inclusion_probability` (n,); `segments` n dicts; `texts` the vectors of
    its text inputs, where they are known. `successors`: what each merged class counts as.
    """

    item_ids: list[int]
    columns: dict[str, list[Any]]
    types: dict[str, str]
    classes: tuple[str, ...]
    targets: NDArray[np.int64]
    inclusion_probability: NDArray[np.float64]
    segments: list[dict[str, Any]]
    texts: EncodedTexts | None = None
    successors: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.item_ids)

    def groups(self) -> NDArray[np.int64]:
        """Group numbers (n,): items with equal or near-equal inputs share one."""
        return group_rows(self.columns, self.types)

    def only(self, mask: NDArray[np.bool_]) -> "Examples":
        """The rows where `mask` (n,) is true."""
        rows = np.flatnonzero(mask).tolist()
        return replace(
            self,
            item_ids=[self.item_ids[i] for i in rows],
            columns={name: [values[i] for i in rows] for name, values in self.columns.items()},
            targets=self.targets[mask],
            inclusion_probability=self.inclusion_probability[mask],
            segments=[self.segments[i] for i in rows],
            texts=self.texts.only(mask) if self.texts else None,
        )


NOT_TRAINABLE = "Answers of this task are not classes, so no model can be trained on them here."


def is_trainable(project: Project) -> bool:
    """Whether a model can be trained here on the project's answers: its kind has classes."""
    return bool(kinds.class_names(project))


def plan_dataset(project: Project, *, at: datetime) -> DatasetPlan:
    """What was resolved at that time, each item with its copies on one side of the split."""
    found = _known(project, at)
    kept = _on_their_side(project, found, at)
    drawn = _audit_probabilities(project, at)
    kind, labels = kinds.of_project(project), project.schema().labels
    rows = tuple(
        PlannedRow(
            uid=one.uid,
            item_id=one.item_id,
            resolution_id=one.resolution_id,
            value=one.value,
            target=kind.training_target(one.value, labels),
            split=Split.EVALUATION if one.evaluation else Split.TRAIN,
            inclusion_probability=drawn.get(one.item_id, 1.0) if one.evaluation else 1.0,
        )
        for one, keep in zip(found, kept, strict=True)
        if keep and kind.is_current(one.value, labels)
    )
    return DatasetPlan(rows, len(found) - len(rows), _hash(project, rows))


@dataclass(frozen=True)
class _Known:
    """A resolution that was in force, with the item's inputs."""

    uid: str
    item_id: int
    resolution_id: int
    value: Any
    evaluation: bool
    resolved_at: datetime
    inputs: dict[str, Any]


def _known(project: Project, at: datetime) -> list[_Known]:
    """Ordered by the item's uid."""
    resolutions = Resolution.objects.known_at(at).filter(project=project).order_by("item__uid")
    fields = ("item__uid", "item_id", "pk", "value", "evaluation", "resolved_at", "item__inputs")
    return [_Known(*row) for row in resolutions.values_list(*fields).iterator(chunk_size=5000)]


def _on_their_side(project: Project, found: Sequence[_Known], at: datetime) -> list[bool]:
    """Of each, whether it may stand in a dataset without that it or a copy of it crosses the split.

    Items of earlier datasets take part in the grouping, also where their resolution is no longer in force.
    """
    trained, measured = (_in_datasets(project, split) for split in (Split.TRAIN, Split.EVALUATION))
    held_out = Resolution.objects.filter(project=project, evaluation=True, resolved_at__lte=at)
    held_out_ids = set(held_out.values_list("item_id", flat=True))
    ids = [one.item_id for one in found]
    before = sorted((trained | measured) - set(ids))
    inputs = [one.inputs for one in found] + _inputs(before)
    types = project.contract().types()
    every = np.array(ids + before, dtype=np.int64)
    kept = keep_groups_together(
        group_rows(media.columns(project, inputs, types), types),
        evaluation=np.array([one.evaluation for one in found] + [pk in measured for pk in before], dtype=bool),
        labelled_at=np.array([one.resolved_at.timestamp() for one in found] + [-np.inf] * len(before)),
        trained=np.isin(every, list(trained)),
        measured=np.isin(every, list(measured)),
        held_out=np.isin(every, list(held_out_ids | measured)),
    )
    return [bool(keep) for keep in kept[: len(found)]]


def _in_datasets(project: Project, split: str) -> set[int]:
    """Ids of the items that stood on this side of any dataset."""
    rows = DatasetRow.objects.filter(dataset__project=project, split=split)
    return set(rows.values_list("item_id", flat=True).distinct())


def _inputs(item_ids: Sequence[int]) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for chunk in chunks(item_ids):
        found |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "inputs"))
    return [found[pk] for pk in item_ids]


def _audit_probabilities(project: Project, at: datetime) -> dict[int, float]:
    """The probability of each evaluation item's audit draw alone, whatever else would have chosen it."""
    routed = RoutedItem.objects.filter(project=project, evaluation=True, routed_at__lte=at)
    rows = routed.order_by("-routed_at", "-pk").values_list("item_id", "audit_probability", "inclusion_probability")
    drawn = Item.objects.drawn().filter(project=project).values_list("pk", "audit_probability")
    by_item = {item_id: audit or inclusion for item_id, audit, inclusion in rows}
    return by_item | {item_id: audit for item_id, audit in drawn if audit}


def _hash(project: Project, rows: Sequence[PlannedRow]) -> str:
    """SHA-256 of the ordered rows, the label schema and the input contract: equal hash, nothing new to learn."""
    digest = hashlib.sha256()
    head: list[Any] = [project.schema().version, project.schema().values(), project.contract().version]
    for line in (head, *([row.uid, row.value, row.split, row.inclusion_probability] for row in rows)):
        digest.update(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def freeze(project: Project, *, at: datetime) -> Dataset:
    """The dataset of what was known at that time; freezing the same twice gives the same row."""
    planned = plan_dataset(project, at=at)
    existing = Dataset.objects.filter(project=project, hash=planned.hash).first()
    if existing:
        return existing
    try:
        return _write(project, planned, at)
    except IntegrityError:  # another attempt froze it between our look and our insert
        return Dataset.objects.get(project=project, hash=planned.hash)


@transaction.atomic
def _write(project: Project, planned: DatasetPlan, at: datetime) -> Dataset:
    newest = Dataset.objects.filter(project=project).aggregate(number=Max("number"))["number"] or 0
    dataset = Dataset.objects.create(
        project=project,
        number=newest + 1,
        hash=planned.hash,
        cut_at=at,
        created_at=at,
        left_out=planned.left_out,
        schema_version=project.schema().version,
        contract_version=project.contract().version,
        train_rows=planned.count(Split.TRAIN),
        evaluation_rows=planned.count(Split.EVALUATION),
    )
    rows = (
        DatasetRow(
            dataset=dataset,
            item_id=row.item_id,
            resolution_id=row.resolution_id,
            split=row.split,
            inclusion_probability=row.inclusion_probability,
        )
        for row in planned.rows
    )
    DatasetRow.objects.bulk_create(rows, batch_size=CHUNK)
    return dataset


def examples(dataset: Dataset, split: str) -> Examples:
    """Read one side of a dataset into columns and codes."""
    project = dataset.project
    types = project.input_contracts.get(version=dataset.contract_version).types()
    labels = project.label_schemas.get(version=dataset.schema_version).labels
    found = DatasetRow.objects.filter(dataset=dataset, split=split).order_by("pk")
    rows = found.values_list("item_id", "item__inputs", "resolution__value", "inclusion_probability", "item__segment")
    return _examples(project, types, labels, list(rows))


def held_out(project: Project, *, at: datetime) -> Examples:
    """What may be measured with as known at that time, whether or not a dataset was frozen of it."""
    planned = [row for row in plan_dataset(project, at=at).rows if row.split == Split.EVALUATION]
    known: dict[int, tuple[Any, Any]] = {}
    for chunk in chunks([row.item_id for row in planned]):
        items = Item.objects.filter(pk__in=chunk)
        known |= {pk: (inputs, segment) for pk, inputs, segment in items.values_list("pk", "inputs", "segment")}
    rows = [
        (row.item_id, known[row.item_id][0], row.value, row.inclusion_probability, known[row.item_id][1])
        for row in planned
    ]
    return _examples(project, project.contract().types(), project.schema().labels, rows)


def _examples(project: Project, types: dict[str, str], labels: Labels, given: Sequence[tuple[Any, ...]]) -> Examples:
    """Columns and codes of rows of (item, inputs, value, inclusion probability, segment) with a training target."""
    kind = kinds.of_project(project)
    classes = kind.classes(labels)
    code = {value: i for i, value in enumerate(classes)}
    targets = [kind.training_target(row[2], labels) for row in given]
    rows = [row for row, target in zip(given, targets, strict=True) if target is not None]
    return Examples(
        item_ids=[row[0] for row in rows],
        columns=media.columns(project, [row[1] for row in rows], types),
        types=types,
        classes=classes,
        targets=np.array([code[target] for target in targets if target is not None], dtype=np.int64),
        inclusion_probability=np.array([row[3] for row in rows], dtype=float),
        segments=[row[4] for row in rows],
        successors=kinds.successors(labels),
    )


def trained_on(dataset: Dataset, item_ids: list[int]) -> set[int]:
    """Which of these items a model of this dataset has learnt from."""
    found: set[int] = set()
    for chunk in chunks(item_ids):
        rows = DatasetRow.objects.filter(dataset=dataset, split=Split.TRAIN, item__in=chunk)
        found |= set(rows.values_list("item_id", flat=True))
    return found
