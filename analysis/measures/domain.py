"""Can a classifier tell the window from the reference? One number for all columns together, one score per row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse, stats
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer

from analysis.measures.drift_columns import Kind, as_numbers, as_words, kind_of

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, npt.ArrayLike]

MIN_ROWS = 60
MAX_LEVELS = 60
TEXT_COMPONENTS = 20
MAX_ROWS = 20_000


@dataclass(frozen=True)
class Domain:
    """`auc` .5 = the window looks like the reference, 1 = every row gives itself away; `low`, `high` its 95 % interval.

    p: chance of such an AUC with no drift (permutation of whole blocks). newness: one value per current row, 0 to 1,
    high = looks like nothing in the reference. importance: share of the telling per column, sums to 1 (empty when
    nothing tells). All None or empty where undefined, `why` says the reason.
    """

    auc: float | None
    low: float | None
    high: float | None
    p: float | None
    newness: Floats
    importance: tuple[tuple[str, float], ...]
    why: str


def encode(
    reference: Columns, current: Columns, types: Mapping[str, Kind] | None = None
) -> tuple[Floats, Floats, list[str]]:
    """Both sides as float matrices (n, d), (m, d) fitted on the reference, and the column each of the d came from."""
    names = [name for name in reference if name in current]
    if not names:
        raise ValueError("the reference and the current window share no column")
    before, now, owners = [], [], []
    for name in names:
        kind = (types or {}).get(name) or kind_of(reference[name])
        a, b = _encoded(np.asarray(reference[name]), np.asarray(current[name]), kind, name)
        before.append(a)
        now.append(b)
        owners += [name] * a.shape[1]
    return np.hstack(before), np.hstack(now), owners


def _encoded(reference: Array, current: Array, kind: Kind, name: str) -> tuple[Floats, Floats]:
    if kind == "number":
        return as_numbers(reference, name)[:, None], as_numbers(current, name)[:, None]
    if kind == "category":
        return _frequencies(as_words(reference, name), as_words(current, name))
    return _terms(as_words(reference, name, ""), as_words(current, name, ""))


def _frequencies(reference: Array, current: Array) -> tuple[Floats, Floats]:
    """Levels by their rank of frequency in the reference; new levels and rare ones share the last place."""
    levels, counts = np.unique(reference.astype(str), return_counts=True)
    order = {level: float(place) for place, level in enumerate(levels[np.argsort(-counts, kind="stable")][:MAX_LEVELS])}
    last = float(len(order) + 1)
    return tuple(np.array([[order.get(str(v), last)] for v in side], dtype=float) for side in (reference, current))  # type: ignore[return-value]


def _terms(reference: Array, current: Array) -> tuple[Floats, Floats]:
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=20_000)
    try:
        before = vectors.fit_transform([*reference, *current])
    except ValueError:  # sklearn's word for "no term at all"
        return np.zeros((len(reference), 1)), np.zeros((len(current), 1))
    size = min(TEXT_COMPONENTS, before.shape[1] - 1)
    dense = (
        before.toarray() if size < 2 else TruncatedSVD(size, random_state=0).fit_transform(sparse.csr_matrix(before))
    )
    return dense[: len(reference)], dense[len(reference) :]


def domain_auc(
    reference: Columns,
    current: Columns,
    *,
    types: Mapping[str, Kind] | None = None,
    block: int = 1,
    folds: int = 5,
    permutations: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> Domain:
    """Cross-fitted gradient-boosting classifier, reference or window, judged by its out-of-fold AUC.

    Columns as in `drift.compare`. `block`: rows in order that hang together (a day, a household); whole blocks go to
    one fold and are permuted together, so that dependence does not pass for drift. Sides above 20 000 rows are thinned
    evenly. Interval and p by DeLong's placements averaged per block, p by permuting blocks within folds.
    Undefined under 60 rows a side, with fewer than `folds` blocks a side, or when nothing varies.
    """
    a, b, owners = encode(reference, current, types)
    if len(a) == 0 or len(b) == 0:
        raise ValueError("the reference or the current window is empty")
    if min(len(a), len(b)) < MIN_ROWS or min(len(a), len(b)) < folds * block:
        return _undefined(
            len(b), f"Undefined: {min(len(a), len(b))} rows where {max(MIN_ROWS, folds * block)} are needed."
        )
    pooled = np.vstack([a, b])
    if not np.nanmax(np.where(np.isnan(pooled), -1.0, 1.0) * 0 + np.nan_to_num(pooled, nan=-1e18).std(axis=0)) > 0:
        return _undefined(len(b), "Undefined: no column varies.")
    return _judged(a, b, owners, block, folds, permutations, level, seed)


def newest(domain: Domain, count: int = 10) -> npt.NDArray[np.intp]:
    """Indices of the `count` current rows that look least like the reference, newest-looking first."""
    return np.argsort(-domain.newness, kind="stable")[:count]


def _undefined(rows: int, why: str) -> Domain:
    return Domain(None, None, None, None, np.full(rows, np.nan), (), why)


def _blocks(
    size: int, block: int, folds: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    blocks = np.arange(size) // block
    fold_of = rng.permutation(np.arange(blocks[-1] + 1) % folds)
    return blocks, fold_of[blocks]


def classifier(seed: int) -> HistGradientBoostingClassifier:
    """Small, regularised trees: enough to see any plain difference, too small to learn rows by heart."""
    return HistGradientBoostingClassifier(
        max_iter=60, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, l2_regularization=1.0,
        early_stopping=False, random_state=seed,
    )  # fmt: skip


def cross_fitted(a: Floats, b: Floats, block: int, folds: int, seed: int) -> tuple[Floats, Floats, Array, Array]:
    """Out-of-fold P(current | row), classes balanced, for both sides; and each row's block (numbered over both)."""
    rng = np.random.default_rng(seed)
    (block_a, fold_a), (block_b, fold_b) = _blocks(len(a), block, folds, rng), _blocks(len(b), block, folds, rng)
    x, side = np.vstack([a, b]), np.r_[np.zeros(len(a)), np.ones(len(b))]
    fold, weight = np.r_[fold_a, fold_b], np.r_[np.full(len(a), len(b) / len(a)), np.ones(len(b))]
    scores = np.empty(len(x))
    for held in range(folds):
        train = fold != held
        model = classifier(seed).fit(x[train], side[train], sample_weight=weight[train])
        scores[~train] = model.predict_proba(x[~train])[:, 1]
    return scores[: len(a)], scores[len(a) :], np.r_[block_a, block_b + block_a[-1] + 1], fold


def _judged(
    a: Floats, b: Floats, owners: Sequence[str], block: int, folds: int, permutations: int, level: float, seed: int
) -> Domain:
    a = a[:: max(1, -(-len(a) // MAX_ROWS))] if block == 1 else a
    before, now, blocks, fold = cross_fitted(a, b, block, folds, seed)
    scores, side = np.r_[before, now], np.r_[np.zeros(len(a)), np.ones(len(b))]
    auc, error = _auc(before, now, blocks[: len(a)], blocks[len(a) :])
    reach = stats.norm.ppf(0.5 + level / 2) * error
    p = _permutation_p(scores, side, blocks, fold, permutations, np.random.default_rng(seed))
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    why = f"A classifier tells window from reference with AUC {auc:.2f} ({low:.2f} to {high:.2f}), p = {p:.3f}."
    return Domain(auc, low, high, p, now, (), why)


def _auc(before: Floats, now: Floats, block_a: Array, block_b: Array) -> tuple[float, float]:
    """AUC and its standard error from DeLong's placements, summed per block."""
    sorted_a, sorted_b = np.sort(before), np.sort(now)
    above = (np.searchsorted(sorted_a, now, "left") + np.searchsorted(sorted_a, now, "right")) / (2 * len(before))
    below = 1 - (np.searchsorted(sorted_b, before, "left") + np.searchsorted(sorted_b, before, "right")) / (
        2 * len(now)
    )
    auc = float(above.mean())
    return auc, float(np.sqrt(_cluster_variance(above - auc, block_b) + _cluster_variance(below - auc, block_a)))


def _cluster_variance(residual: Floats, blocks: Array) -> float:
    sums = np.bincount(blocks - blocks.min(), residual)
    return float((sums**2).sum() / len(residual) ** 2 * len(sums) / max(1, len(sums) - 1))


def _permutation_p(
    scores: Floats, side: Floats, blocks: Array, fold: Array, permutations: int, rng: np.random.Generator
) -> float:
    """Mean rank of the window within each fold, against the same with the side labels of whole blocks permuted."""
    ranks = np.empty(len(scores))
    for held in np.unique(fold):
        ranks[fold == held] = stats.rankdata(scores[fold == held]) / (fold == held).sum()
    first = np.unique(blocks, return_index=True)[1]
    totals, sizes, sides, folds = np.bincount(blocks, ranks), np.bincount(blocks), side[first], fold[first]
    seen = _mean_gap(totals, sizes, sides)
    beaten = 0
    for _ in range(permutations):
        order = np.lexsort((rng.random(len(folds)), folds))
        shuffled = np.empty_like(sides)
        shuffled[np.argsort(folds, kind="stable")] = sides[order]
        beaten += _mean_gap(totals, sizes, shuffled) >= seen - 1e-12
    return (1 + beaten) / (1 + permutations)


def _mean_gap(totals: Floats, sizes: Array, sides: Floats) -> float:
    return float((totals @ sides) / (sizes @ sides) - (totals @ (1 - sides)) / (sizes @ (1 - sides)))
