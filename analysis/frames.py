"""The one bridge from rows to arrays: which labelled items may judge a version, and how much each stands for.

The design is told in annotation/routing.py. A round (items routed at one moment) is used in one of two ways:
- where the version was trained on none of its items, all of them count: inclusion probability 1 for the active part;
- where it was, the active part is left out and the audit draws alone stand for the round, by their own probability.
Items that wait for an answer are non-response: the answered ones of the same part stand for them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.models import Cause, Item, Prediction, Resolution, RoutedItem, Source
from projects.models import Project

CHUNK = 900


@dataclass(frozen=True)
class LiveFrame:
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
class LabelFrame:
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
class _Said:
    label: str
    scores: bytes | None
    out_of_sample: bool


def live(project: Project, version: str, *, at: datetime, days: int = 0) -> LiveFrame:
    """What judges this version over the last `days` (0 is all time)."""
    since = at - timedelta(days=days) if days else None
    classes = tuple(project.schema().values())
    routed = _routed(project, since)
    said = _said(project, version, [row.item_id for row in routed])
    truth = _truth(project, [row.item_id for row in routed])
    weighed, waiting = _weigh(routed, said, truth)
    rows = sorted((row for row in weighed if truth[row.item_id] in classes), key=lambda row: (row.item.at, row.item_id))
    codes = {name: code for code, name in enumerate(classes)}
    rows = [row for row in rows if said[row.item_id].label in codes]
    return LiveFrame(
        version=version,
        classes=classes,
        item_ids=np.array([row.item_id for row in rows], dtype=np.int64),
        truth=np.array([codes[truth[row.item_id]] for row in rows], dtype=np.int64),
        predicted=np.array([codes[said[row.item_id].label] for row in rows], dtype=np.int64),
        probabilities=_matrix([said[row.item_id].scores for row in rows], len(classes)),
        inclusion_probability=np.array([weighed[row] for row in rows], dtype=np.float64),
        audit=np.array([row.cause == Cause.AUDIT for row in rows], dtype=bool),
        at=tuple(row.item.at for row in rows),
        population=_population(project, version, since),
        waiting=waiting,
    )


def _routed(project: Project, since: datetime | None) -> list[RoutedItem]:
    """The items that represent something: drawn at their first routing."""
    rows = RoutedItem.objects.filter(project=project, represents=True).exclude(state=RoutedItem.State.WITHDRAWN)
    if since:
        rows = rows.filter(item__at__gte=since)
    wanted = ("item_id", "item__at", "cause", "inclusion_probability", "audit_probability", "routed_at")
    return list(rows.select_related("item").only(*wanted).order_by("pk"))


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _said(project: Project, version: str, ids: list[int]) -> dict[int, _Said]:
    """What the version says of these items: its newest answer, and whether it was trained on the item."""
    found: dict[int, _Said] = {}
    for chunk in _chunks(ids):
        rows = Prediction.objects.filter(project=project, model_version=version, item__in=chunk)
        rows = rows.exclude(source=Source.OUT_OF_FOLD).exclude(label="").order_by("at", "pk")
        for item_id, label, scores, out in rows.values_list("item_id", "label", "scores", "out_of_sample"):
            seen = found.get(item_id)
            found[item_id] = _Said(
                label, None if scores is None else bytes(scores), bool(out) and (seen is None or seen.out_of_sample)
            )
    return found


def _truth(project: Project, ids: list[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for chunk in _chunks(ids):
        rows = Resolution.objects.current().filter(project=project, item__in=chunk)
        found |= dict(rows.exclude(method=Resolution.Method.KNOWN).values_list("item_id", "value"))
    return found


def _weigh(
    routed: list[RoutedItem], said: dict[int, _Said], truth: dict[int, str]
) -> tuple[dict[RoutedItem, float], int]:
    """The answered items that may judge, each with its effective inclusion probability; and how many wait."""
    rounds: dict[datetime, list[RoutedItem]] = defaultdict(list)
    for row in routed:
        if row.item_id in said:
            rounds[row.routed_at].append(row)
    weighed: dict[RoutedItem, float] = {}
    waiting = 0
    for rows in rounds.values():
        trained_on = any(not said[row.item_id].out_of_sample for row in rows)
        for part, probability in _parts(rows, audit_only=trained_on):
            answered = [row for row in part if row.item_id in truth]
            waiting += len(part) - len(answered)
            share = len(answered) / len(part) if part else 1.0
            weighed |= {row: probability(row) * share for row in answered if said[row.item_id].out_of_sample}
    return weighed, waiting


def _parts(rows: list[RoutedItem], *, audit_only: bool) -> list[tuple[list[RoutedItem], Any]]:
    """The parts of a round that count, each with what gives a row's probability."""
    audit = [row for row in rows if row.cause == Cause.AUDIT]
    if audit_only:
        return [(audit, lambda row: row.audit_probability or row.inclusion_probability)]
    active = [row for row in rows if row.cause != Cause.AUDIT]
    return [(audit, lambda row: row.inclusion_probability), (active, lambda row: row.inclusion_probability)]


def _population(project: Project, version: str, since: datetime | None) -> int:
    rows = Item.objects.filter(project=project, predictions__model_version=version, considered_at__isnull=False)
    return (rows.filter(at__gte=since) if since else rows).distinct().count()


def _matrix(stored: list[bytes | None], k: int) -> NDArray[np.float64] | None:
    """(n, k) from the stored rows; None where any of them has no scores of this width."""
    if not stored or any(row is None or len(row) != 4 * k for row in stored):
        return None
    matrix = np.frombuffer(b"".join(bytes(row) for row in stored if row is not None), dtype="<f4").reshape(-1, k)
    return matrix.astype(np.float64) / matrix.sum(axis=1, keepdims=True)


def labels(project: Project) -> LabelFrame:
    """The current labels that people gave (a reviewer's own decision is not doubted), with out-of-sample scores.

    Out-of-fold scores of the newest version come first, then the newest out-of-sample answer of any version.
    """
    classes = tuple(project.schema().values())
    resolved = Resolution.objects.current().filter(project=project).exclude(method=Resolution.Method.REVIEWER)
    given = {pk: value for pk, value in resolved.values_list("item_id", "value") if value in classes}
    best: dict[int, tuple[bytes, str]] = {}
    for chunk in _chunks(list(given)):
        rows = Prediction.objects.filter(
            project=project, item__in=chunk, out_of_sample=True, scores__isnull=False, degraded=False
        )
        ordered = sorted(
            rows.values_list("item_id", "scores", "model_version", "source", "at", "pk"),
            key=lambda row: (row[3] == Source.OUT_OF_FOLD, row[4], row[5]),
        )
        best |= {row[0]: (bytes(row[1]), row[2]) for row in ordered if row[1] and len(row[1]) == 4 * len(classes)}
    ids = sorted(best)
    codes = {name: code for code, name in enumerate(classes)}
    matrix = _matrix([best[pk][0] for pk in ids], len(classes))
    return LabelFrame(
        classes=classes,
        item_ids=np.array(ids, dtype=np.int64),
        given=np.array([codes[given[pk]] for pk in ids], dtype=np.int64),
        probabilities=matrix if matrix is not None else np.zeros((0, len(classes))),
        versions=tuple(sorted({best[pk][1] for pk in ids})),
    )
