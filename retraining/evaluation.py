"""How good is a candidate, and may it replace what is live? Judged on items that neither was trained on."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.core import weighted
from retraining import artifacts, datasets, registry
from retraining.datasets import Examples
from retraining.learning.calibration.choose import log_losses
from retraining.learning.gate import decision, paired
from retraining.models import Dataset, EvaluatedItem, ModelVersion

ALPHA, POWER, MARGIN, LEVEL = 0.05, 0.8, 0.01, 0.95
FEWEST_FOR_NAIVE = 30  # evaluation items; with fewer, a first version is judged on its out-of-fold predictions
SMALL_N = 20
MOST_GROUPS = 40
TIMED_ROWS = 20
Basis = Literal["evaluation", "out_of_fold"]


@dataclass(frozen=True)
class Answers:
    """What one side said of n items: labels (n,), confidence (n,), probability of the true label (n,)."""

    labels: NDArray[Any]
    confidence: NDArray[np.float64]
    of_truth: NDArray[np.float64]

    def right(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(self.labels == truth)


@dataclass(frozen=True)
class Judged:
    """A candidate's report and verdict, both plain data, and the rows behind them, still without a version."""

    evaluation: dict[str, Any]
    verdict: dict[str, Any]
    rows: list[EvaluatedItem]

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
    candidate: Answers
    other: Answers
    naive: Answers
    against: str


def judge(
    dataset: Dataset,
    candidate: registry.Loaded,
    train: Examples,
    out_of_fold: NDArray[np.float64],
    champion: ModelVersion | None,
) -> Judged:
    """Compare the candidate with the champion, or with the naive baseline where nothing is live.

    `out_of_fold` (n, k) belongs to `train`: what a model that never saw the row said of it.
    """
    held_out = datasets.examples(dataset, datasets.Split.EVALUATION)
    held_out = held_out.only(_unseen(held_out, champion))
    live, broken = _loaded(champion)
    if champion is None and len(held_out) < FEWEST_FOR_NAIVE:
        sides = _sides(train, out_of_fold, None, train, basis="out_of_fold")
    else:
        sides = _sides(held_out, _probabilities(candidate, held_out), live, train, basis="evaluation")
    verdict = _verdict(sides, champion, broken)
    evaluation = _report(sides, champion)
    evaluation["latency"] = latency(candidate, train)
    return Judged(evaluation, verdict, _rows(sides))


def _unseen(held_out: Examples, champion: ModelVersion | None) -> NDArray[np.bool_]:
    """The split keeps a project's own versions apart already; this holds even if a dataset was made otherwise."""
    if champion is None:
        return np.ones(len(held_out), dtype=bool)
    return registry.out_of_sample(champion, held_out.item_ids)


def _loaded(champion: ModelVersion | None) -> tuple[registry.Loaded | None, str]:
    """The champion ready to predict, or why it is not."""
    if champion is None:
        return None, ""
    try:
        return registry.load(champion), ""
    except artifacts.ArtifactRefused as why:
        return None, str(why)


def _probabilities(model: registry.Loaded, examples: Examples) -> NDArray[np.float64]:
    """(n, k) in the order of the examples' classes; a class that the model does not name has 0."""
    own = model.probabilities(examples.columns)
    result = np.zeros((len(examples), len(examples.classes)))
    for column, name in enumerate(examples.classes):
        if name in model.classes:
            result[:, column] = own[:, model.classes.index(name)]
    return result


def _sides(
    items: Examples, probabilities: NDArray[np.float64], live: registry.Loaded | None, train: Examples, *, basis: Basis
) -> Sides:
    prior = np.bincount(train.targets, minlength=len(train.classes)) / max(len(train), 1)
    naive = _answers(items, np.tile(prior, (len(items), 1)))
    return Sides(
        basis=basis,
        item_ids=items.item_ids,
        segments=items.segments,
        truth=np.array(items.classes)[items.targets],
        inclusion_probability=items.inclusion_probability,
        candidate=_answers(items, probabilities),
        other=_answers(items, _probabilities(live, items)) if live else naive,
        naive=naive,
        against=live.tag if live else "the naive baseline",
    )


def _answers(items: Examples, probabilities: NDArray[np.float64]) -> Answers:
    every = np.arange(len(items))
    best = probabilities.argmax(axis=1) if len(items) else np.zeros(0, dtype=int)
    return Answers(np.array(items.classes)[best], probabilities[every, best], probabilities[every, items.targets])


def _verdict(sides: Sides, champion: ModelVersion | None, broken: str) -> dict[str, Any]:
    """The gate's decision as plain data. A champion that cannot be loaded was not compared, so nothing is promoted."""
    if champion is None:
        found = decision.beats_naive(
            sides.truth,
            sides.candidate.labels,
            sides.inclusion_probability,
            naive=sides.naive.labels,
            alpha=ALPHA,
            power=POWER,
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
        )
    words = found.words
    if sides.basis == "out_of_fold":
        words = words.replace("audit labels", "held-out training labels")
    return {
        "decision": "hold" if broken else found.decision,
        "words": f"Held: nothing was compared, because {broken}" if broken else words,
        "against": sides.against,
        "champion": champion.tag if champion else "",
        "difference": asdict(found.difference) if found.difference else None,
        "p": found.p,
        "gates": [asdict(one) for one in found.gates],
        "needed": found.needed,
        "basis": sides.basis,
        "rule": {"alpha": ALPHA, "power": POWER, "margin": MARGIN},
    }


def _report(sides: Sides, champion: ModelVersion | None) -> dict[str, Any]:
    ours, theirs = sides.candidate.right(sides.truth), sides.other.right(sides.truth)
    return {
        "basis": sides.basis,
        "n": len(sides.item_ids),
        "accuracy": share(ours, sides.inclusion_probability),
        "log_loss": _log_loss(sides),
        "other": {"name": sides.against, "accuracy": share(theirs, sides.inclusion_probability)},
        "naive": {
            "label": str(sides.naive.labels[0]) if len(sides.item_ids) else "",
            "accuracy": share(sides.naive.right(sides.truth), sides.inclusion_probability),
        },
        "counts": {
            "both_right": int((ours & theirs).sum()),
            "fixed": int((ours & ~theirs).sum()),
            "broken": int((~ours & theirs).sum()),
            "both_wrong": int((~ours & ~theirs).sum()),
        },
        "labels": _labels(sides, ours),
        "differences": _differences(sides, ours.astype(float) - theirs.astype(float)),
        "against_champion": champion is not None and sides.against == champion.tag,
    }


def share(
    right: NDArray[np.bool_], inclusion_probability: NDArray[np.float64], domain: NDArray[np.bool_] | None = None
) -> dict[str, Any] | None:
    """Weighted share of right answers, 0 to 1, high is good, with its 95 % interval and n; None without rows."""
    return _plain(weighted.proportion(right, inclusion_probability, domain=domain)) if len(right) else None


def _plain(estimate: weighted.Estimate) -> dict[str, Any]:
    found = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n}
    return {**found, "effective_n": estimate.effective_n}


def _log_loss(sides: Sides) -> dict[str, Any] | None:
    """Weighted mean of −log p(true label) in nats, low is good."""
    if not len(sides.item_ids):
        return None
    losses = log_losses(sides.candidate.of_truth[:, None], np.ones((len(sides.item_ids), 1)))
    return _plain(weighted.mean(losses, sides.inclusion_probability))


def _labels(sides: Sides, right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Of the items that truly are each label, the share that the candidate finds; most frequent first."""
    names, counts = np.unique(sides.truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_GROUPS]
    return [
        {"label": str(names[i]), "recall": share(right, sides.inclusion_probability, sides.truth == names[i])}
        for i in order
    ]


def _differences(sides: Sides, gain: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Paired differences in points, above 0 the candidate is better: over all, by segment, by true label."""
    if not len(gain):
        return []
    trust = sides.candidate.of_truth - sides.other.of_truth
    every = np.ones(len(gain), dtype=bool)
    rows = [
        {"name": "Accuracy", "kind": "overall", **_difference(gain, sides, every)},
        {"name": "Probability of the truth", "kind": "overall", **_difference(trust, sides, every)},
    ]
    for group, mask in [*_by_segment(sides.segments), *_by_label(sides.truth)][:MOST_GROUPS]:
        rows.append({**group, **_difference(gain, sides, mask)})
    return rows


def _difference(gain: NDArray[np.float64], sides: Sides, mask: NDArray[np.bool_]) -> dict[str, Any]:
    found = paired.difference(gain[mask], 1.0 / sides.inclusion_probability[mask], level=LEVEL)
    return {"n": found.n, "value": found.value, "low": found.low, "high": found.high, "small": found.n < SMALL_N}


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
            champion_confidence=float(sides.other.confidence[i]),
            inclusion_probability=float(sides.inclusion_probability[i]),
        )
        for i, item_id in enumerate(sides.item_ids)
    ]
