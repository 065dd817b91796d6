"""The batch that a strategy returns: rows in order, each with its arm, numbers and reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.arrays import NO_ROWS, Rows
from annotation.sampling.pool import Pool
from annotation.sampling.uncertainty import confidence, entropy


@dataclass(frozen=True)
class Batch:
    """m rows of the pool, soonest first, with m arms, reasons and dicts of figures; and rows set aside, not asked."""

    index: Rows
    arm: tuple[str, ...]
    reason: tuple[str, ...]
    numbers: tuple[dict[str, Any], ...]
    set_aside: Rows = field(default_factory=lambda: NO_ROWS)

    def __add__(self, other: Batch) -> Batch:
        return Batch(
            np.concatenate([self.index, other.index]),
            self.arm + other.arm,
            self.reason + other.reason,
            self.numbers + other.numbers,
            np.union1d(self.set_aside, other.set_aside).astype(np.intp),
        )

    def interleaved_with(self, other: Batch) -> Batch:
        """Both batches, the rows of the other spread evenly among these, so that every prefix holds both."""
        late = interleave(len(self.index), len(other.index))
        order = np.empty(len(late), dtype=np.intp)
        order[~late], order[late] = np.arange(len(self.index)), len(self.index) + np.arange(len(other.index))
        return (self + other).in_order(order)

    def in_order(self, order: Rows) -> Batch:
        """The same rows in another order, (m,) positions."""
        return Batch(
            self.index[order],
            tuple(self.arm[position] for position in order),
            tuple(self.reason[position] for position in order),
            tuple(self.numbers[position] for position in order),
            self.set_aside,
        )


EMPTY_BATCH = Batch(NO_ROWS, (), (), ())


def uncertain_batch(pool: Pool, rows: Rows, arm: str, set_aside: Rows = NO_ROWS) -> Batch:
    """Uncertain rows, with reasons such as "4 against 9, margin 0.03"."""
    numbers = tuple(uncertainty_numbers(pool, int(row)) for row in rows)
    return Batch(rows, (arm,) * len(rows), tuple(_uncertainty_to_text(one, arm) for one in numbers), numbers, set_aside)


def uncertainty_numbers(pool: Pool, row: int) -> dict[str, Any]:
    """The two most likely classes of a row, their probabilities, and the row's three scores."""
    assert pool.probabilities is not None  # uncertainty strategies are refused without probabilities
    p = pool.probabilities[row]
    order = np.argsort(-p, kind="stable")[:2]
    first, second = int(order[0]), int(order[-1])
    lead = float(p[first] - p[second]) if len(p) > 1 else 1.0
    return {
        "first": pool.classes[first],
        "second": pool.classes[second],
        "p_first": float(p[first]),
        "p_second": float(p[second]),
        "margin": lead,
        "confidence": float(confidence(p[None])[0]),
        "entropy": float(entropy(p[None])[0]),
    }


def _uncertainty_to_text(numbers: dict[str, Any], arm: str) -> str:
    if numbers["first"] == numbers["second"]:
        return f"{numbers['first']} is the only class, so nothing is uncertain"
    pair = f"{numbers['first']} against {numbers['second']}"
    if arm == "entropy":
        return f"{pair}, entropy {numbers['entropy']:.2f} nats"
    if arm == "least_confidence":
        return f"{pair}, confidence {numbers['confidence']:.2f}"
    return f"{pair}, margin {numbers['margin']:.2f}"


def random_batch(rows: Rows, n: int) -> Batch:
    """Rows drawn uniformly: nothing about them was looked at."""
    numbers = tuple({"candidates": n} for _ in rows)
    return Batch(rows, ("random",) * len(rows), (f"drawn at random from {n:,} candidates",) * len(rows), numbers)


LEFT_OVER = {
    "remaining": "no better candidate was left",
    "near_copy": "much like an item that is asked or labelled; no other candidate was left",
    "outlier": "unlike any other item; no other candidate was left",
}


def left_over_batch(pool: Pool, rows: Rows, arm: str) -> Batch:
    """Rows that are asked because nothing else is left, with the model's uncertainty where there is a model."""
    if pool.probabilities is None:
        numbers: tuple[dict[str, Any], ...] = tuple({} for _ in rows)
        return Batch(rows, (arm,) * len(rows), tuple(LEFT_OVER[arm] for _ in rows), numbers)
    batch = uncertain_batch(pool, rows, arm)
    return replace(batch, reason=tuple(f"{words}; {LEFT_OVER[arm]}" for words in batch.reason))


def interleave(first: int, other: int) -> NDArray[np.bool_]:
    """Where the others stand among `first` + `other` places: spread evenly, so that a round left half done holds its
    share of both. Returns (first + other,) bool, True = other."""
    steps = np.floor((np.arange(first + other) + 1) * other / max(first + other, 1) + 0.5)
    return np.diff(steps, prepend=0.0) > 0
