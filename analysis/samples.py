"""Evaluation samples: the labelled items that may judge a version, with their inclusion probabilities, as arrays.

The design is that of annotation.sampling.design.weights: an item that the active part asked stands for itself, the
audit draws stand for all others, and answered items stand for those that wait. Where a version learnt from asked
items, all that was asked until then counts as not asked, and the audit alone stands for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.db.models.functions import TruncDate
from numpy.typing import NDArray

from annotation import media, versions
from annotation.models import DRAWN, Item, Prediction, Resolution, Source
from annotation.sampling.design.weights import SelectedItems, effective_probability
from inputs.groups import group_rows
from projects.chunks import chunks
from projects.models import Project

AS_SERVED = ""  # in place of a version: whatever answered each item when it was asked, which no later release changes


@dataclass(frozen=True)
class EvaluationSample:
    """n labelled items that may judge one version, in time order.

    probabilities (n, k), or None where an item came with a label only. inclusion_probability (n,) in (0, 1], with
    the answered share of its part multiplied in. population: items of the window that the version scored.
    """

    version: str
    classes: tuple[str, ...]
    item_ids: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    inclusion_probability: NDArray[np.float64]
    audit: NDArray[np.bool_]
    groups: NDArray[np.int64]
    at: tuple[datetime, ...]
    population: int
    waiting: int

    def __len__(self) -> int:
        return len(self.item_ids)

    @property
    def hash(self) -> str:
        """Equal content, equal hash."""
        parts = (self.item_ids, self.truth, self.predicted, np.round(self.inclusion_probability, 12))
        text = "|".join([self.version, *self.classes, str(self.population), str(self.waiting)])
        return hashlib.sha256(text.encode() + b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True)
class LabelledSample:
    """n labels that people gave, with out-of-sample probabilities of their items."""

    classes: tuple[str, ...]
    item_ids: NDArray[np.int64]
    given: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    versions: tuple[str, ...]

    @property
    def hash(self) -> str:
        content = "|".join([*self.classes, *self.versions]).encode()
        return hashlib.sha256(
            content + self.item_ids.tobytes() + self.given.tobytes() + self.probabilities.tobytes()
        ).hexdigest()


@dataclass(frozen=True)
class _PredictedLabel:
    label: str
    scores: bytes | None
    out_of_sample: bool


def live(project: Project, version: str, *, at: datetime, days: int = 0) -> EvaluationSample:
    """What judges this version, or all that was served then (AS_SERVED), over the last `days` (0 is all time)."""
    since = at - timedelta(days=days) if days else None
    classes = tuple(project.schema().values())
    chosen = _chosen(project, version, since)
    said = _predicted_labels(version, [row.pk for row in chosen])
    chosen = [row for row in chosen if row.pk in said and said[row.pk].out_of_sample]
    truth = _truth(project, [row.pk for row in chosen])
    population, until = _population(project, version, since), learnt_until(project, version)
    effective = _effective(chosen, truth, population, until)
    codes = {name: code for code, name in enumerate(classes)}
    rows = [row for row in chosen if row.pk in effective and truth[row.pk] in codes and said[row.pk].label in codes]
    return EvaluationSample(
        version=version,
        classes=classes,
        item_ids=np.array([row.pk for row in rows], dtype=np.int64),
        truth=np.array([codes[truth[row.pk]] for row in rows], dtype=np.int64),
        predicted=np.array([codes[said[row.pk].label] for row in rows], dtype=np.int64),
        probabilities=_matrix([said[row.pk].scores for row in rows], len(classes)),
        inclusion_probability=np.array([effective[row.pk] for row in rows], dtype=np.float64),
        audit=np.array([row.is_drawn for row in rows], dtype=bool),
        groups=_groups(project, [row.pk for row in rows]),
        at=tuple(row.at for row in rows),
        population=sum(population.values()),
        waiting=sum(row.pk not in truth for row in chosen if counts(row, until)),
    )


def _groups(project: Project, ids: list[int]) -> NDArray[np.int64]:
    """Group numbers (n,): items with equal or near-equal inputs share one."""
    types, stored = project.contract().types(), dict[int, dict[str, Any]]()
    for chunk in chunks(ids):
        stored |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "inputs"))
    return group_rows(media.columns(project, [stored[pk] for pk in ids], types), types)


def counts(item: Item, until: datetime | None) -> bool:
    """Whether the design lets this item judge a version that learnt from items asked `until` then."""
    asked = item.asked_at is not None and (until is None or item.asked_at > until)
    return asked or item.is_drawn


def learnt_until(project: Project, version: str) -> datetime | None:
    """When the newest item was asked that the version learnt from; None where it learnt from none."""
    learnt = Prediction.objects.filter(_by(version), project=project, out_of_sample=False)
    found = Item.objects.filter(project=project, asked_at__isnull=False, pk__in=learnt.values("item"))
    return found.aggregate(until=Max("asked_at"))["until"]


def judging(project: Project, version: str, items: QuerySet[Item]) -> QuerySet[Item]:
    """Those of the items that judge this version, or what was served then (AS_SERVED).

    They are chosen by the design, labelled by people, and not learnt from.
    """
    until = learnt_until(project, version)
    asked = Q(asked_at__isnull=False) if until is None else Q(asked_at__gt=until)
    values = project.schema().values()
    said = Prediction.objects.filter(_answers(version), item=OuterRef("pk"), out_of_sample=True, label__in=values)
    resolved = Resolution.objects.current().filter(item=OuterRef("pk"), value__in=values)
    resolved = resolved.exclude(method=Resolution.Method.KNOWN)
    return items.filter(asked | DRAWN, Exists(said), Exists(resolved))


def _chosen(project: Project, version: str, since: datetime | None) -> list[Item]:
    """The items of the window that the audit drew or the active part asked, in time order."""
    rows = Item.objects.filter(DRAWN | Q(asked_at__isnull=False), project=project)
    rows = rows.filter(Exists(_scored(version)))
    if since:
        rows = rows.filter(at__gte=since)
    return list(rows.only("at", "audit_number", "audit_probability", "asked_at", "asked_rank").order_by("at", "pk"))


def _effective(
    chosen: list[Item], truth: dict[int, str], population: dict[date, int], until: datetime | None
) -> dict[int, float]:
    """Item id to effective inclusion probability, of the items that count."""
    days = {day: place for place, day in enumerate(sorted(population))}
    rows = [row for row in chosen if row.at.astimezone(UTC).date() in days]
    found = effective_probability(
        SelectedItems(
            period=np.array([days[row.at.astimezone(UTC).date()] for row in rows], dtype=np.int64),
            probability=np.array([row.audit_probability or np.nan for row in rows]),
            drawn=np.array([row.is_drawn for row in rows], dtype=bool),
            asked=np.array([row.asked_at.timestamp() if row.asked_at else np.nan for row in rows]),
            rank=np.array([row.asked_rank or 0 for row in rows], dtype=float),
            answered=np.array([row.pk in truth for row in rows], dtype=bool),
        ),
        np.array([population[day] for day in days], dtype=np.int64),
        learnt_until=until.timestamp() if until else None,
    )
    return {row.pk: float(share) for row, share in zip(rows, found, strict=True) if np.isfinite(share)}


def _predicted_labels(version: str, ids: list[int]) -> dict[int, _PredictedLabel]:
    """What the version says of these items: its newest answer, and whether it was trained on the item."""
    found: dict[int, _PredictedLabel] = {}
    for chunk in chunks(ids):
        rows = Prediction.objects.of_items(chunk).filter(_by(version))
        rows = rows.exclude(source=Source.OUT_OF_FOLD).exclude(label="").order_by("at", "pk")
        for item_id, label, scores, out in rows.values_list("item_id", "label", "scores", "out_of_sample"):
            seen = found.get(item_id)
            found[item_id] = _PredictedLabel(
                label, None if scores is None else bytes(scores), bool(out) and (seen is None or seen.out_of_sample)
            )
    return found


def _truth(project: Project, ids: list[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in chunks(ids):
        rows = Resolution.objects.current().filter(project=project, item__in=chunk)
        found |= dict(rows.exclude(method=Resolution.Method.KNOWN).values_list("item_id", "value"))
    return found


def _scored(version: str) -> QuerySet[Prediction]:
    """The version's predictions about an outer query's item."""
    return Prediction.objects.filter(_by(version), item=OuterRef("pk"))


def _by(version: str) -> Q:
    return versions.AS_SERVED if version == AS_SERVED else Q(model_version__in=versions.stored_as(version))


def _answers(version: str) -> Q:
    return versions.AS_SERVED if version == AS_SERVED else versions.answers(version)


def _population(project: Project, version: str, since: datetime | None) -> dict[date, int]:
    """Items in the design that the version scored, by the day on which they happened (UTC)."""
    rows = _in_design(project, version, since)
    days = rows.annotate(day=TruncDate("at", tzinfo=UTC)).values_list("day").annotate(n=Count("pk")).order_by("day")
    return dict(days)


def scored_items(project: Project, version: str, *, at: datetime, days: int = 0) -> QuerySet[Item]:
    """The items that the labelled ones stand for."""
    return _in_design(project, version, at - timedelta(days=days) if days else None)


def _in_design(project: Project, version: str, since: datetime | None) -> QuerySet[Item]:
    rows = Item.objects.filter(Exists(_scored(version)), project=project, audit_probability__isnull=False)
    return rows.filter(at__gte=since) if since else rows


def _matrix(stored: list[bytes | None], k: int) -> NDArray[np.float64] | None:
    """(n, k) from the stored rows; None where any of them has no scores of this width."""
    if not stored or any(row is None or len(row) != 4 * k for row in stored):
        return None
    matrix = np.frombuffer(b"".join(bytes(row) for row in stored if row is not None), dtype="<f4").reshape(-1, k)
    return matrix.astype(np.float64) / matrix.sum(axis=1, keepdims=True)


def labels(project: Project) -> LabelledSample:
    """The current labels that people gave (a reviewer's own decision is not doubted), with out-of-sample scores.

    Out-of-fold scores of the newest version come first, then the newest out-of-sample answer of any version.
    """
    classes = tuple(project.schema().values())
    resolved = Resolution.objects.current().filter(project=project).exclude(method=Resolution.Method.REVIEWER)
    given = {pk: value for pk, value in resolved.values_list("item_id", "value") if value in classes}
    best: dict[int, tuple[bytes, str]] = {}
    for chunk in chunks(list(given)):
        rows = Prediction.objects.of_items(chunk).filter(out_of_sample=True, scores__isnull=False, degraded=False)
        ordered = sorted(
            rows.values_list("item_id", "scores", "model_version", "source", "at", "pk"),
            key=lambda row: (row[3] == Source.OUT_OF_FOLD, row[4], row[5]),
        )
        best |= {row[0]: (bytes(row[1]), row[2]) for row in ordered if row[1] and len(row[1]) == 4 * len(classes)}
    ids = sorted(best)
    codes = {name: code for code, name in enumerate(classes)}
    matrix = _matrix([best[pk][0] for pk in ids], len(classes))
    return LabelledSample(
        classes=classes,
        item_ids=np.array(ids, dtype=np.int64),
        given=np.array([codes[given[pk]] for pk in ids], dtype=np.int64),
        probabilities=matrix if matrix is not None else np.zeros((0, len(classes))),
        versions=tuple(sorted({best[pk][1] for pk in ids})),
    )
