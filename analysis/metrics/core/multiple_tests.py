"""p values of several tests adjusted for their number; the tests hold that statsmodels says the same."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from validation import InvalidInput, arrays
from validation.arrays import Floats


def holm(p_values: ArrayLike) -> Floats:
    """p values (m,) adjusted after Holm (1979): rejecting those of at most alpha, any false rejection has that chance.

    Raises InvalidInput for what is no p value.
    """
    # Not statsmodels' function: it collects garbage through all of the process at each call, tenths of a second.
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def benjamini_hochberg(p_values: ArrayLike, *, weights: ArrayLike | None = None, tests: int | None = None) -> Floats:
    """p values (m,) adjusted after Benjamini and Hochberg (1995): rejecting those of at most q, the expected share of
    false rejections is at most q.

    weights (m,): prior weights, of which only the ratios count (Genovese, Roeder and Wasserman 2006). tests: tests
    made in all, at least m; those not listed are taken to have p = 1. Raises InvalidInput for what is no p value or
    no positive weight.
    """
    p = _checked(p_values)
    if not p.size:
        return p
    if weights is not None:
        w = arrays.numbers("weights", weights)
        if w.shape != p.shape or not np.isfinite(w).all() or (w <= 0).any():
            raise InvalidInput("one positive weight is needed per p value")
        p = np.minimum(p * w.mean() / w, 1.0)
    adjusted = stats.false_discovery_control(p, method="bh")
    return np.asarray(np.minimum(adjusted * (max(tests or 0, p.size) / p.size), 1.0))


def _checked(p_values: ArrayLike) -> Floats:
    p = arrays.numbers("p values", p_values)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise InvalidInput("p values must be one row of numbers, each between 0 and 1.")
    return p
