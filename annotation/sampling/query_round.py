"""The sampling round: which items the active part asks next. The product and the benchmarks call this one function.

The audit is no part of it: that is drawn when an item is captured (`annotation.sampling.design.poisson`).
"""

from __future__ import annotations

import math

import numpy as np

from annotation.sampling.arrays import NO_ROWS
from annotation.sampling.filters.candidate_filter import make_candidate_filter
from annotation.sampling.pool import Pool, Selection, check_pool
from annotation.sampling.strategies.batch import Batch, left_over_batch, random_batch
from annotation.sampling.strategies.registry import STRATEGIES, run_strategy
from annotation.sampling.uncertainty import margin


def picks_for(places: int, *, audit_share: float) -> int:
    """How many picks a round makes for so many new questions, for some will be items that the audit asks already.

    It depends on the audit's share and never on which items the audit drew, so that the choice stays blind to that.
    """
    return math.ceil(places * (1 + 1.5 * audit_share)) if places > 0 else 0


def select(pool: Pool, *, size: int, strategy: str = "auto", seed: int) -> Selection:
    """Choose `size` items of `pool` to ask next by `strategy`; the whole pool where it holds no more.

    Outliers, near-copies of each other and near-copies of labelled items are asked only where nothing else is left,
    and their reasons say so. `auto` switches by what is known; `Selection.strategy` and `.why` say what it became. Same
    input and seed, same answer. Raises `InvalidInput`, `InvalidProbabilities`, or ValueError for an unknown strategy or
    size.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"Unknown strategy {strategy!r}; there are {', '.join(STRATEGIES)}.")
    if size < 1:
        raise ValueError(f"A round asks for at least one item, not {size}.")
    checked, rng = check_pool(pool), np.random.default_rng(seed)
    size = min(size, len(checked))
    chosen = run_strategy(checked, size, strategy, rng)
    batch = chosen.choice
    if strategy == "random":
        batch = random_batch(rng.permutation(len(checked))[:size], len(checked))
    batch = batch + _left_over(checked, batch, size - len(batch.index), rng)
    m = len(batch.index)
    return Selection(
        index=batch.index,
        priority=1.0 - np.arange(m) / max(m, 1),
        arm=np.array(batch.arm, dtype=np.str_),
        reason=batch.reason,
        numbers=batch.numbers,
        strategy=chosen.strategy,
        why=chosen.why,
        out_of_scope=chosen.out_of_scope,
    )


def _left_over(pool: Pool, chosen: Batch, missing: int, rng: np.random.Generator) -> Batch:
    """What fills places that a strategy left empty: what it did not look at, then near-copies, then outliers."""
    order = rng.permutation(len(pool))
    rest = order[~np.isin(order, chosen.index)]
    if missing < 1 or not len(rest):
        return left_over_batch(pool, NO_ROWS, "")
    if pool.probabilities is not None:
        rest = rest[np.argsort(margin(pool.probabilities[rest]), kind="stable")]
    passed = make_candidate_filter(pool, rng).apply(rest, chosen.index)
    outliers = np.isin(rest, passed.set_aside)
    copies = rest[~outliers & ~np.isin(rest, passed.rows)]
    found = left_over_batch(pool, passed.rows[:missing], "remaining")
    found = found + left_over_batch(pool, copies[: missing - len(found.index)], "near_copy")
    return found + left_over_batch(pool, rest[outliers][: missing - len(found.index)], "outlier")
