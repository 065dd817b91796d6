"""What an audit drawn by expected error with model-assisted estimates is worth, and whether its intervals hold.

    python -m benchmarks.assisted [--projects 3000] [--seed 0] [--only worth noise coverage]

`worth`: mean squared error of a uniform draw with Hájek's estimate over that of ours, at the same number of labels,
with the ratio's standard error; both draws use the same random number of each item. The floor of each project is chosen
by `evidence` labels of the past, drawn uniformly, and its scale by other past traffic. employment_ma (of
benchmarks.data, left out where it is absent) is calibrated on its reference year. `noise`: the same where scores are
unrelated to the truth. `coverage`: the share of projects whose 95 % interval holds the truth, of endless traffic
(process) or of the project's own items (window); each project draws its own classes, how bold and how noisy its model
is, its floor, and how many items were asked for certain; `rare` has 1 % positives and 500 labels.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.metrics.core.design import design
from analysis.metrics.core.influence_functions import SMALLEST
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.estimates import ratio_metrics
from analysis.metrics.estimates.difference_estimator import estimate
from analysis.metrics.estimates.model_assisted import AssistedPerformance, assisted, audit_sample, scored_items
from analysis.metrics.performance.classification import classification
from annotation.sampling.design.expected_error import (
    FLOORS,
    UNIFORM,
    allocation,
    audit_probabilities,
    choose_floor,
    error_spread,
)
from benchmarks.data import Absent, rows_of

ENDLESS = 200_000
RECENT = 5_000
PER_SCENARIO = 10
OVERALL = ("accuracy", "macro_f1", "log_loss", "brier", "roc_auc", "pr_auc", "cost")
PER_CLASS = ("precision", "recall", "f1")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator


@dataclass(frozen=True)
class AuditedTraffic:
    """truth and predicted (n,) as codes; scores (n, k)."""

    truth: Ints
    predicted: Ints
    scores: Floats

    def at(self, rows: NDArray[np.intp]) -> AuditedTraffic:
        return AuditedTraffic(self.truth[rows], self.predicted[rows], self.scores[rows])

    @property
    def size(self) -> int:
        return int(self.truth.size)

    @property
    def confidence(self) -> Floats:
        """(n,) of the most probable class."""
        return np.asarray(self.scores.max(axis=1))

    @property
    def classes(self) -> list[str]:
        return [str(c) for c in range(self.scores.shape[1])]

    @property
    def costs(self) -> Floats:
        k = self.scores.shape[1]
        price = np.ones((k, k)) - np.eye(k)
        price[-1, 0] = 5
        return price


Source = Callable[[int, Rng], AuditedTraffic]


@dataclass(frozen=True)
class AssistedScenario:
    """Logits normal around `lean` (k,); the model sees them `boldness` times as large and with noise.

    The second of two classes is predicted from `cut` on, the likeliest class of more. items in a window, of which
    `active` are asked for certain and about `labels` others are drawn.
    """

    lean: tuple[float, ...]
    spread: float
    boldness: float
    noise: float
    items: int
    active: int
    labels: float
    cut: float = 0.5

    def traffic(self, n: int, rng: Rng) -> AuditedTraffic:
        logits = rng.normal(size=(n, len(self.lean))) * self.spread + np.array(self.lean)
        truth = (softmax(logits, axis=1).cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
        scores = softmax(logits * self.boldness + rng.normal(size=logits.shape) * self.noise, axis=1)
        called = scores[:, 1] >= self.cut if len(self.lean) == 2 else scores.argmax(axis=1)
        return AuditedTraffic(truth.astype(np.int64), called.astype(np.int64), scores)


def common_scenario(rng: Rng) -> AssistedScenario:
    k = int(rng.choice([2, 2, 3, 5]))
    lean = np.sort(rng.normal(size=k) * rng.uniform(0, 1.2))
    return AssistedScenario(
        lean=tuple(float(v) for v in lean - lean.mean()),
        spread=float(rng.uniform(1.5, 3.5)),
        boldness=float(rng.uniform(0.8, 1.5)),
        noise=float(rng.uniform(0.2, 1.0)),
        items=int(rng.integers(2_000, 20_000)),
        active=int(rng.integers(100, 400)) if rng.random() < 0.5 else 0,
        labels=float(rng.uniform(150, 500)),
    )


def rare_scenario(rng: Rng, *, calibrated: bool = False) -> AssistedScenario:
    """1 % positives; about 500 labels."""
    spread = float(rng.uniform(1.5, 3.0))
    # The share of positives of a normal logit of mean m and variance v is about Φ(m / √(v + 2.9)).
    lean = 2.326 * np.sqrt(2 * spread**2 + 2.9) / 2
    return AssistedScenario(
        lean=(lean, -lean),
        spread=spread,
        boldness=1.0 if calibrated else float(rng.uniform(0.8, 1.3)),
        noise=0.0 if calibrated else float(rng.uniform(0, 0.7)),
        items=int(rng.integers(15_000, 25_000)),
        active=0,
        labels=500.0,
        cut=float(rng.choice([0.2, 0.35, 0.5])),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for name in options.only:
        started = time.process_time()
        for line in PARTS[name](options.projects, options.seed):
            print(json.dumps({"benchmark": "assisted", "part": name, **line}), flush=True)
        seconds = round(time.process_time() - started, 1)
        print(json.dumps({"benchmark": "assisted", "part": name, "cpu_seconds": seconds}), flush=True)


# What labels are worth


def worth(projects: int, seed: int) -> Iterator[dict[str, Any]]:
    try:
        past, now = employment()
    except Absent as absent:
        yield {"scenario": "employment_ma", "absent": str(absent)}
    else:
        for evidence in (300, 1000):
            yield _compared("employment_ma", past, now, 300, evidence=evidence, projects=projects, seed=seed)
    scenario = AssistedScenario((5.35, -5.35), 3.0, 1.0, 0.0, 20_000, 0, 500.0, cut=0.2)
    for evidence in (500, 2000):
        yield _compared(
            "1 % positives",
            scenario.traffic,
            scenario.traffic,
            500,
            items=100_000,
            evidence=evidence,
            projects=projects,
            seed=seed,
        )


def noise(projects: int, seed: int) -> Iterator[dict[str, Any]]:
    """Scores of various kinds beside predictions that are right whatever the scores say."""
    for name, share, shape in (
        ("mild scores", 0.8, (3.0, 1.0)),
        ("bold scores", 0.8, (1.0, 0.1)),
        ("bold scores, few errors", 0.95, (1.0, 0.1)),
        ("rare doubt, few errors", 0.98, (2.0, 0.02)),
    ):
        source = _unrelated(share, shape)
        yield _compared(name, source, source, 300, evidence=300, projects=projects, seed=seed)


def _unrelated(share: float, shape: tuple[float, float]) -> Source:
    def traffic(n: int, rng: Rng) -> AuditedTraffic:
        predicted = (rng.random(n) < 0.5).astype(np.int64)
        right = rng.random(n) < share
        top = 0.5 + 0.5 * rng.beta(*shape, n)
        scores = np.where(predicted[:, None] == np.arange(2), top[:, None], 1 - top[:, None])
        return AuditedTraffic(np.where(right, predicted, 1 - predicted), predicted, scores)

    return traffic


def employment() -> tuple[Source, Source]:
    """Past and present traffic of a live model, its probabilities calibrated on half of the past."""
    rows = rows_of("employment_ma", "items.parquet")
    past, now = rows[rows.split == "reference"], rows[rows.split == "analysis"]
    half = np.random.default_rng(0).random(len(past)) < 0.5
    curve = IsotonicRegression(out_of_bounds="clip", y_min=0.001, y_max=0.999)
    curve.fit(past.predicted_probability[half], past.employed[half])
    return _rows_of(past[~half], curve), _rows_of(now, curve)


def _rows_of(rows: pd.DataFrame, curve: IsotonicRegression) -> Source:
    score = curve.predict(rows.predicted_probability)
    every = AuditedTraffic(
        rows.employed.to_numpy(np.int64), rows.prediction.to_numpy(np.int64), np.column_stack([1 - score, score])
    )
    return lambda n, rng: every.at(rng.integers(every.size, size=n))


def _compared(
    name: str, past: Source, now: Source, labels: int, *, items: int = 30_000, evidence: int, projects: int, seed: int
) -> dict[str, Any]:
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    floors: list[float] = []
    for project in range(projects):
        rng = np.random.default_rng([seed, project, evidence])
        floor, window = _chosen_floor(past, evidence, rng), now(items, rng)
        floors.append(floor)
        for metric, pair in _errors(window, floor, past, labels, rng).items():
            errors[metric].append(pair)
    found = {}
    for metric, pairs in errors.items():
        found[metric] = _ratio_with_error(np.square(pairs))
    return {
        "set": name,
        "items": items,
        "labels": labels,
        "evidence": evidence,
        "projects": projects,
        "mean_floor": round(float(np.mean(floors)), 3),
        "worth": found,
    }


def _ratio_with_error(squares: Floats) -> list[float]:
    """The ratio of two mean squared errors (projects, 2), and its standard error over projects."""
    plain, ours = squares.mean(axis=0)
    ratio = plain / ours
    error = np.std(squares[:, 0] - ratio * squares[:, 1]) / ours / np.sqrt(len(squares))
    return [round(float(ratio), 3), round(float(error), 3)]


def _chosen_floor(past: Source, evidence: int, rng: Rng) -> float:
    seen = past(evidence, rng)
    recent = error_spread(past(RECENT, rng).confidence)
    return choose_floor(seen.truth == seen.predicted, seen.confidence, np.ones(evidence), recent)


def _errors(
    window: AuditedTraffic, floor: float, past: Source, labels: int, rng: Rng
) -> dict[str, tuple[float, float]]:
    """Of each metric, how far the uniform draw's estimate and ours lie from the window's own value."""
    how = allocation(error_spread(past(RECENT, rng).confidence), floor=floor)
    number, rate = rng.random(window.size), labels / window.size
    probability = audit_probabilities(error_spread(window.confidence), how, rate=rate)
    plain_rows = np.flatnonzero(number < rate)
    every = true_metrics(window)
    truth = {"accuracy": every["accuracy"], **{name: every[f"positive {name}:1"] for name in PER_CLASS}}
    plain = _hajek(window.at(plain_rows))
    ours = _model_assisted(window, np.flatnonzero(number < probability), probability)
    return {
        metric: (plain[metric] - value, ours[metric] - value)
        for metric, value in truth.items()
        if metric in plain and metric in ours
    }


def _hajek(drawn: AuditedTraffic) -> dict[str, float]:
    """Accuracy and the metrics of the second class, from a uniform draw."""
    uniform = design(np.full(drawn.size, 0.5))
    found = classification(drawn.truth, drawn.predicted, uniform, classes=drawn.classes)
    every = {"accuracy": found.accuracy} | {name: getattr(found.per_class[1], name) for name in PER_CLASS}
    return {name: one.value for name, one in every.items() if one.value is not None}


def _model_assisted(window: AuditedTraffic, rows: NDArray[np.intp], inclusion: Floats) -> dict[str, float]:
    """The same from an unequal draw and all scores."""
    items = scored_items(window.predicted, window.scores, labelled=rows, truth=window.truth[rows])
    drawn = audit_sample(items, inclusion)
    terms = {"accuracy": ratio_metrics.accuracy(items), "precision": ratio_metrics.precision(items, 1)}
    terms |= {"recall": ratio_metrics.recall(items, 1), "f1": ratio_metrics.f1(items, 1)}
    found = {name: estimate(one, drawn, level=0.95, empty="").value for name, one in terms.items()}
    return {name: value for name, value in found.items() if value is not None}


def _assisted(
    items: AuditedTraffic, rows: NDArray[np.intp], inclusion: Floats, *, finite: bool = False
) -> AssistedPerformance:
    scored = scored_items(items.predicted, items.scores, labelled=rows, truth=items.truth[rows])
    return assisted(scored, audit_sample(scored, inclusion, finite=finite), classes=items.classes, costs=items.costs)


# Whether intervals hold the truth


def coverage(projects: int, seed: int) -> Iterator[dict[str, Any]]:
    for name, scenario_of in (("common", common_scenario), ("rare", rare_scenario)):
        held: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        widths: dict[str, list[float]] = defaultdict(list)
        for number in range(-(-projects // PER_SCENARIO)):
            _cover(scenario_of, number, seed, held, widths)
        for metric, readings in held.items():
            shares = {reading: round(float(np.mean(hits)), 4) for reading, hits in readings.items()}
            yield {
                "projects": name,
                "metric": metric,
                "intervals": len(readings["process"]),
                **shares,
                "width": round(float(np.mean(widths[metric])), 4),
            }


def _cover(
    scenario_of: Callable[[Rng], AssistedScenario],
    number: int,
    seed: int,
    held: dict[str, dict[str, list[bool]]],
    widths: dict[str, list[float]],
) -> None:
    """The projects of one scenario."""
    rng = np.random.default_rng([seed, number])
    scenario = scenario_of(rng)
    many = scenario.traffic(ENDLESS, rng)
    endless = true_metrics(many)
    recent = error_spread(scenario.traffic(RECENT, rng).confidence)
    for _ in range(PER_SCENARIO):
        items = scenario.traffic(scenario.items, rng)
        own = true_metrics(items)
        rows, inclusion = _asked(items, scenario, recent, rng)
        for reading, truth in (("process", endless), ("window", own)):
            found = _measured(_assisted(items, rows, inclusion, finite=reading == "window"))
            for metric, one in found.items():
                if one.low is None or one.high is None or not np.isfinite(truth[metric]):
                    continue
                held[metric.split(":")[0]][reading].append(bool(one.low - 1e-9 <= truth[metric] <= one.high + 1e-9))
                if reading == "process":
                    widths[metric.split(":")[0]].append(one.high - one.low)


def _asked(
    items: AuditedTraffic, scenario: AssistedScenario, recent: Floats, rng: Rng
) -> tuple[NDArray[np.intp], Floats]:
    """Rows to label, and the inclusion probability of all items: the most uncertain for certain, an audit beside."""
    floor = float(rng.choice([*FLOORS, 0.3, 1.0]))
    spread = error_spread(items.confidence)
    how = UNIFORM if floor == 1.0 else allocation(recent, floor=floor)
    probability = audit_probabilities(spread, how, rate=min(1.0, scenario.labels / items.size))
    active = np.zeros(items.size, dtype=bool)
    active[np.argsort(-spread)[: scenario.active]] = True
    rows = np.flatnonzero(active | (rng.random(items.size) < probability))
    return rows, np.where(active, 1.0, probability)


def _measured(found: AssistedPerformance) -> dict[str, Estimate]:
    """Every estimate by its metric."""
    k = len(found.classes)
    return {
        **{name: getattr(found, name) for name in OVERALL},
        **{_of_class(name, c, k): getattr(one, name) for c, one in enumerate(found.per_class) for name in PER_CLASS},
    }


def true_metrics(items: AuditedTraffic) -> dict[str, float]:
    """The same metrics of items that are all labelled; NaN where undefined."""
    k, n = items.scores.shape[1], items.size
    table = np.bincount(items.truth * k + items.predicted, minlength=k * k).reshape(k, k).astype(float)
    right, true, called = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    given = items.scores[np.arange(n), items.truth]
    squares = float((items.scores**2).sum() / n + 1 - 2 * given.mean())
    with np.errstate(invalid="ignore"):
        per_class = {"precision": right / called, "recall": right / true, "f1": 2 * right / (true + called)}
    return {
        "accuracy": float(right.sum() / n),
        "macro_f1": float(np.nanmean(per_class["f1"])),
        "log_loss": float(-np.log(np.maximum(given, SMALLEST)).mean()),
        "brier": squares / 2 if k == 2 else squares,
        "cost": float((table * items.costs).sum() / n),
        **_true_areas(items),
        **{_of_class(name, c, k): float(values[c]) for name, values in per_class.items() for c in range(k)},
    }


def _true_areas(items: AuditedTraffic) -> dict[str, float]:
    """Of the second class of two, else the mean over classes."""
    k = items.scores.shape[1]
    pairs = [(items.truth == c, items.scores[:, c]) for c in ([1] if k == 2 else range(k))]
    pairs = [(of_class, score) for of_class, score in pairs if 0 < of_class.sum() < items.size]
    return {
        "roc_auc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "pr_auc": float(np.mean([average_precision_score(*pair) for pair in pairs])),
    }


def _of_class(metric: str, c: int, k: int) -> str:
    """With two classes the metrics of the second are named "positive"."""
    return f"{'positive ' if k == 2 and c else ''}{metric}:{c}"


PARTS: dict[str, Callable[[int, int], Iterator[dict[str, Any]]]] = {
    "worth": worth,
    "noise": noise,
    "coverage": coverage,
}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--projects", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=list(PARTS))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
