"""Traffic with scores and known truth for benchmarks of audits, and its true metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.metrics.core.influence_functions import SMALLEST

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
        **{of_class(name, c, k): float(values[c]) for name, values in per_class.items() for c in range(k)},
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


def of_class(metric: str, c: int, k: int) -> str:
    """With two classes the metrics of the second are named "positive"."""
    return f"{'positive ' if k == 2 and c else ''}{metric}:{c}"
