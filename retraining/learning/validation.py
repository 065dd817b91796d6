"""Validation of array arguments of `learning`: shapes, ranges and finiteness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.metrics.core.validation import InvalidInput, groups

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

ROW_SUM_TOLERANCE = 1e-6
LARGEST = 1e100  # its square is still in range


class BadInput(ValueError):
    """The arrays cannot be what they are said to be; the message says which and how."""


def codes(values: ArrayLike, *, n_classes: int | None = None, name: str = "targets") -> Codes:
    """Integer class codes, shape (n,), each in [0, n_classes)."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise BadInput(f"{name} must be one row of codes, not an array of {array.ndim} dimensions.")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise BadInput(f"{name} must be whole class codes, not {array.dtype}.")
    whole = array.astype(np.int64)
    if whole.size and whole.min() < 0:
        raise BadInput(f"{name} has the code {whole.min()}; codes start at 0.")
    if n_classes is not None and whole.size and whole.max() >= n_classes:
        raise BadInput(f"{name} has the code {whole.max()}, but there are only {n_classes} classes.")
    return whole


def numbers(values: ArrayLike, *, name: str) -> Floats:
    """Floats of any shape, NaN and infinity among them."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} must be numbers in rows of one length: {error}.") from error


def weights(values: ArrayLike | None, *, n: int) -> Floats:
    """Sample weights, shape (n,), finite, not negative, not all zero; ones when none are given."""
    if values is None:
        return np.ones(n)
    array = numbers(values, name="weights")
    if array.ndim != 1:
        raise BadInput(f"weights must be one row of numbers, not an array of {array.ndim} dimensions.")
    same_length(n, weights=array)
    if not np.isfinite(array).all():
        raise BadInput("weights must be finite.")
    if (array < 0).any():
        raise BadInput("weights must not be negative.")
    if (array > LARGEST).any():
        raise BadInput(f"weights must be at most {LARGEST:g}, or they cannot be added up.")
    if n and not array.sum() > 0:
        raise BadInput("weights are all zero: nothing would be learnt.")
    return array


def probabilities(values: ArrayLike, *, n_classes: int | None = None, name: str = "probabilities") -> Floats:
    """Class probabilities, shape (n, k): finite, in [0, 1], each row summing to 1 within 1e-6."""
    array = numbers(values, name=name)
    if array.ndim != 2:
        raise BadInput(f"{name} must have a row per item and a column per class.")
    if n_classes is not None and array.shape[1] != n_classes:
        raise BadInput(f"{name} has {array.shape[1]} columns, but there are {n_classes} classes.")
    if not np.isfinite(array).all():
        raise BadInput(f"{name} must be finite: row {_first_bad(~np.isfinite(array).all(axis=1))} is not.")
    if (array < -ROW_SUM_TOLERANCE).any() or (array > 1 + ROW_SUM_TOLERANCE).any():
        raise BadInput(f"{name} must lie between 0 and 1.")
    off = np.abs(array.sum(axis=1) - 1.0)
    if array.size and off.max() > ROW_SUM_TOLERANCE:
        raise BadInput(f"Row {int(off.argmax())} of {name} sums to {array[off.argmax()].sum():.6g}, not 1.")
    return np.clip(array, 0.0, 1.0)


def groups_of(values: ArrayLike | None, *, n: int) -> Codes | None:
    """Numbers (n,) of the groups that rows with equal or near-equal inputs share; None where no row has a copy."""
    try:
        return groups(values, n)
    except InvalidInput as error:
        raise BadInput(str(error)) from None


def same_length(n: int, **arrays: Sequence[Any] | NDArray[Any]) -> None:
    for name, array in arrays.items():
        if len(array) != n:
            raise BadInput(f"{name} has {len(array)} rows where {n} are needed.")


def _first_bad(bad: ArrayLike) -> int:
    return int(np.flatnonzero(bad)[0])
