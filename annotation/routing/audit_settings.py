"""The settings of the audit draw in force, and their review: the rate by traffic and labels, the rest by evidence.

A setting is a row that never changes; a review adds the next version where something moved. New items are drawn by the
newest one, and name it, so that every draw can be computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from annotation import versions
from annotation.models import AuditSetting, Item, Prediction, Resolution, Source
from annotation.sampling.design.audit_allocation import AuditedLabels, CalibratedAllocation, justified_allocation
from annotation.sampling.design.confidence_calibration import ConfidenceCalibration
from annotation.sampling.design.expected_error import Allocation
from annotation.score_order import ScoreOrder
from projects.chunks import chunks
from projects.models import Project

Floats = NDArray[np.float64]

RATE_MOVED = 0.05
"""A rate that differs by less than this share from the one in force leaves it: traffic varies from look to look."""

ALLOCATED_FOR = timedelta(hours=1)
"""How long floor, scale and calibration stand while the same version serves."""

PAST_LABELS = 2_000
RECENT_SCORES = 5_000


@dataclass(frozen=True)
class ErrorAllocation:
    """How the audit is spread over the items that one version scored, and how many labels say so."""

    spread: CalibratedAllocation
    model_version: str = ""
    labels: int = 0
    errors: int = 0


def in_force(project: Project) -> AuditSetting | None:
    return AuditSetting.objects.filter(project=project).order_by("-version").first()


def begin(project: Project, *, rate: float, at: datetime) -> AuditSetting:
    """The first setting of a project, a uniform draw; the one of another request where that was quicker."""
    first = {"rate": rate, "at": at, "allocated_at": at}
    return AuditSetting.objects.get_or_create(project=project, version=1, defaults=first)[0]


def revise(project: Project, *, rate: float, at: datetime) -> AuditSetting:
    """The setting in force after a look at the rate and, where that is due, at the evidence: a new one or the same."""
    now = in_force(project) or begin(project, rate=rate, at=at)
    due = at - now.allocated_at >= ALLOCATED_FOR or versions.serving(project) != now.model_version
    moved = abs(rate - now.rate) > RATE_MOVED * now.rate
    if not moved and not due:
        return now
    found = allocate(project) if due else _allocation_of(now)
    allocated_at = at if due else now.allocated_at
    return _add(project, now.version + 1, found, rate=rate if moved else now.rate, at=at, allocated_at=allocated_at)


def probabilities(setting: AuditSetting, confidence: Floats) -> Floats:
    """(n,) with which items are drawn whose scores (n,) are of the setting's version; NaN = no such score, the rate."""
    return _allocation_of(setting).spread.probabilities(confidence, rate=setting.rate)


def followed(setting: AuditSetting, confidence: Sequence[float | None], named: Sequence[str]) -> Floats:
    """(n,) the scores that move probabilities under the setting, of the version it follows; NaN elsewhere."""
    if setting.floor == 1.0:
        return np.full(len(confidence), np.nan)
    tags = versions.stored_as(setting.model_version)
    found = np.array([sure if tag in tags else None for sure, tag in zip(confidence, named, strict=True)], dtype=float)
    return np.minimum(found, 1.0)


def allocate(project: Project) -> ErrorAllocation:
    """The allocation that past audit labels of the serving version justify; uniform where they are too few."""
    version = versions.serving(project)
    past = _past_labels(project, version)
    if past is None:
        return ErrorAllocation(CalibratedAllocation(), version)
    found = justified_allocation(past, _recent_confidence(project, version))
    return ErrorAllocation(found, version, past.right.size, int((~past.right).sum()))


def _allocation_of(setting: AuditSetting) -> ErrorAllocation:
    how = Allocation(setting.floor, setting.scale)
    spread = CalibratedAllocation(how, ConfidenceCalibration(setting.slope, setting.intercept))
    return ErrorAllocation(spread, setting.model_version, setting.labels, setting.errors)


def _add(
    project: Project, version: int, found: ErrorAllocation, *, rate: float, at: datetime, allocated_at: datetime
) -> AuditSetting:
    """The setting of this version; that of another job where it was quicker."""
    values = {
        "rate": rate,
        "floor": found.spread.how.floor,
        "scale": found.spread.how.scale,
        "slope": found.spread.calibration.slope,
        "intercept": found.spread.calibration.intercept,
        "model_version": found.model_version,
        "labels": found.labels,
        "errors": found.errors,
        "at": at,
        "allocated_at": allocated_at,
    }
    return AuditSetting.objects.get_or_create(project=project, version=version, defaults=values)[0]


def _past_labels(project: Project, version: str) -> AuditedLabels | None:
    """The newest labelled audit items that the version scored and did not learn from; None where there are none."""
    order = ScoreOrder(project)
    names = order.names
    resolved = Resolution.objects.current().filter(
        project=project, item__audit_number__lt=F("item__audit_probability"), value__in=names
    )
    resolved = resolved.by_people().order_by("-resolved_at", "-pk")
    truth = dict(resolved.values_list("item_id", "value")[:PAST_LABELS]) if names else {}
    rows = [row for chunk in chunks(list(truth)) for row in _scored(version, chunk, order)]
    if not rows:
        return None
    found = {row[0]: row for row in rows}  # the newest answer to each item
    chance = {pk: p for chunk in chunks(list(found)) for pk, p in _audit_probabilities(chunk)}
    return AuditedLabels(
        right=np.array([truth[pk] == label for pk, label, _, _ in found.values()], dtype=bool),
        top_right=np.array([truth[pk] == top for pk, _, top, _ in found.values()], dtype=bool),
        confidence=np.array([sure for _, _, _, sure in found.values()], dtype=np.float64),
        inclusion_probability=np.array([chance[pk] for pk in found], dtype=np.float64),
    )


def _audit_probabilities(item_ids: Sequence[int]) -> list[tuple[int, float | None]]:
    return list(Item.objects.filter(pk__in=item_ids).values_list("pk", "audit_probability"))


def _scored(version: str, item_ids: Sequence[int], order: ScoreOrder) -> list[tuple[int, str, str, float]]:
    """Item, answer, most probable class and its score, of each answer with scores, the newest last."""
    rows = Prediction.objects.of_items(item_ids).filter(
        versions.answers(version), scores__isnull=False, confidence__isnull=False, out_of_sample=True
    )
    found = []
    fields = ("item_id", "label", "scores", "confidence", "schema_version")
    for pk, label, stored, sure, schema in rows.order_by("at", "pk").values_list(*fields):
        if (scores := order.row(stored, schema)).size:
            found.append((pk, order.counted(label), order.names[int(scores.argmax())], float(sure or 0.0)))
    return found


def _recent_confidence(project: Project, version: str) -> Floats:
    """(m,) scores of what this version answered last."""
    rows = Prediction.objects.filter(
        project=project, model_version__in=versions.stored_as(version), confidence__isnull=False
    )
    rows = rows.filter(source__in=[Source.CAPTURED, Source.SERVED]).order_by("-at", "-pk")
    return np.array(list(rows.values_list("confidence", flat=True)[:RECENT_SCORES]), dtype=np.float64)
