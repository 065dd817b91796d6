"""Difference of two estimates that rest on different items."""

from analysis.metrics.core.weighted import Estimate, undefined

UNPAIRED = "Difference of independent estimates, limits joined by MOVER"
UNKNOWN = "One of the two is not known."


def independent_difference(a: Estimate, b: Estimate) -> Estimate:
    """b minus a, where no item is in both; the limits are those of `a` and `b` at their level.

    Recovers the variances from the limits (MOVER: Zou and Donner, Statistics in Medicine 2008; for plain shares it is
    Newcombe's method 10, 1998). n and effective_n are those of the smaller side.
    """
    n = min(a.n, b.n)
    if a.value is None or b.value is None:
        return undefined(UNKNOWN, n=n, method=UNPAIRED)
    value, fewer = b.value - a.value, min(a.effective_n, b.effective_n)
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(value, None, None, n, fewer, UNPAIRED, a.note or b.note)
    below = ((b.value - b.low) ** 2 + (a.high - a.value) ** 2) ** 0.5
    above = ((b.high - b.value) ** 2 + (a.value - a.low) ** 2) ** 0.5
    return Estimate(value, value - below, value + above, n, fewer, UNPAIRED)
