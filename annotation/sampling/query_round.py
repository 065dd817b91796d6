"""One query round: which items to ask next, and with what probability each could have been asked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annotation.sampling.design.audit import audit_draws, draw_audit, interleave
from annotation.sampling.pool import Pool, Selection, check_pool
from annotation.sampling.strategies.batch import Batch, uniform_batch
from annotation.sampling.strategies.registry import STRATEGIES, QueryResult, run_strategy


def select(pool: Pool, *, size: int, strategy: str = "auto", audit_share: float = 0.2, seed: int) -> Selection:
    """Choose `size` items of `pool` to ask next: an active part by `strategy`, and a uniform audit part.

    The active part is taken for certain (inclusion probability 1). The audit part is drawn uniformly without
    replacement from all other items, set-aside and near-duplicate ones included (probability = draws / others), so
    `hajek_mean` over the whole selection is unbiased for the pool; see `annotation.sampling.design.audit`. The audit
    part is `audit_share` of the size, at least one item of two or more (a round of one throws a coin), and none only
    where the share is exactly 0: such a round measures nothing, which is for comparisons of strategies and not for
    a loop. A share of 1, and the strategy "random", draw uniformly only. A size above the pool selects the whole pool.
    The active part never asks an outlier, two near-copies, or a near-copy of a labelled item; where that leaves fewer
    than its places, the others are drawn uniformly too.

    `auto` switches by what is known; `Selection.strategy` and `.why` say what it became. Same input and seed, same
    answer. Raises `BadPool`, `InvalidProbabilities`, or ValueError for an unknown strategy, size or share.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"Unknown strategy {strategy!r}; there are {', '.join(STRATEGIES)}.")
    if size < 1:
        raise ValueError(f"A round asks for at least one item, not {size}.")
    checked, rng = check_pool(pool), np.random.default_rng(seed)
    share = 1.0 if strategy == "random" else audit_share
    draws = audit_draws(size, len(checked), share)
    if size == 1:
        return _one(checked, strategy, share, rng)
    active = min(size, len(checked)) - draws
    chosen = run_strategy(checked, active, strategy if active else "random", rng)
    return _mix(checked, chosen, active, draws, rng)


def _mix(pool: Pool, chosen: QueryResult, active: int, draws: int, rng: np.random.Generator) -> Selection:
    taken = chosen.choice.index
    rows, probability = draw_audit(len(pool), taken, draws + active - len(taken), rng)
    both = chosen.choice.interleaved_with(uniform_batch(rows, len(pool), probability))
    audit = interleave(len(taken), len(rows))
    return _selection(both, audit, np.where(audit, probability, 1.0), chosen)


def _one(pool: Pool, strategy: str, share: float, rng: np.random.Generator) -> Selection:
    n = len(pool)
    chosen = run_strategy(pool, 1, strategy, rng)
    share = share if len(chosen.choice.index) else 1.0
    if rng.random() < share:
        row = rng.integers(n, size=1)
        is_choice = bool(len(chosen.choice.index)) and int(row[0]) == int(chosen.choice.index[0])
        probability = share / n + (1 - share) * is_choice
        picked, audit = uniform_batch(row, n, probability), np.ones(1, dtype=bool)
    else:
        probability, picked, audit = share / n + 1 - share, chosen.choice, np.zeros(1, dtype=bool)
    return _selection(picked, audit, np.array([probability]), chosen)


def _selection(
    choice: Batch, audit: NDArray[np.bool_], probability: NDArray[np.float64], chosen: QueryResult
) -> Selection:
    m = len(choice.index)
    return Selection(
        index=choice.index,
        priority=1.0 - np.arange(m) / m,
        inclusion_probability=probability,
        audit=audit,
        arm=np.array(choice.arm, dtype=np.str_),
        reason=choice.reason,
        numbers=choice.numbers,
        strategy=chosen.strategy,
        why=chosen.why,
        out_of_scope=chosen.out_of_scope,
    )
