"""How good is a candidate, and may it replace what is live? Judged on items that neither was trained on."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from projects.models import Project
from projects.project_settings import LABEL_SLICE
from retraining import answers, registry
from retraining.answers import Answers
from retraining.datasets import Examples
from retraining.learning.calibration.choose import log_losses
from retraining.learning.gate import decision, paired
from retraining.models import EvaluatedItem

ALPHA, POWER, MARGIN, LEVEL = 0.05, 0.8, 0.01, 0.95
FEWEST_FOR_NAIVE = 30  # evaluation items; with fewer, a first version is judged on its out-of-fold predictions
SMALL_N = 20
MOST_GROUPS = 40
TIMED_ROWS = 20
Basis = Literal["evaluation", "out_of_fold"]


@dataclass(frozen=True)
class Judged:
    """A candidate's report and verdict, both plain data, and the rows behind them, still without a version.

    `scores` (n, k) are the candidate's of these rows, in the order of the label schema; None where it was judged by
    what it said out of fold.
    """

    evaluation: dict[str, Any]
    verdict: dict[str, Any]
    rows: list[EvaluatedItem]
    scores: NDArray[np.float64] | None = None

    @property
    def promoted(self) -> bool:
        return bool(self.verdict["decision"] == "promote")


@dataclass(frozen=True)
class Sides:
    """The items compared, with both sides' answers; the other side is the champion, or the naive baseline."""

    basis: Basis
    item_ids: list[int]
    segments: list[dict[str, Any]]
    truth: NDArray[Any]
    inclusion_probability: NDArray[np.float64]
    groups: NDArray[np.int64]
    candidate: Answers
    other: Answers
    naive: Answers
    against: str


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
        ours = answers.of_model(theirs.items, candidate)
    sides = _sides(theirs, ours, naive, incumbent, basis="out_of_fold" if theirs.items is train else "evaluation")
    evaluation = _report(sides, incumbent)
    evaluation["latency"] = latency(candidate, train)
    protected = project.retraining_settings().protected
    verdict = _verdict(sides, incumbent, theirs.problem, protected)
    return Judged(evaluation, verdict, _rows(sides), ours.scores)


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
        against=str(incumbent if theirs.answers else registry.Incumbent()),
    )


def _verdict(sides: Sides, incumbent: registry.Incumbent, broken: str, protected: Sequence[str]) -> dict[str, Any]:
    """The gate's decision as plain data. A champion that cannot be loaded was not compared, so nothing is promoted.

    `protected` names slices, such as channel=app or label=fraud, that must be shown not to be worse.
    """
    if not incumbent.tag:
        found = decision.beats_naive(
            sides.truth,
            sides.candidate.labels,
            sides.inclusion_probability,
            naive=sides.naive.labels,
            alpha=ALPHA,
            power=POWER,
            groups=sides.groups,
        )
    else:
        found = decision.judge(
            sides.truth,
            sides.other.labels,
            sides.candidate.labels,
            margin=MARGIN,
            alpha=ALPHA,
            power=POWER,
            inclusion_probability=sides.inclusion_probability,
            naive=sides.naive.labels,
            protected={name: in_slice(sides, name) for name in protected},
            groups=sides.groups,
        )
    words = found.words
    if sides.basis == "out_of_fold":
        words = words.replace("audit labels", "held-out training labels")
    return {
        "decision": "hold" if broken else found.decision,
        "words": f"Held: nothing was compared, because {broken}" if broken else words,
        "against": sides.against,
        "champion": incumbent.tag,
        "difference": asdict(found.difference) if found.difference else None,
        "p": found.p,
        "gates": [asdict(one) for one in found.gates],
        "needed": found.needed,
        "basis": sides.basis,
        "rule": {"alpha": ALPHA, "power": POWER, "margin": MARGIN},
    }


def _report(sides: Sides, incumbent: registry.Incumbent) -> dict[str, Any]:
    ours, theirs = sides.candidate.right(sides.truth), sides.other.right(sides.truth)
    return {
        "basis": sides.basis,
        "n": len(sides.item_ids),
        "copies": len(sides.item_ids) - len(np.unique(sides.groups)),
        "accuracy": share(ours, sides.inclusion_probability, sides.groups),
        "log_loss": _log_loss(sides),
        "other": {"name": sides.against, "accuracy": share(theirs, sides.inclusion_probability, sides.groups)},
        "naive": {
            "label": str(sides.naive.labels[0]) if len(sides.item_ids) else "",
            "accuracy": share(sides.naive.right(sides.truth), sides.inclusion_probability, sides.groups),
        },
        "counts": {
            "both_right": int((ours & theirs).sum()),
            "fixed": int((ours & ~theirs).sum()),
            "broken": int((~ours & theirs).sum()),
            "both_wrong": int((~ours & ~theirs).sum()),
        },
        "labels": _labels(sides, ours),
        "differences": _differences(sides, ours.astype(float) - theirs.astype(float)),
        "against_champion": bool(incumbent.tag) and sides.against == incumbent.tag,
        "captured_only": bool(incumbent.tag) and incumbent.version is None,
    }


def share(
    right: NDArray[np.bool_],
    inclusion_probability: NDArray[np.float64],
    groups: NDArray[np.int64],
    domain: NDArray[np.bool_] | None = None,
) -> dict[str, Any] | None:
    """Weighted share of right answers, 0 to 1, high is good, with its 95 % interval and n; None without rows.

    groups (n,): items with equal or near-equal inputs share one and count once in the interval.
    """
    if not len(right):
        return None
    return _plain(weighted.proportion(right, inclusion_probability, domain=domain, groups=groups))


def _plain(estimate: weighted.Estimate) -> dict[str, Any]:
    found = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}
    return {**found, "effective_n": estimate.effective_n}


def _log_loss(sides: Sides) -> dict[str, Any] | None:
    """Weighted mean of −log p(true label) in nats, low is good."""
    if not len(sides.item_ids):
        return None
    losses = log_losses(sides.candidate.of_truth[:, None], np.ones((len(sides.item_ids), 1)))
    return _plain(weighted.mean(losses, sides.inclusion_probability, groups=sides.groups))


def _labels(sides: Sides, right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of the items that truly are each label, the share that the candidate finds; most frequent first."""
    names, counts = np.unique(sides.truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_GROUPS]
    return [
        {
            "label": str(names[i]),
            "recall": share(right, sides.inclusion_probability, sides.groups, sides.truth == names[i]),
        }
        for i in order
    ]


def _differences(sides: Sides, gain: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Paired differences in points, above 0 the candidate is better: over all, by segment, by true label."""
    if not len(gain):
        return []
    trust = sides.candidate.of_truth - sides.other.of_truth
    every = np.ones(len(gain), dtype=bool)
    rows = [{"name": "Accuracy", "kind": "overall", **_difference(gain, sides, every)}]
    if np.isfinite(trust).all():  # a captured label without scores has no probability
        rows.append({"name": "Probability of the truth", "kind": "overall", **_difference(trust, sides, every)})
    for group, mask in [*_by_segment(sides.segments), *_by_label(sides.truth)][:MOST_GROUPS]:
        rows.append({**group, **_difference(gain, sides, mask)})
    return rows


def _difference(gain: NDArray[np.float64], sides: Sides, mask: NDArray[np.bool_]) -> dict[str, Any]:
    weights = 1.0 / sides.inclusion_probability[mask]
    found = paired.difference(gain[mask], weights, level=LEVEL, groups=sides.groups[mask])
    return {"n": found.n, "value": found.value, "low": found.low, "high": found.high, "small": found.n < SMALL_N}


def in_slice(sides: Sides, wanted: str) -> NDArray[np.bool_]:
    """(n,) whether each item is of this slice: label=fraud by its true label, channel=app by its segment."""
    name, _, value = wanted.partition("=")
    if name == LABEL_SLICE:
        return np.asarray(sides.truth == value, dtype=bool)
    return np.array([in_segment(segment, wanted) for segment in sides.segments], dtype=bool)


def in_segment(segment: dict[str, Any], wanted: str) -> bool:
    """Whether an item's segment has the pair that a difference is named by, such as channel=app."""
    name, _, value = wanted.partition("=")
    return name in segment and str(segment[name]) == value


def _by_segment(segments: Sequence[dict[str, Any]]) -> list[tuple[dict[str, str], NDArray[np.bool_]]]:
    """Each value of each segment with its rows, most frequent first."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for row, segment in enumerate(segments):
        for name, value in segment.items():
            pairs.setdefault((name, str(value)), []).append(row)
    found = []
    for (name, value), rows in sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        mask = np.zeros(len(segments), dtype=bool)
        mask[rows] = True
        found.append(({"name": f"{name} {value}", "kind": "segment", "segment": f"{name}={value}"}, mask))
    return found


def _by_label(truth: NDArray[Any]) -> list[tuple[dict[str, str], NDArray[np.bool_]]]:
    names, counts = np.unique(truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [({"name": str(names[i]), "kind": "label", "label": str(names[i])}, truth == names[i]) for i in order]


def latency(model: registry.Loaded, examples: Examples) -> dict[str, float]:
    """Milliseconds to predict one row: the median and the slowest of some single rows."""
    taken = []
    for row in range(min(TIMED_ROWS, len(examples))):
        one = {name: values[row : row + 1] for name, values in examples.columns.items()}
        started = time.perf_counter()
        model.probabilities(one)
        taken.append(1000 * (time.perf_counter() - started))
    return {"median_ms": round(statistics.median(taken), 2), "slowest_ms": round(max(taken), 2), "n": len(taken)}


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
