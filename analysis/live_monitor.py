"""Live monitor of one version: has its error or its cost risen above that of its first labels? Look as often as wished.

Error and cost are watched apart, each with the alarm rate of the rule.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from analysis.decision_costs import AnswerCosts, answer_costs
from analysis.metrics.core import weighted
from analysis.metrics.core.design import design
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.monitoring.monitor import MonitorRule
from analysis.metrics.monitoring.reference import LossReference, estimated_reference
from analysis.metrics.monitoring.watches import WatchedStream, follow, growing_watches
from analysis.samples import EvaluationSample
from annotation.models import Resolution
from projects.chunks import chunks
from projects.models import Project
from validation.arrays import Floats

RULE = MonitorRule()
WATCHES = growing_watches(500)
Rows = NDArray[np.intp]


class MonitoredLoss(Struct, frozen=True):
    """What the monitor says of a version's error, its mean loss (1 minus the score), or of its cost per decision.

    shift: the rise that it is made to find soonest. needed: labels until it begins, 0 once it has. reference: the mean
    of the first labels, those that an alarm compares with. watched: labels after the first ones. since: seconds since
    the epoch, when the rise most likely began; after: the mean of the items since then. Both None without an alarm.
    is_over: so many labels have come that the rule's alarm rate is spent. key: of rule and reference.
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
class LabelledLosses:
    """losses (n,) in [0, 1] of a sample's rows; shift: the rise to find soonest, in [0, 1]; unit: what a loss of 1 is.
    mean: the mean of some rows with its interval, in that unit. What is watched, for a key: name."""

    name: str
    losses: Floats
    shift: float
    unit: float
    mean: Callable[[Rows], Estimate]


def monitored_error(sample: EvaluationSample) -> MonitoredLoss:
    """The monitor of the error of all labelled rows of a version, one of each group of copies."""
    losses = LabelledLosses("error", 1 - sample.score, RULE.shift, 1.0, partial(error_of, sample))
    return _monitored(sample, label_order(sample), losses)


def monitored_cost(sample: EvaluationSample, project: Project) -> MonitoredLoss | None:
    """The same of the cost per decision, in the project's unit; None where it names no costs.

    The rise to find soonest is what five points more mistakes would cost, if they cost as much as the first ones did.
    """
    paid = answer_costs(sample, project)
    if paid is None:
        return None
    order = label_order(sample)
    losses = paid.costs / paid.dearest
    shift = RULE.shift * _mean_mistake(losses[order[: WATCHES[0].labels]], sample, order[: WATCHES[0].labels])
    name = f"cost {paid.dearest:g}"
    return _monitored(sample, order, LabelledLosses(name, losses, shift, paid.dearest, partial(cost_of, sample, paid)))


def _mean_mistake(losses: Floats, sample: EvaluationSample, rows: Rows) -> float:
    """The mean loss of the rows that have any; that of the dearest where none has."""
    weight = (losses > 0) / sample.inclusion_probability[rows]
    return float(weight @ losses / weight.sum()) if weight.any() else 1.0


def _monitored(sample: EvaluationSample, order: Rows, of: LabelledLosses) -> MonitoredLoss:
    first = order[: WATCHES[0].labels]
    needed, key = WATCHES[0].labels - first.size, monitor_key(sample, first, of)
    found = MonitoredLoss(needed, RULE.alpha, of.shift * of.unit, RULE.horizon, key=key)
    if found.needed:
        return found
    stream = WatchedStream(
        of.losses[order],
        sample.inclusion_probability[order],
        plain_probabilities(sample)[order],
        lambda labels: reference_of(sample, of.losses, order[:labels]),
    )
    result = follow(stream, WATCHES, replace(RULE, shift=of.shift))
    found = structs.replace(
        found,
        watched=int(order.size - first.size),
        reference=stored_estimate(of.mean(first)),
        is_over=result.is_over,
    )
    if result.rise is None:
        return found
    since = sample.at[int(order[result.rise.since])]
    after = np.flatnonzero(np.array([moment >= since for moment in sample.at], dtype=bool))
    return structs.replace(
        found,
        reference=stored_estimate(of.mean(order[: result.rise.labels])),
        since=since.timestamp(),
        after=stored_estimate(of.mean(after)),
    )


def label_order(sample: EvaluationSample) -> Rows:
    """Rows as they were labelled, one of each group of copies.

    A label counts when it comes, so that what was seen at one look stays as it was at the next.
    """
    times: dict[int, float] = {}
    for chunk in chunks(sample.item_ids.tolist()):
        rows = Resolution.objects.current().filter(item__in=chunk).values_list("item_id", "resolved_at")
        times |= {item_id: moment.timestamp() for item_id, moment in rows}
    stamps = np.array([times.get(pk, 0.0) for pk in sample.item_ids.tolist()])
    order = np.lexsort((np.arange(len(sample)), stamps))
    first = np.sort(np.unique(sample.groups[order], return_index=True)[1]) if len(sample) else order
    return order[first]


def reference_of(sample: EvaluationSample, losses: Floats, first: Rows) -> LossReference:
    """The mean loss of the first labels; what items of one day have in common counts as uncertainty."""
    rows = np.sort(first)  # in time order
    days = [sample.at[row].date().isoformat() for row in rows.tolist()]
    return estimated_reference(losses[rows], sample.inclusion_probability[rows], batches=days)


def plain_probabilities(sample: EvaluationSample) -> Floats:
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


def error_of(sample: EvaluationSample, rows: Rows) -> Estimate:
    """The mean loss of these rows, with its 95 % interval."""
    groups = sample.groups[rows]
    return weighted.score(1 - sample.score[rows], sample.inclusion_probability[rows], groups=groups)


def cost_of(sample: EvaluationSample, paid: AnswerCosts, rows: Rows) -> Estimate:
    """The mean cost of these rows, with its 95 % interval."""
    drawn = design(sample.inclusion_probability[rows], groups=sample.groups[rows])
    return paid.mean(rows, drawn)


def monitor_key(sample: EvaluationSample, first: Rows, of: LabelledLosses) -> str:
    """Of the rule and the rows of the first reference: another key is another monitor."""
    content = f"{sample.version}|{RULE}|{WATCHES}|{of.name}|{of.losses[first].tolist()}".encode()
    return hashlib.sha256(content + sample.item_ids[first].tobytes()).hexdigest()


def key_of(monitored: Sequence[MonitoredLoss]) -> str:
    """Of all that is watched of a version: what a certificate names."""
    return hashlib.sha256("|".join(one.key for one in monitored).encode()).hexdigest()
