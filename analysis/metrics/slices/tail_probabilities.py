"""Tail probabilities and corrections for very many slices at once."""

import numpy as np
from scipy import special

from validation.arrays import Floats

# A tail is summed until what is left cannot change its tenth digit.
_ENOUGH = 1e-12


def log_hypergeometric_tail(errors: Floats, n: Floats, all_errors: Floats, all_n: Floats) -> Floats:
    """Natural log (m,) of the chance that n rows drawn blindly from all_n, of which all_errors are wrong, hold at
    least `errors` wrong ones. Exact, and finite where the chance itself would be smaller than any float."""
    k, drawn, wrong, whole = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (errors, n, all_errors, all_n)))
    found = np.zeros(k.shape)
    high = k * whole > drawn * wrong
    found[high] = _upper_tail(k[high], drawn[high], wrong[high], whole[high])
    # Below what is due the other tail is the short one: fewer wrong rows are more right ones.
    k, drawn, wrong, whole = (v[~high] for v in (k, drawn, wrong, whole))
    found[~high] = np.log1p(-np.exp(np.minimum(_upper_tail(drawn - k + 1, drawn, whole - wrong, whole), 0.0)))
    return found


def _upper_tail(k: Floats, drawn: Floats, wrong: Floats, whole: Floats) -> Floats:
    """Log of the chance of k or more, for k above what is due; -inf where k is more than there can be."""
    possible = k <= np.minimum(drawn, wrong)
    found = np.full(k.shape, -np.inf)
    k, drawn, wrong, whole = (v[possible] for v in (k, drawn, wrong, whole))
    first = _log_choose(wrong, k) + _log_choose(whole - wrong, drawn - k) - _log_choose(whole, drawn)
    found[possible] = np.minimum(first + np.log(_tail_over_first(k, drawn, wrong, whole)), 0.0)
    return found


def _tail_over_first(k: Floats, drawn: Floats, wrong: Floats, whole: Floats) -> Floats:
    """The tail's sum divided by its first term: each term is the one before times a known, falling ratio."""
    total, term = np.ones_like(k), np.ones_like(k)
    left, j = np.arange(k.size), k.copy()
    while left.size:
        of_left = wrong[left], drawn[left], whole[left]
        ratio = (of_left[0] - j) * (of_left[1] - j) / ((j + 1) * (of_left[2] - of_left[0] - of_left[1] + j + 1))
        term[left] *= ratio
        total[left] += term[left]
        more = term[left] > _ENOUGH * total[left] * (1 - np.minimum(ratio, 1 - 1e-9))
        left, j = left[more], j[more] + 1
    return total


def _log_choose(n: Floats, k: Floats) -> Floats:
    return np.asarray(special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1))


def log_weighted_tail(errors: Floats, variance: Floats, expected: Floats) -> Floats:
    """Natural log (m,) of the chance of weighted error counts this high when `expected` are due.

    Gamma law of a weighted Poisson sum (Fay and Feuer 1997), errors = Σw and variance = Σw² over wrong rows; with
    equal weights the exact Poisson tail, which from one error above what is due is never smaller than the
    hypergeometric one (Anderson and Samuels 1967). 1 up to what is due.
    """
    found = np.zeros(errors.shape)
    high = errors > expected
    shape = errors[high] ** 2 / variance[high]
    x = expected[high] * errors[high] / variance[high]
    with np.errstate(divide="ignore"):
        found[high] = shape * np.log(x) - x - special.gammaln(shape + 1) + np.log(_gamma_series(shape, x))
    return np.minimum(found, 0.0)


def _gamma_series(shape: Floats, x: Floats) -> Floats:
    """1 + x / (shape + 1) + x² / ((shape + 1)(shape + 2)) + …, for x below shape."""
    total, term, at = np.ones_like(x), np.ones_like(x), shape.copy()
    left = np.arange(x.size)
    while left.size:
        at[left] += 1
        ratio = x[left] / at[left]
        term[left] *= ratio
        total[left] += term[left]
        left = left[term[left] > _ENOUGH * total[left] * (1 - ratio)]
    return total
