"""Certificate for answers without a person: the largest share of traffic with an error that is certified to be small.

Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, arXiv 2110.01052): confidence thresholds are tested
from strict to loose, each against "of the items at or above it, more than the largest error are wrong", until one is
not rejected; the loosest before it is certified. In a fixed sequence each test may use the whole error rate. Which
thresholds are tried follows from confidence and weights alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import ArrayLike
from scipy import stats

from analysis.metrics.core import weighted
from analysis.metrics.core.design import added_up
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.risk_control.weighted_share import means_below
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints

METHOD = "Learn then Test, fixed sequence, betting test of a weighted mean"
STEPS = 40  # thresholds that are tried at most
START_ERRORS = 2  # the sequence starts where its first test passes in spite of so many errors, where there are rows


@dataclass(frozen=True)
class AuditRows:
    """n labelled rows of the audit. confidence: of the model's answer; loss: 0 (right) to 1 (wrong).

    item: a text that names each row; group: copies of one item share one. predicted: class codes, None where there is
    one threshold for all.
    """

    item: tuple[str, ...]
    confidence: Floats
    loss: Floats
    inclusion_probability: Floats
    group: Ints
    predicted: Ints | None = None

    def __len__(self) -> int:
        return len(self.item)

    def part(self, chosen: Bools) -> AuditRows:
        return AuditRows(
            tuple(item for item, inside in zip(self.item, chosen.tolist(), strict=True) if inside),
            self.confidence[chosen],
            self.loss[chosen],
            self.inclusion_probability[chosen],
            self.group[chosen],
            None if self.predicted is None else self.predicted[chosen],
        )

    @property
    def hash(self) -> str:
        """Of every row's own hash, in the order of the items' names: equal rows, equal hash."""
        return hashlib.sha256("".join(sorted(self.row_hashes())).encode()).hexdigest()

    def row_hashes(self) -> list[str]:
        columns = zip(self.item, self.confidence, self.loss, self.inclusion_probability, strict=True)
        lines = (f"{item}|{conf:.12g}|{loss:.12g}|{share:.12g}" for item, conf, loss, share in columns)
        return [hashlib.sha256(line.encode()).hexdigest() for line in lines]


@dataclass(frozen=True)
class CertificateRule:
    """largest_error: of the items answered alone, at most this share may be wrong. delta: chance that more are."""

    largest_error: float = 0.05
    delta: float = 0.1

    def __post_init__(self) -> None:
        for name in ("largest_error", "delta"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidInput(f"{name} must lie between 0 and 1.")


class CertifiedThreshold(Struct, frozen=True):
    """From this confidence on the model may answer alone. predicted: the class code that it holds for, None for all.

    threshold: None where none is certified. n: labelled rows at or above it. error: what they say of the error there.
    """

    threshold: float | None
    n: int
    error: StoredEstimate
    predicted: int | None = None


class ResolutionCertificate(Struct, frozen=True, tag_field="version", tag=1):
    """That of what the model answers alone at most `largest_error` is wrong, but for a chance of `delta`.

    share: of traffic that is answered alone. n: labelled rows it was computed from; rows_hash: of these; monitor: the
    rule and reference of the monitor that watches it. created: seconds since the epoch.
    """

    method: str
    largest_error: float
    delta: float
    thresholds: list[CertifiedThreshold]
    share: StoredEstimate
    n: int
    rows_hash: str
    model_version: str
    monitor: str
    created: float

    @property
    def resolves_any(self) -> bool:
        return any(one.threshold is not None for one in self.thresholds)


class VoidReason(StrEnum):
    MODEL = "model"
    THRESHOLD = "threshold"
    MONITOR = "monitor"
    ALARM = "alarm"
    NOTHING = "nothing"


@dataclass(frozen=True)
class InForce:
    """What holds now: the version that serves, the thresholds it resolves with, its monitor and whether it alarms."""

    model_version: str
    thresholds: tuple[float | None, ...]
    monitor: str
    alarmed: bool


def is_void(certificate: ResolutionCertificate, now: InForce) -> VoidReason | None:
    """Why the certificate does not hold any more; None where it does."""
    if not certificate.resolves_any:
        return VoidReason.NOTHING
    if now.model_version != certificate.model_version:
        return VoidReason.MODEL
    if now.thresholds != tuple(one.threshold for one in certificate.thresholds):
        return VoidReason.THRESHOLD
    if now.monitor != certificate.monitor:
        return VoidReason.MONITOR
    return VoidReason.ALARM if now.alarmed else None


def audit_rows(
    item: Sequence[str],
    confidence: ArrayLike,
    loss: ArrayLike,
    inclusion_probability: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    predicted: ArrayLike | None = None,
) -> AuditRows:
    """The rows (n,), checked. Raises InvalidInput."""
    n = len(item)
    group = arrays.groups_of(groups, n)
    return AuditRows(
        tuple(item),
        arrays.unit_interval("confidence", arrays.vector("confidence", confidence, n)),
        arrays.unit_interval("loss", arrays.vector("loss", loss, n)),
        arrays.inclusion(np.asarray(inclusion_probability), n),
        np.arange(n) if group is None else group,
        None if predicted is None else arrays.codes("predicted", predicted, n=n),
    )


def certify(
    rows: AuditRows, rule: CertificateRule, *, model_version: str, monitor: str, created: float
) -> ResolutionCertificate:
    """The certificate of a version; where classes are given each has its own threshold, at its part of delta."""
    if rows.predicted is None:
        found = [_certified(rows, rule.largest_error, rule.delta, None)]
    else:
        codes = np.unique(rows.predicted).tolist()
        found = [
            _certified(rows.part(rows.predicted == code), rule.largest_error, rule.delta / len(codes), code)
            for code in codes
        ]
    return ResolutionCertificate(
        method=METHOD,
        largest_error=rule.largest_error,
        delta=rule.delta,
        thresholds=found,
        share=stored_estimate(share_resolved(rows, found)),
        n=len(rows),
        rows_hash=rows.hash,
        model_version=model_version,
        monitor=monitor,
        created=created,
    )


def may_resolve(thresholds: Sequence[CertifiedThreshold], confidence: Floats, predicted: Ints | None) -> Bools:
    """(n,) the items that the model may answer alone. predicted (n,): class codes, where thresholds are by class."""
    found = np.zeros(confidence.size, dtype=bool)
    for one in thresholds:
        inside = np.ones(confidence.size, dtype=bool) if one.predicted is None else predicted == one.predicted
        found |= inside & (confidence >= (np.inf if one.threshold is None else one.threshold))
    return found


def share_resolved(rows: AuditRows, thresholds: Sequence[CertifiedThreshold]) -> Estimate:
    """Share of traffic that the model would answer alone."""
    if not len(rows):
        return weighted.undefined(weighted.NO_ITEMS)
    alone = may_resolve(thresholds, rows.confidence, rows.predicted)
    return weighted.proportion(alone, rows.inclusion_probability, groups=rows.group)


def certified_threshold(rows: AuditRows, limit: float, delta: float) -> float | None:
    """The lowest confidence for which an error of at most `limit` is certified at `delta`; None for none."""
    loss, weight, confidence = _one_row_a_group(rows)
    tried = thresholds_to_try(confidence, weight, limit, delta)
    if not tried.size:
        return None
    below = means_below(loss, np.where(confidence[:, None] >= tried, weight[:, None], 0.0), limit, delta)
    passed = int(below.argmin()) if not below.all() else below.size
    return float(tried[passed - 1]) if passed else None


def thresholds_to_try(confidence: Floats, weight: Floats, limit: float, delta: float) -> Floats:
    """(m,) falling confidences: from where a test can pass to all rows, in equal steps of effective rows."""
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence, sorted_weight = confidence[order], weight[order]
    last_of_value = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)[: confidence.size]
    rows = np.cumsum(sorted_weight) ** 2 / np.cumsum(sorted_weight**2) if confidence.size else np.zeros(0)
    for errors in range(START_ERRORS, -1, -1):
        start = rows_needed(errors, limit, delta)
        possible = last_of_value & (rows >= start)
        if possible.any():
            places = np.flatnonzero(possible)
            wanted = np.linspace(rows[places[0]], rows[places[-1]], STEPS)
            chosen = places[np.minimum(np.searchsorted(rows[places], wanted), places.size - 1)]
            return np.asarray(sorted_confidence[np.unique(chosen)])
    return np.zeros(0)


def rows_needed(errors: int, limit: float, delta: float) -> int:
    """Rows of equal weight of which so many may be wrong and the test still passes."""
    rows = errors + 1
    while stats.binom.cdf(errors, rows, limit) > delta:
        rows += 1
    return rows


def _certified(rows: AuditRows, limit: float, delta: float, predicted: int | None) -> CertifiedThreshold:
    threshold = certified_threshold(rows, limit, delta)
    alone = rows.confidence >= (np.inf if threshold is None else threshold)
    if not alone.any():
        return CertifiedThreshold(None, 0, stored_estimate(weighted.undefined(weighted.NO_ITEMS)), predicted)
    error = weighted.score(rows.loss, rows.inclusion_probability, domain=alone, groups=rows.group)
    return CertifiedThreshold(threshold, int(alone.sum()), stored_estimate(error), predicted)


def _one_row_a_group(rows: AuditRows) -> tuple[Floats, Floats, Floats]:
    """Loss, weight and confidence of each group of copies: they are right or wrong together, so they are one bet.

    In the order of their first row.
    """
    weight = 1 / rows.inclusion_probability
    _, first, code = np.unique(rows.group, return_index=True, return_inverse=True)
    mass = added_up(weight, code)
    loss, confidence = (added_up(weight * column, code) / mass for column in (rows.loss, rows.confidence))
    order = np.argsort(first)
    return loss[order], mass[order], confidence[order]
