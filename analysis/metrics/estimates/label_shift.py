"""Have the shares of the classes moved, though no label has come back yet? Black-box shift estimation."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from validation import InvalidInput, arrays
from validation.probabilities import check_probabilities

Floats = npt.NDArray[np.float64]

MIN_ROWS = 30  # of the reference and of the window: no estimate without labels is made from fewer
WORST_CONDITION = 1e3


@dataclass(frozen=True)
class LabelShift:
    """Class shares (k,) before and now, `low` and `high` for now, `ratio` = now / before, in the order of the columns.

    p: chance of such a change with unmoved shares. conditioned: condition number of the confusion matrix, low = good;
    `now` is None where undefined (see `why`). Assumes that the inputs of each class look as they did.
    """

    before: Floats
    now: Floats | None
    low: Floats | None
    high: Floats | None
    ratio: Floats | None
    p: float | None
    drifted: bool
    conditioned: float
    why: str


def checked_scores(scores: npt.ArrayLike, name: str = "scores") -> Floats:
    """Class probabilities (n, k) as floats; a vector is P(second class). InvalidInput: no such rows."""
    matrix = arrays.numbers(name, scores)
    if matrix.ndim == 1:
        matrix = np.column_stack([1 - matrix, matrix])
    if matrix.ndim != 2 or len(matrix) == 0 or matrix.shape[1] < 2:
        raise InvalidInput(f"{name}: one row of at least two class probabilities per item is needed.")
    return check_probabilities(matrix, name=name)


def bbse(
    reference_scores: npt.ArrayLike,
    reference_labels: npt.ArrayLike,
    current_scores: npt.ArrayLike,
    *,
    level: float = 0.05,
    resamples: int = 400,
    seed: int = 0,
) -> LabelShift:
    """Class shares of the current window from its scores and the reference's confusion (Lipton, Wang and Smola 2018).

    Scores (n, k) and (m, k), best calibrated on data not used to fit; labels (n,) are column numbers. Solves
    confusion × ratio = mean current score, clips to non-negative shares; interval by bootstrap of both sides, p by the
    Wald test that mean scores are equal. Undefined: under 30 rows, a class never seen, a confusion matrix that
    cannot be inverted (the scores do not separate the classes).
    """
    arrays.level(level)
    if resamples < 1:
        raise ValueError("an interval needs at least one resample")
    before, now = checked_scores(reference_scores), checked_scores(current_scores, "current scores")
    labels = np.asarray(reference_labels)
    if labels.shape != (len(before),) or labels.dtype.kind not in "iub":
        raise ValueError("reference labels are column numbers, one per reference row")
    classes = before.shape[1]
    if now.shape[1] != classes or labels.min() < 0 or labels.max() >= classes:
        raise ValueError("reference and current scores have the same classes, and labels name one of them")
    shares = np.bincount(labels, minlength=classes) / len(labels)
    confusion = _confusion(before, labels, classes)
    why = _cannot(before, now, shares, confusion)
    if why:
        return LabelShift(shares, None, None, None, None, None, False, float(np.linalg.cond(confusion)), why)
    return _solved(before, labels, now, shares, confusion, level, resamples, seed)


def _confusion(scores: Floats, labels: npt.NDArray[np.int64], classes: int) -> Floats:
    """Joint mean of score j and class i: column i sums to the share of class i."""
    return scores.T @ np.eye(classes)[labels] / len(labels)


def _cannot(before: Floats, now: Floats, shares: Floats, confusion: Floats) -> str:
    if min(len(before), len(now)) < MIN_ROWS:
        return f"Undefined: {min(len(before), len(now))} rows where {MIN_ROWS} are needed."
    if (shares == 0).any():
        return f"Undefined: class {int((shares == 0).argmax())} never occurs among the reference labels."
    if np.linalg.cond(confusion / shares) > WORST_CONDITION:
        return "Undefined: the scores do not separate the classes well enough to solve for their shares."
    return ""


def _shares(confusion: Floats, shares: Floats, mean: Floats) -> Floats:
    now = np.clip(np.linalg.solve(confusion, mean), 0, None) * shares
    result: Floats = now / now.sum()
    return result


def _solved(
    before: Floats,
    labels: npt.NDArray[np.int64],
    now: Floats,
    shares: Floats,
    confusion: Floats,
    level: float,
    resamples: int,
    seed: int,
) -> LabelShift:
    rng = np.random.default_rng(seed)
    estimate = _shares(confusion, shares, now.mean(axis=0))
    drawn = [_resampled(before, labels, now, rng) for _ in range(resamples)]
    low, high = np.quantile([row for row in drawn if row is not None], [level / 2, 1 - level / 2], axis=0)
    p = _same_mean_p(before, now)
    moved = int(np.abs(estimate - shares).argmax())
    reach = f"{low[moved]:.1%} to {high[moved]:.1%}"
    why = f"Class {moved} went from {shares[moved]:.1%} to about {estimate[moved]:.1%} ({reach})."
    return LabelShift(
        shares, estimate, low, high, estimate / shares, p, p < level, float(np.linalg.cond(confusion / shares)), why
    )


def _resampled(before: Floats, labels: npt.NDArray[np.int64], now: Floats, rng: np.random.Generator) -> Floats | None:
    rows, others = rng.integers(len(before), size=len(before)), rng.integers(len(now), size=len(now))
    shares = np.bincount(labels[rows], minlength=before.shape[1]) / len(rows)
    if (shares == 0).any():
        return None
    try:
        return _shares(_confusion(before[rows], labels[rows], before.shape[1]), shares, now[others].mean(axis=0))
    except np.linalg.LinAlgError:
        return None


def _same_mean_p(before: Floats, now: Floats) -> float:
    """Wald test that the mean scores agree; the last class is left out, since scores sum to 1."""
    gap = (now.mean(axis=0) - before.mean(axis=0))[:-1]
    covariance = np.cov(before[:, :-1], rowvar=False) / len(before) + np.cov(now[:, :-1], rowvar=False) / len(now)
    covariance = np.atleast_2d(covariance)
    rank = int(np.linalg.matrix_rank(covariance))
    return float(stats.chi2.sf(gap @ np.linalg.pinv(covariance) @ gap, rank)) if rank else 1.0
