"""Point-in-time join: of each key the row that was known at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation import InvalidInput


def as_of(keys: Sequence[str], times: ArrayLike, row_keys: Sequence[str], row_times: ArrayLike) -> NDArray[np.int64]:
    """Index (n,) of the latest row of the same key that is not later than the time asked for; -1 where there is none.

    keys, times (n,) and row_keys, row_times (m,): texts, and finite numbers such as seconds. Of rows of one key and
    time the last one counts. O((n + m) log(n + m)). Raises InvalidInput for unequal lengths and times that are not
    finite.
    """
    asked, known = np.asarray(times, dtype=np.float64), np.asarray(row_times, dtype=np.float64)
    if asked.shape != (len(keys),) or known.shape != (len(row_keys),):
        raise InvalidInput("keys and times take one entry for each row.")
    if not (np.isfinite(asked).all() and np.isfinite(known).all()):
        raise InvalidInput("times take finite numbers.")
    if not len(keys) or not len(row_keys):
        return np.full(len(keys), -1, dtype=np.int64)
    codes = np.unique(np.array([*row_keys, *keys], dtype=object), return_inverse=True)[1]
    is_asked = np.arange(len(codes)) >= len(row_keys)
    order = np.lexsort((is_asked, np.concatenate([known, asked]), codes))  # stable: later rows of the file come later
    place = np.arange(len(order))
    newest = np.maximum.accumulate(np.where(is_asked[order], -1, place))
    found = np.where(newest >= 0, order[newest], -1)
    found = np.where((newest >= 0) & (codes[found] == codes[order]), found, -1)
    result = np.empty(len(order), dtype=np.int64)
    result[order] = found
    return result[len(row_keys) :]
