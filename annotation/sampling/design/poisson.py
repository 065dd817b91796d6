"""Poisson audit sampling with permanent random numbers.

Each item carries a uniform number u, a keyed hash of its key, and an inclusion probability p. It is drawn for the audit
exactly where u < p. The draw needs no list of the other items, so it is made when the item is captured, and it can be
replayed. Lowering p thins a backlog at random and raising p draws more; both keep the draw exact for every item whose
p was moved for reasons that do not depend on its own u (Ohlsson, "Coordination of samples using permanent random
numbers", 1995; Poisson sampling: Särndal, Swensson and Wretman, "Model Assisted Survey Sampling", 1992, section 3.5).
"""

import hmac
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOWEST_RATE = 1e-6
"""No drawn item stands for more than a million."""

HORIZON_DAYS = 7.0
"""Audit items are drawn for the labels that people can give in so many days."""

SLACK = 2.0
"""A backlog is thinned where it is more than twice what people can label in the horizon."""

_BITS = 53


def draw_numbers(secret: bytes, keys: Sequence[str]) -> Floats:
    """(n, 2) uniform numbers in [0, 1), two independent ones for each key; the same secret and key, the same numbers.

    HMAC-SHA256: who does not know the secret cannot choose a key that is drawn, nor tell which one was.
    """
    digests = [hmac.digest(secret, key.encode(), "sha256") for key in keys]
    words = np.frombuffer(b"".join(digest[:16] for digest in digests), dtype=">u8").reshape(-1, 2)
    return (words >> np.uint64(64 - _BITS)).astype(np.float64) / 2.0**_BITS


def audit_rate(*, share: float, labels_a_day: float, items_a_day: float) -> float:
    """The probability with which new items are drawn: `share` of the labels that people give go to the audit.

    Where people could label everything that comes in, that is `share` itself. Raises ValueError for a share outside
    (0, 1].
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"The audit share is {share}; it takes more than 0 and at most 1.")
    reach = min(1.0, labels_a_day / items_a_day) if items_a_day > 0 else 1.0
    return max(share * reach, LOWEST_RATE)


def backlog_limit(*, share: float, labels_a_day: float) -> float:
    """How many drawn items may wait: what people can label of the audit in the horizon."""
    return share * labels_a_day * HORIZON_DAYS


def thinning_factor(waiting: int, limit: float) -> float:
    """The factor by which the probabilities of waiting items are multiplied; 1 = the backlog is left as it is.

    A backlog is cut to its limit where it is more than `SLACK` times as long, so that it is not thinned at every look.
    """
    return limit / waiting if waiting > SLACK * limit and waiting > 0 else 1.0


def threshold_for(numbers: Floats, count: int, *, most: float) -> float:
    """The probability at which `count` of these items are drawn. numbers (m,) are the smallest u, ascending.

    It is the number of the first item that is not drawn, so it does not depend on the own number of any drawn one:
    given the others, each of them is drawn with exactly this probability (Duffield, Lund and Thorup, "Priority
    sampling for estimation of arbitrary subset sums", 2007). Where there are no more than `count` items, and wherever
    it would be higher, it is `most`.
    """
    if count < 1:
        return 0.0
    return float(min(numbers[count], most)) if len(numbers) > count else most
