"""Live monitor of one version: has its error risen above that of its first labels? It may be looked at every day."""

import hashlib
from dataclasses import dataclass

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.monitoring.monitor import MonitorRule, monitor_losses
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from analysis.samples import EvaluationSample
from annotation.models import Resolution
from projects.chunks import chunks

RULE = MonitorRule()
REFERENCE = 300  # of the first labels: the error that later ones are compared with


class MonitoredError(Struct, frozen=True):
    """What the monitor says of a version's error, its mean loss: 1 minus the score.

    needed: labels until it begins, 0 once it has. reference: the error of the first labels. watched: labels after them.
    since: seconds since the epoch, when the rise most likely began; after: the error of the items since then. Both None
    without an alarm. is_over: so many labels have come that the rule's alarm rate is spent. key: of rule and reference.
    """

    needed: int
    alpha: float
    shift: float
    horizon: int
    watched: int = 0
    reference: StoredEstimate | None = None
    since: float | None = None
    after: StoredEstimate | None = None
    is_over: bool = False
    key: str = ""

    @property
    def alarmed(self) -> bool:
        return self.since is not None


@dataclass(frozen=True)
class LabelOrder:
    """Rows of a sample in the order in which they were labelled: those of the reference, and those after them."""

    reference: NDArray[np.intp]
    watched: NDArray[np.intp]


def monitored_error(sample: EvaluationSample) -> MonitoredError:
    """The monitor of all labelled rows of a version, one of each group of copies."""
    order = label_order(sample)
    needed, key = REFERENCE - order.reference.size, monitor_key(sample, order)
    found = MonitoredError(needed, RULE.alpha, RULE.shift, RULE.horizon, key=key)
    if found.needed:
        return found
    reference, plain = reference_of(sample, order), plain_probabilities(sample)
    rows = order.watched
    result = monitor_losses(
        1 - sample.score[rows], sample.inclusion_probability[rows], reference=reference, rule=RULE, plain=plain[rows]
    )
    found = structs.replace(
        found,
        watched=int(rows.size),
        reference=stored_estimate(error_of(sample, order.reference)),
        is_over=result.is_over,
    )
    if result.since is None:
        return found
    since = sample.at[int(rows[result.since])]
    after = np.flatnonzero(np.array([moment >= since for moment in sample.at], dtype=bool))
    return structs.replace(found, since=since.timestamp(), after=stored_estimate(error_of(sample, after)))


def label_order(sample: EvaluationSample) -> LabelOrder:
    """A label counts when it comes, so that what was seen at one look stays as it was at the next."""
    times: dict[int, float] = {}
    for chunk in chunks(sample.item_ids.tolist()):
        rows = Resolution.objects.current().filter(item__in=chunk).values_list("item_id", "resolved_at")
        times |= {item_id: moment.timestamp() for item_id, moment in rows}
    stamps = np.array([times.get(pk, 0.0) for pk in sample.item_ids.tolist()])
    order = np.lexsort((np.arange(len(sample)), stamps))
    first = np.sort(np.unique(sample.groups[order], return_index=True)[1]) if len(sample) else order
    order = order[first]
    return LabelOrder(order[:REFERENCE], order[REFERENCE:])


def reference_of(sample: EvaluationSample, order: LabelOrder) -> LossReference:
    """The error of the first labels; what items of one day have in common counts as uncertainty."""
    rows = np.sort(order.reference)  # in time order
    days = [sample.at[row].date().isoformat() for row in rows.tolist()]
    return estimated_reference(1 - sample.score[rows], sample.inclusion_probability[rows], batches=days)


def plain_probabilities(sample: EvaluationSample) -> NDArray[np.float64]:
    """For each row the probability with which an item of average weight was drawn on its day, (n,).

    Traffic and labels of a day decide the rate of the audit, and say nothing of whether its answers are right.
    """
    days = np.array([moment.date().toordinal() for moment in sample.at])
    drawn = sample.audit if sample.audit.any() else np.ones(len(sample), dtype=bool)
    names, first = np.unique(days[drawn], return_inverse=True)
    weight = np.bincount(first, 1 / sample.inclusion_probability[drawn])
    rate = np.bincount(first) / weight
    place = np.clip(np.searchsorted(names, days, side="right") - 1, 0, None)
    return np.asarray(rate[place], dtype=np.float64)


def error_of(sample: EvaluationSample, rows: NDArray[np.intp]) -> Estimate:
    """The mean loss of these rows, with its 95 % interval."""
    groups = sample.groups[rows]
    return weighted.score(1 - sample.score[rows], sample.inclusion_probability[rows], groups=groups)


def monitor_key(sample: EvaluationSample, order: LabelOrder) -> str:
    """Of the rule and the rows of the reference: another key is another monitor."""
    rows = order.reference
    content = f"{sample.version}|{RULE}|{REFERENCE}|{sample.score[rows].tolist()}".encode()
    return hashlib.sha256(content + sample.item_ids[rows].tobytes()).hexdigest()
