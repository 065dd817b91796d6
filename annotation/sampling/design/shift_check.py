"""Two-sample shift check over vectors, and the novelty of each recent item.

The rule decides only what people are shown first; the drift page has finer measures (season, blocks, importance).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.arrays import LARGEST

LEAST_ROWS = 100  # on either side; below it the rule says so and stays quiet
MOST_COMPONENTS = 30
MOST_ROWS = 2000  # of either side are compared


@dataclass(frozen=True)
class ShiftCheck:
    """The verdict on one recent window.

    drifted   whether any component differs after Benjamini-Hochberg, by more than the effect floor
    p         smallest adjusted p-value, or 1.0 where nothing was tested; low = different
    effect    largest Kolmogorov-Smirnov distance among the tested components, 0 to 1; high = different
    newness   (m,) share of reference items that lie nearer to their own middle than this item does, 0 to 1; high = new
    words     the verdict in one sentence
    """

    drifted: bool
    p: float
    effect: float
    newness: NDArray[np.float64]
    words: str


def check_shift(
    reference: NDArray[np.floating],
    recent: NDArray[np.floating],
    *,
    seed: int,
    level: float = 0.01,
    effect_floor: float = 0.15,
    reference_groups: NDArray[np.int64] | None = None,
    recent_groups: NDArray[np.int64] | None = None,
) -> ShiftCheck:
    """Compare recent vectors (m, d) with reference vectors (n, d), both from one `vectorise` call.

    The vectors are rotated to the principal directions of both together, each direction gets a two-sample
    Kolmogorov-Smirnov test, the p-values are adjusted by Benjamini and Hochberg (1995), and an effect floor keeps
    large windows from alarming at differences that nobody would act on. Serial dependence is not modelled: rows are
    taken as exchangeable within a window, but for copies: of the rows of one group (`inputs.groups`, (n,) and (m,)) one
    is compared. Raises ValueError for vectors of different width or with NaN.
    """
    before, now = np.asarray(reference, dtype=float), np.asarray(recent, dtype=float)
    if before.ndim != 2 or now.ndim != 2 or before.shape[1] != now.shape[1]:
        raise ValueError(f"Vectors are (n, d) and (m, d) with one d, not {before.shape} and {now.shape}.")
    if not all((np.abs(side) <= LARGEST).all() for side in (before, now)):
        raise ValueError("The vectors hold NaN, infinity or a number too large to be squared.")
    one_before, one_now = (
        before[first_of_each(reference_groups, len(before))],
        now[first_of_each(recent_groups, len(now))],
    )
    if min(len(one_before), len(one_now)) < LEAST_ROWS:
        words = f"{len(one_now):,} recent against {len(one_before):,} earlier items; {LEAST_ROWS} of each are needed."
        return ShiftCheck(False, 1.0, 0.0, np.zeros(len(now)), words)
    rng = np.random.default_rng(seed)
    a, b = _rotate(_sample(one_before, rng), _sample(one_now, rng))
    p, effect = _compare(a, b)
    p_adjusted = stats.false_discovery_control(p, method="bh") if len(p) else np.ones(1)
    hit = (p_adjusted < level) & (effect > effect_floor) if len(p) else np.zeros(1, dtype=bool)
    best, largest = float(p_adjusted.min()), float(effect.max(initial=0.0))
    return ShiftCheck(bool(hit.any()), best, largest, newness(before, now), _words(bool(hit.any()), largest, len(now)))


def first_of_each(groups: NDArray[np.int64] | None, n: int) -> NDArray[np.bool_]:
    """Which of n rows are the first of their group, (n,); all, where there are no groups."""
    kept = np.ones(n, dtype=bool)
    if groups is not None:
        kept[:] = False
        kept[np.unique(groups, return_index=True)[1]] = True
    return kept


def newness(reference: NDArray[np.floating], recent: NDArray[np.floating]) -> NDArray[np.float64]:
    """(m,) the share of reference items nearer to the reference's middle than each recent item; high = new.

    Distances are scaled by each direction's spread, with a floor so that constant directions do not decide.
    """
    middle, spread = reference.mean(axis=0), reference.std(axis=0)
    scale = np.maximum(spread, max(spread.max(initial=0.0), 1e-12) * 0.1)
    near = np.sort(np.linalg.norm((reference - middle) / scale, axis=1))
    distance = np.linalg.norm((recent - middle) / scale, axis=1)
    shares: NDArray[np.float64] = np.searchsorted(near, distance, side="left") / len(near)
    return shares


def _sample(rows: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.floating]:
    return rows if len(rows) <= MOST_ROWS else rows[rng.choice(len(rows), MOST_ROWS, replace=False)]


def _rotate(a: NDArray[np.floating], b: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Both sides on the principal directions of their union, (n, c) and (m, c)."""
    both = np.vstack([a, b])
    both = both - both.mean(axis=0)
    _, sizes, directions = np.linalg.svd(both, full_matrices=False)
    kept = directions[:MOST_COMPONENTS][sizes[:MOST_COMPONENTS] > 1e-9 * max(sizes.max(initial=0.0), 1e-300)]
    turned = both @ kept.T
    return turned[: len(a)], turned[len(a) :]


def _compare(a: NDArray[np.floating], b: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(c,) p-values and (c,) distances of the Kolmogorov-Smirnov tests."""
    tests = [stats.ks_2samp(a[:, c], b[:, c], method="asymp") for c in range(a.shape[1])]
    return np.array([t.pvalue for t in tests]), np.array([t.statistic for t in tests])


def _words(hit: bool, effect: float, m: int) -> str:
    verdict = "differ from those before" if hit else "look like those before"
    return f"The {m:,} newest items {verdict}: largest distance {effect:.2f}."
