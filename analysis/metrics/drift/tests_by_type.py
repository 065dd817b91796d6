"""The drift test of each input type, and that of vectors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.decomposition import PCA

from analysis.metrics.drift.column_tests import (
    MIN_ROWS,
    SCALED_WASSERSTEIN,
    ColumnTest,
    category_test,
    number_p,
    number_test,
    text_test,
    time_test,
    undefined,
)
from inputs.types.vector import Vector, as_matrix
from inputs.values import InvalidColumns

Floats = npt.NDArray[np.float64]

COMPONENTS = 10


def vector_test(reference: npt.ArrayLike, current: npt.ArrayLike, *, name: str = "column") -> ColumnTest:
    """Directions of vectors: the first ten principal components of both sides together, each by `number_p`.

    The components are learnt without knowing which side a row is of, so each p is that of two equal samples where
    nothing changed; they are combined by Simes' rule. Effect: Wasserstein distance, in the reference's standard
    deviations, of the component that moved most. Undefined under 30 present vectors a side.
    """
    before, now = _unit_rows(np.asarray(reference), np.asarray(current), name)
    n, m = len(before), len(now)
    if min(n, m) < MIN_ROWS:
        return undefined(
            n, m, SCALED_WASSERSTEIN, f"{name}: undefined, {min(n, m)} vectors where {MIN_ROWS} are needed"
        )
    both = np.vstack([before, now])
    if not np.ptp(both, axis=0).any():
        return undefined(n, m, SCALED_WASSERSTEIN, f"{name}: undefined, always one direction on both sides")
    scores = PCA(min(COMPONENTS, *both.shape), random_state=0).fit_transform(both)
    moved = [_component(scores[:n, column], scores[n:, column]) for column in range(scores.shape[1])]
    p_values = np.sort([p for p, _ in moved])
    p = float(min(1.0, (p_values * len(p_values) / np.arange(1, len(p_values) + 1)).min()))
    top = int(np.argmin([p for p, _ in moved]))
    effect = moved[top][1]
    words = f"{name}: directions moved {effect:.2f} SD along principal component {top + 1}"
    return ColumnTest(p, effect, SCALED_WASSERSTEIN, n, m, words)


def _component(before: Floats, now: Floats) -> tuple[float, float]:
    spread = float(before.std())
    distance = float(stats.wasserstein_distance(before, now))
    return number_p(before, now), distance / spread if spread > 0 else float(distance > 0)


def _unit_rows(before: npt.NDArray[Any], now: npt.NDArray[Any], name: str) -> tuple[Floats, Floats]:
    """The present vectors of both sides, of the length that most of the reference have, as unit rows."""
    shape = Vector().shape(before, 0) or (1, 1)
    sides = [as_matrix(name, side, shape[1]).astype(np.float64) for side in (before, now)]
    present = [side[np.isfinite(side).all(axis=1) & side.any(axis=1)] for side in sides]
    first, second = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in present)
    return first, second


TESTS: dict[str, Callable[..., ColumnTest]] = {
    "number": number_test,
    "category": category_test,
    "boolean": category_test,
    "text": text_test,
    "conversation": text_test,
    "time": time_test,
    "vector": vector_test,
}


def column_test(kind: str, reference: npt.ArrayLike, current: npt.ArrayLike, *, name: str) -> ColumnTest:
    """The test of this input type. Raises InvalidColumns where there is none."""
    if kind not in TESTS:
        raise InvalidColumns(f"{name!r} is of type {kind}, which no drift test takes; those are {', '.join(TESTS)}.")
    return TESTS[kind](reference, current, name=name)
