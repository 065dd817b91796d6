"""Figures of a backtest: the mean curve over seeds, its area, and the labels to 95 % of what all labels give."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from validation.arrays import Floats, Ints

ENOUGH = 0.95


@dataclass(frozen=True)
class HeldOutScore:
    """What a model reaches on the test part."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class SeedRun:
    """One repetition: a score for each round, and the seconds that a round took on average."""

    scores: Sequence[HeldOutScore]
    seconds_per_round: float


def held_out_score(truth: Ints, predicted: Ints) -> HeldOutScore:
    """Accuracy, and F1 averaged over the classes of the test part. truth, predicted (n,) are codes."""
    names = np.unique(truth)
    return HeldOutScore(
        float(accuracy_score(truth, predicted)),
        float(f1_score(truth, predicted, labels=names, average="macro", zero_division=0)),
    )


def grid(batch: int, budget: int) -> list[int]:
    """The labels after each round; the last round is smaller where the budget is no multiple of the batch."""
    return [min(done + batch, budget) for done in range(0, budget, batch)]


def summarise(runs: Sequence[SeedRun], labels: Sequence[int], full: HeldOutScore, metric: str) -> dict[str, Any]:
    """Curve, area and labels to 95 % as they are given out; `full` is what all labels give.

    `sd` and `area_sd` are standard deviations over seeds, 0 for one of them. `labels_to_95` is the mean over the seeds
    that got there, None where none did; `seeds_to_95` counts them.
    """
    scores = {name: np.array([[getattr(one, name) for one in run.scores] for run in runs]) for name in _NAMES}
    watched, whole = scores[metric], getattr(full, metric)
    reached = [first for row in watched if (first := _first(row, labels, ENOUGH * whole)) is not None]
    areas = np.array([_area(row, labels) for row in watched]) / whole if whole else None
    return {
        "curve": [_point(scores, watched, place, n) for place, n in enumerate(labels)],
        "labels_to_95": round(float(np.mean(reached)), 1) if reached else None,
        "seeds_to_95": len(reached),
        "area": None if areas is None else round(float(areas.mean()), 4),
        "area_sd": None if areas is None else round(_spread(areas), 4),
        "seconds_per_round": round(float(np.mean([run.seconds_per_round for run in runs])), 3),
    }


_NAMES = ("accuracy", "macro_f1")


def _point(scores: dict[str, Floats], watched: Floats, place: int, n: int) -> dict[str, Any]:
    means = {name: round(float(values[:, place].mean()), 4) for name, values in scores.items()}
    return {"labels": n, **means, "sd": round(_spread(watched[:, place]), 4)}


def _spread(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _first(row: Floats, labels: Sequence[int], wanted: float) -> int | None:
    there = np.flatnonzero(row >= wanted)
    return labels[int(there[0])] if there.size else None


def _area(row: Floats, labels: Sequence[int]) -> float:
    """The mean of the score over the labels, from the first batch to the budget."""
    if len(labels) == 1:
        return float(row[0])
    return float(np.trapezoid(row, labels) / (labels[-1] - labels[0]))
