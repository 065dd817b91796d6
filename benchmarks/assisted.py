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
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from analysis.metrics.core.design import design
from analysis.metrics.estimates import ratio_metrics
from analysis.metrics.estimates.difference_estimator import estimate
from analysis.metrics.estimates.model_assisted import audit_sample, scored_items
from analysis.metrics.performance.classification import classification
from annotation.sampling.design.expected_error import allocation, audit_probabilities, choose_floor, error_spread
from benchmarks.assisted_coverage import PER_CLASS, RECENT, coverage
from benchmarks.audited_traffic import AssistedScenario, AuditedTraffic, Floats, Rng, Source, true_metrics
from benchmarks.data import Absent, rows_of


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for name in options.only:
        started = time.process_time()
        for line in PARTS[name](options.projects, options.seed):
            print(json.dumps({"benchmark": "assisted", "part": name, **line}), flush=True)
        seconds = round(time.process_time() - started, 1)
        print(json.dumps({"benchmark": "assisted", "part": name, "cpu_seconds": seconds}), flush=True)


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
