"""Domain classifier: AUC of separating the window from the reference, over all columns, with a score per row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.metrics.core.design import one_of_each
from analysis.metrics.drift.column_tests import is_clock, is_identifier, is_later
from analysis.metrics.drift.encoding import Columns, encoder
from analysis.metrics.drift.reference import dependence
from analysis.metrics.drift.separation import separation
from analysis.metrics.drift.side_classifier import Twins, cross_fitted, fit_sides, forward_fitted
from inputs.columns import as_numbers, guess_type
from inputs.types.time import seconds
from validation import arrays

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

MIN_ROWS = 60
MAX_REFERENCE = 20_000
BLOCKS_A_WINDOW = 10
FOLDS = 5


@dataclass(frozen=True)
class Domain:
    """`auc` .5 = the window looks like the reference, 1 = every row gives itself away; `low`, `high` its limits, each
    of which holds by itself at the level.

    p: chance of such an AUC or more with no drift. newness: one value per current row, 0 to 1,
    high = looks like nothing in the reference. importance: per column, how much AUC is lost when it is shuffled, as
    shares that sum to 1, highest first (empty when no column separates). auc, low, high, p are None where undefined and
    newness NaN; `why` says the reason. block: rows that were kept together.
    """

    auc: float | None
    low: float | None
    high: float | None
    p: float | None
    newness: Floats
    importance: tuple[tuple[str, float], ...]
    block: int
    why: str


@dataclass(frozen=True)
class _Settings:
    block: int | None
    permutations: int
    level: float
    seed: int
    scored: bool


def domain_auc(
    reference: Columns,
    current: Columns,
    *,
    types: Mapping[str, str] | None = None,
    block: int | None = None,
    permutations: int = 999,
    level: float = 0.95,
    groups: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    seed: int = 0,
    scored: bool = True,
) -> Domain:
    """Gradient-boosting classifier, reference or window: its AUC on each fold after a fit on the folds before, and a
    cross-fitted score for each row.

    Columns as in `drift.compare`; those that run with time (clocks, counters) and identifiers are left out. `block`:
    rows in order that hang together; whole blocks go to one fold and are permuted together, so that dependence does not
    pass for drift (None: a tenth of the window where rows depend on each other, else 1). References above 20 000 rows
    are thinned evenly. `groups`: one value per row of each side; of copies of a row, which share one, one takes part,
    in the fold of that of the other side. Limits and p as in `separation`: they never contradict each other. `scored`:
    whether rows get their newness and columns their importance, which takes most of the time.
    Undefined under 60 rows a side, with fewer than five blocks a side, or when nothing varies. ValueError: an empty
    side, no shared column, infinite numbers, settings that mean nothing.
    """
    _validate_options(block, permutations, level)
    names = [name for name in reference if name in current]
    if not names:
        raise ValueError("the reference and the current window share no column")
    before, now = ({name: np.asarray(side[name]) for name in names} for side in (reference, current))
    sizes = len(before[names[0]]), len(now[names[0]])
    if 0 in sizes:
        raise ValueError("the current window is empty" if sizes[0] else "the reference is empty")
    kinds = {name: (types or {}).get(name) or guess_type(before[name]) for name in names}
    settings = _Settings(block, permutations, level, seed, scored)
    if groups is None:
        return _domain(before, now, kinds, settings, None)
    kept = [one_of_each(of_side, n, seed=seed) for of_side, n in zip(groups, sizes, strict=True)]
    before, now = ({name: side[name][rows] for name in names} for side, rows in zip((before, now), kept, strict=True))
    twins = np.asarray(groups[0])[kept[0]], np.asarray(groups[1])[kept[1]]
    found = _domain(before, now, kinds, settings, twins)
    return replace(found, newness=_of_copies(found.newness, groups[1], kept[1]))


def _domain(
    before: dict[str, Array], now: dict[str, Array], kinds: Mapping[str, str], chosen: _Settings, twins: Twins | None
) -> Domain:
    names = [name for name in before if not _timed(before[name], now[name], kinds[name], name)]
    rows = len(next(iter(now.values())))
    if not names:
        return _undefined(rows, "Undefined: every column runs with time or is an identifier.")
    # Learnt from both sides together: levels and words that one side has by chance would give its rows away.
    encode = encoder({name: np.concatenate([before[name], now[name]]) for name in names}, kinds)
    a, b = encode.matrix(before), encode.matrix(now)
    size = chosen.block or _block_size(a, rows)
    seen = _seen(len(a), size)
    a = a[seen]
    if why := _cannot(a, b, max(MIN_ROWS, FOLDS * size)):
        return _undefined(rows, why)
    twins = None if twins is None else (twins[0][seen], twins[1])
    domain = _judged(a, b, size, chosen, twins)
    return replace(domain, importance=_importance(a, b, encode.owners, chosen.seed)) if chosen.scored else domain


def _of_copies(newness: Floats, groups: npt.ArrayLike, chosen: npt.NDArray[np.bool_]) -> Floats:
    """The newness of all rows (m,) from that of one of each group."""
    group = arrays.groups_of(groups, len(chosen))
    if group is None:
        return newness
    found = np.empty(int(group.max()) + 1)
    found[group[chosen]] = newness
    return found[group]


def _validate_options(block: int | None, permutations: int, level: float) -> None:
    arrays.level(level)
    if permutations < 1 or (block is not None and block < 1):
        raise ValueError("at least one permutation and one row in a block are needed")


def newest(domain: Domain, count: int = 10) -> npt.NDArray[np.intp]:
    """Indices of the `count` current rows that look least like the reference, newest-looking first."""
    if domain.auc is None:
        return np.zeros(0, dtype=np.intp)
    return np.argsort(-domain.newness, kind="stable")[:count]


def _undefined(rows: int, why: str) -> Domain:
    return Domain(None, None, None, None, np.full(rows, np.nan), (), 1, why)


def _timed(before: npt.ArrayLike, now: npt.ArrayLike, kind: str, name: str) -> bool:
    if kind == "time":
        return is_later(seconds(name, np.asarray(before)), seconds(name, np.asarray(now)))
    if kind != "number":
        return False
    numbers = as_numbers(before, name), as_numbers(now, name)
    return is_clock(*numbers) or is_identifier(*numbers)


def _block_size(reference: Floats, window: int) -> int:
    depends = any(dependence(column).dependent for column in reference.T)
    return max(1, window // BLOCKS_A_WINDOW) if depends else 1


def _seen(rows: int, block: int) -> npt.NDArray[np.bool_]:
    """The rows of the reference that take part: all, or every so many blocks of a long one."""
    step = -(-rows // MAX_REFERENCE)
    return np.asarray(np.arange(rows) // block % step == 0)


def _cannot(a: Floats, b: Floats, needed: int) -> str:
    if min(len(a), len(b)) < needed:
        return f"Undefined: {min(len(a), len(b))} rows where {needed} are needed."
    pooled = np.vstack([a, b])
    same = (pooled == pooled[0]) | (np.isnan(pooled) & np.isnan(pooled[0]))
    return "Undefined: no column varies beyond rare levels." if same.all() else ""


def _judged(a: Floats, b: Floats, block: int, chosen: _Settings, twins: Twins | None) -> Domain:
    ahead = forward_fitted(a, b, block=block, folds=FOLDS, seed=chosen.seed, twins=twins)
    auc, low, high, p = separation(ahead, chosen.permutations, chosen.level, chosen.seed)
    newness = np.full(len(b), np.nan)
    if chosen.scored:
        newness = cross_fitted(a, b, block=block, folds=FOLDS, seed=chosen.seed, twins=twins).now
    together = f", rows kept together by {block}" if block > 1 else ""
    why = f"A classifier separates the two with AUC {auc:.2f} ({low:.2f} to {high:.2f}), p = {p:.3f}{together}."
    return Domain(auc, low, high, p, newness, (), block, why)


def _importance(a: Floats, b: Floats, owners: Sequence[str], seed: int) -> tuple[tuple[str, float], ...]:
    """AUC lost on the odd rows by shuffling one column at a time, after a fit on the even rows, as shares."""
    rng, model = np.random.default_rng(seed), fit_sides(a[::2], b[::2], seed)
    x, n = np.vstack([a[1::2], b[1::2]]), len(a[1::2])
    full = _plain_auc(model(x)[:, 1], n)
    lost = {}
    for name in dict.fromkeys(owners):
        mixed, place = x.copy(), np.flatnonzero(np.array(owners) == name)
        mixed[:, place] = mixed[rng.permutation(len(x))][:, place]
        lost[name] = max(0.0, full - _plain_auc(model(mixed)[:, 1], n))
    total = sum(lost.values())
    return tuple(sorted(((k, v / total) for k, v in lost.items()), key=lambda pair: -pair[1])) if total > 0 else ()


def _plain_auc(scores: Floats, n: int) -> float:
    ranks, m = stats.rankdata(scores), len(scores) - n
    return float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
