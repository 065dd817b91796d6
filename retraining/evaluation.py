"""Evaluate a candidate against what is live, on items that neither was trained on."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.performance import paired
from analysis.metrics.performance.paired import Difference
from projects.models import Project
from retraining import answers, registry
from retraining.answers import Answers
from retraining.bodies import (
    Basis,
    ComparedRow,
    DifferenceBody,
    EvaluationBody,
    GateBody,
    LabelRecall,
    LatencyBody,
    OutcomeCounts,
    RuleBody,
    VerdictBody,
)
from retraining.datasets import Examples
from retraining.learning.calibration.choose import log_losses
from retraining.learning.gate import decision
from retraining.learning.gate.decision import Gate, GateRule, GateVerdict
from retraining.models import EvaluatedItem
from retraining.sides import Sides, by_label, by_segment, in_slice

RULE = GateRule(margin=0.01, alpha=0.05, power=0.8)
LEVEL = 0.95
FEWEST_FOR_NAIVE = 30  # evaluation items; with fewer, a first version is judged on its out-of-fold predictions
MOST_GROUPS = 40
TIMED_ROWS = 20


@dataclass(frozen=True)
class Judged:
    """A candidate's evaluation and verdict, and the rows behind them, still without a version.

    `scores` (n, k) are the candidate's of these rows, in the order of the label schema; None where it was judged by
    what it said out of fold. `scores_against` are those of a champion that was asked here.
    """

    evaluation: EvaluationBody
    verdict: VerdictBody
    rows: list[EvaluatedItem]
    scores: NDArray[np.float64] | None = None
    scores_against: NDArray[np.float64] | None = None

    @property
    def promoted(self) -> bool:
        return self.verdict.decision == "promote"


def compare_with_incumbent(
    project: Project,
    held_out: Examples,
    candidate: registry.Loaded,
    train: Examples,
    out_of_fold: NDArray[np.float64] | None,
    incumbent: registry.Incumbent,
) -> Judged:
    """Compare the candidate with what serves, or with the naive baseline where nothing does.

    `held_out` are items that the candidate was not trained on. `out_of_fold` (n, k) belongs to `train`: what a model
    that never saw the row said of it; the first version of a project is judged by it while few items are held out.
    """
    naive = _naive(train)
    if not incumbent.tag and len(held_out) < FEWEST_FOR_NAIVE and out_of_fold is not None:
        theirs = answers.IncumbentAnswers(train, None)
        ours = answers.of_probabilities(train, out_of_fold)
    else:
        theirs = answers.of_incumbent(project, held_out, incumbent)
        theirs = answers.weigh(project, theirs, incumbent, train.item_ids)
        ours = answers.of_model(theirs.items, candidate)
    sides = _sides(theirs, ours, naive, incumbent, basis="out_of_fold" if theirs.items is train else "evaluation")
    evaluation = _evaluation(sides, incumbent, measure_latency(candidate, train))
    protected = project.retraining_settings().protected
    verdict = _verdict(sides, incumbent, theirs.problem, protected)
    return Judged(evaluation, verdict, _rows(sides), ours.scores, sides.other.scores if theirs.answers else None)


def _naive(train: Examples) -> dict[str, float]:
    """Share of each label among the training labels: the baseline answers the commonest, whatever the input."""
    counts = np.bincount(train.targets, minlength=len(train.classes)) / max(len(train), 1)
    return dict(zip(train.classes, counts.tolist(), strict=True))


def _sides(
    theirs: answers.IncumbentAnswers,
    ours: Answers,
    prior: dict[str, float],
    incumbent: registry.Incumbent,
    *,
    basis: Basis,
) -> Sides:
    items = theirs.items
    shares = np.array([prior.get(name, 0.0) for name in items.classes])
    naive = answers.of_probabilities(items, np.tile(shares, (len(items), 1)))
    return Sides(
        basis=basis,
        item_ids=items.item_ids,
        segments=items.segments,
        truth=np.array(items.classes)[items.targets],
        inclusion_probability=items.inclusion_probability,
        groups=items.groups(),
        candidate=ours,
        other=theirs.answers or naive,
        naive=naive,
        against=incumbent.tag if theirs.answers else "",
    )


def _verdict(sides: Sides, incumbent: registry.Incumbent, broken: str, protected: Sequence[str]) -> VerdictBody:
    """The gate's decision. A champion that cannot be loaded was not compared, so nothing is promoted.

    `protected` names slices, such as channel=app or label=fraud, that must be shown not to be worse.
    """
    found = _gate_verdict(sides, incumbent, protected)
    return VerdictBody(
        decision="hold" if broken else found.decision,
        champion=incumbent.tag,
        against=sides.against,
        basis=sides.basis,
        rule=RuleBody(alpha=RULE.alpha, power=RULE.power, margin=RULE.margin),
        difference=_difference_body(found.difference) if found.difference else None,
        p=found.p,
        gates=[_gate_body(gate) for gate in found.gates],
        needed=found.needed,
        problem=broken,
    )


def _gate_verdict(sides: Sides, incumbent: registry.Incumbent, protected: Sequence[str]) -> GateVerdict:
    if not incumbent.tag:
        return decision.beats_naive(
            sides.truth,
            sides.candidate.labels,
            sides.inclusion_probability,
            naive=sides.naive.labels,
            groups=sides.groups,
            rule=RULE,
        )
    return decision.judge(
        sides.truth,
        sides.other.labels,
        sides.candidate.labels,
        inclusion_probability=sides.inclusion_probability,
        naive=sides.naive.labels,
        protected={name: in_slice(sides, name) for name in protected},
        groups=sides.groups,
        rule=RULE,
    )


def _gate_body(gate: Gate) -> GateBody:
    return GateBody(
        condition=gate.condition,
        passed=gate.passed,
        alpha=gate.alpha,
        difference=_difference_body(gate.difference) if gate.difference else None,
        p=gate.p,
        slice_name=gate.slice_name,
        margin=gate.margin,
    )


def _difference_body(found: Difference) -> DifferenceBody:
    return DifferenceBody(
        value=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        level=found.level,
        n_effective=found.n_effective,
    )


def _evaluation(sides: Sides, incumbent: registry.Incumbent, latency: LatencyBody | None) -> EvaluationBody:
    ours, theirs = sides.candidate.right(sides.truth), sides.other.right(sides.truth)
    naive = sides.naive.right(sides.truth)
    return EvaluationBody(
        basis=sides.basis,
        n=len(sides.item_ids),
        copies=len(sides.item_ids) - len(np.unique(sides.groups)),
        against=sides.against,
        against_champion=bool(incumbent.tag) and sides.against == incumbent.tag,
        captured_only=bool(incumbent.tag) and incumbent.version is None,
        accuracy=share(ours, sides.inclusion_probability, sides.groups),
        accuracy_against=share(theirs, sides.inclusion_probability, sides.groups),
        accuracy_naive=share(naive, sides.inclusion_probability, sides.groups),
        naive_label=str(sides.naive.labels[0]) if len(sides.item_ids) else "",
        log_loss=_log_loss(sides),
        counts=OutcomeCounts(
            both_right=int((ours & theirs).sum()),
            fixed=int((ours & ~theirs).sum()),
            broken=int((~ours & theirs).sum()),
            both_wrong=int((~ours & ~theirs).sum()),
        ),
        labels=_labels(sides, ours),
        rows=_compared_rows(sides, ours.astype(float) - theirs.astype(float)),
        latency=latency,
    )


def share(
    right: NDArray[np.bool_],
    inclusion_probability: NDArray[np.float64],
    groups: NDArray[np.int64],
    domain: NDArray[np.bool_] | None = None,
) -> StoredEstimate | None:
    """Weighted share of right answers, 0 to 1, high is good, with its 95 % interval and n; None without rows.

    groups (n,): items with equal or near-equal inputs share one and count once in the interval.
    """
    if not len(right):
        return None
    return stored_estimate(weighted.proportion(right, inclusion_probability, domain=domain, groups=groups))


def _log_loss(sides: Sides) -> StoredEstimate | None:
    """Weighted mean of −log p(true label) in nats, low is good."""
    if not len(sides.item_ids):
        return None
    losses = log_losses(sides.candidate.of_truth[:, None], np.ones((len(sides.item_ids), 1)))
    return stored_estimate(weighted.mean(losses, sides.inclusion_probability, groups=sides.groups))


def _labels(sides: Sides, right: NDArray[np.bool_]) -> list[LabelRecall]:
    """The candidate's recall of each label, most frequent first."""
    names, counts = np.unique(sides.truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_GROUPS]
    return [
        LabelRecall(
            label=str(names[i]),
            recall=share(right, sides.inclusion_probability, sides.groups, sides.truth == names[i]),
        )
        for i in order
    ]


def _compared_rows(sides: Sides, gain: NDArray[np.float64]) -> list[ComparedRow]:
    """Paired differences in points, above 0 the candidate is better: over all, by segment, by true label."""
    if not len(gain):
        return []
    trust = sides.candidate.of_truth - sides.other.of_truth
    every = np.ones(len(gain), dtype=bool)
    rows = [ComparedRow(difference=_difference(gain, sides, every))]
    if np.isfinite(trust).all():  # a captured label without scores has no probability
        rows.append(ComparedRow(difference=_difference(trust, sides, every), measure="truth_probability"))
    segments = [(segment, None, mask) for segment, mask in by_segment(sides.segments)]
    labels = [(None, label, mask) for label, mask in by_label(sides.truth)]
    for segment, label, mask in [*segments, *labels][:MOST_GROUPS]:
        rows.append(ComparedRow(difference=_difference(gain, sides, mask), segment=segment, label=label))
    return rows


def _difference(gain: NDArray[np.float64], sides: Sides, mask: NDArray[np.bool_]) -> DifferenceBody:
    weights = 1.0 / sides.inclusion_probability[mask]
    return _difference_body(paired.difference(gain[mask], weights, level=LEVEL, groups=sides.groups[mask]))


def measure_latency(model: registry.Loaded, examples: Examples) -> LatencyBody | None:
    """Milliseconds to predict one row: the median and the slowest of some single rows."""
    taken = []
    for row in range(min(TIMED_ROWS, len(examples))):
        one = {name: values[row : row + 1] for name, values in examples.columns.items()}
        started = time.perf_counter()
        model.probabilities(one)
        taken.append(1000 * (time.perf_counter() - started))
    if not taken:
        return None
    return LatencyBody(median_ms=round(statistics.median(taken), 2), slowest_ms=round(max(taken), 2), n=len(taken))


def _rows(sides: Sides) -> list[EvaluatedItem]:
    return [
        EvaluatedItem(
            item_id=item_id,
            truth=str(sides.truth[i]),
            label=str(sides.candidate.labels[i]),
            confidence=float(sides.candidate.confidence[i]),
            champion_label=str(sides.other.labels[i]),
            champion_confidence=float(sides.other.confidence[i]) if np.isfinite(sides.other.confidence[i]) else None,
            inclusion_probability=float(sides.inclusion_probability[i]),
        )
        for i, item_id in enumerate(sides.item_ids)
    ]
