"""Validation of array arguments of metrics; messages name the row that is wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Scores are stored as 32-bit floats and may have been rounded to three places by whoever sent them.
SUM_TOLERANCE = 2e-3
# No item may stand for more than a billion: sums of squared weights stay far from overflow.
RAREST = 1e-9
LARGEST = 1e100


class InvalidInput(ValueError):
    """A measure was given something it cannot answer for; the message names the argument and the first bad row."""


def vector(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Finite floats of shape (n,)."""
    found: Floats = np.asarray(_numbers(name, values), dtype=np.float64)
    _shape(name, found, n)
    finite = np.isfinite(found)
    if not finite.all():
        row = int(np.argmin(finite))
        raise InvalidInput(f"{name} has {found[row]} in row {row}; every value must be a finite number.")
    if found.size and np.abs(found).max() > LARGEST:
        row = int(np.abs(found).argmax())
        raise InvalidInput(f"{name} has {found[row]:g} in row {row}, too large to be added up.")
    return found


def numbers(name: str, values: ArrayLike) -> Floats:
    """Floats of any shape, NaN and infinity allowed: the caller defines what these mean."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must hold numbers in rows of one length: {error}.") from error


def booleans(name: str, values: ArrayLike, n: int | None = None) -> Bools:
    """Booleans of shape (n,); 0 and 1 are taken as such, anything else is refused."""
    found = np.asarray(_numbers(name, values))
    _shape(name, found, n)
    if found.dtype != np.bool_:
        known = (found == 0) | (found == 1)
        if not known.all():
            row = int(np.argmin(known))
            raise InvalidInput(f"{name} has {found[row]} in row {row}; it must be true or false.")
    return found.astype(np.bool_)


def codes(name: str, values: ArrayLike, k: int, n: int | None = None) -> Ints:
    """Class codes 0..k-1 of shape (n,)."""
    found = np.asarray(_numbers(name, values))
    _shape(name, found, n)
    if found.size and not np.issubdtype(found.dtype, np.integer):
        raise InvalidInput(f"{name} must hold whole numbers, the places of the classes; it holds {found.dtype}.")
    found = found.astype(np.int64, copy=False)
    if found.size and (found.min() < 0 or found.max() >= k):
        row = int(np.argmax((found < 0) | (found >= k)))
        raise InvalidInput(f"{name} has class {found[row]} in row {row}; the {k} classes are numbered 0 to {k - 1}.")
    return found


def groups(values: ArrayLike | None, n: int) -> Ints | None:
    """Numbers (n,) of the groups that copies of an item share, 0 up; None where no item has a copy."""
    if values is None:
        return None
    given = np.asarray(values)
    _shape("groups", given, n)
    try:
        names, group = np.unique(given, return_inverse=True)
    except TypeError as error:
        raise InvalidInput(f"groups must hold values of one type: {error}.") from error
    return None if names.size == n else group.astype(np.int64)


def inclusion(values: ArrayLike, n: int) -> Floats:
    """Inclusion probabilities of shape (n,), each above 0 and at most 1."""
    found = vector("inclusion_probability", values, n)
    if found.size and (found.min() < RAREST or found.max() > 1):
        row = int(np.argmax((found < RAREST) | (found > 1)))
        raise InvalidInput(
            f"inclusion_probability has {found[row]:g} in row {row}; an item that was labelled was chosen "
            f"with a probability above 0 (at least {RAREST:g}) and at most 1."
        )
    return found


def probabilities(values: ArrayLike, n: int, k: int) -> Floats:
    """Rows of shape (n, k) that each sum to 1."""
    found: Floats = np.asarray(_numbers("probabilities", values), dtype=np.float64)
    if found.shape != (n, k):
        raise InvalidInput(f"probabilities has shape {found.shape}; {n} rows of {k} classes need ({n}, {k}).")
    unit_interval("probabilities", found)
    off = found.sum(axis=1) - 1
    if found.size and np.abs(off).max() > SUM_TOLERANCE:
        row = int(np.abs(off).argmax())
        raise InvalidInput(f"probabilities sum to {1 + off[row]:.4g} in row {row}, off by {off[row]:+.2g}.")
    return found


def unit_interval(name: str, values: Floats) -> Floats:
    """The same values (n,) or (n, k), refused when one is outside 0 to 1 or not a number."""
    # min and max are NaN as soon as one value is: one pass answers for all three faults.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        row = int(np.argwhere(~((values >= 0) & (values <= 1)))[0][0])
        raise InvalidInput(f"{name} has {values[row]} in row {row}; it must lie between 0 and 1.")
    return values


def level(value: float) -> float:
    if not 0 < value < 1:
        raise InvalidInput(f"level is {value}; it must lie between 0 and 1, as 0.95 does.")
    return float(value)


def class_names(classes: Sequence[str]) -> tuple[str, ...]:
    names = tuple(classes)
    if not names:
        raise InvalidInput("classes is empty; name at least one class.")
    if len(set(names)) != len(names):
        raise InvalidInput("classes names one class twice.")
    return names


def _numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    found = np.asarray(values)
    if found.dtype.kind not in "biuf" and found.size:
        raise InvalidInput(f"{name} must hold numbers; it holds {found.dtype}.")
    return found if found.size else found.astype(np.int64)


def _shape(name: str, found: NDArray[Any], n: int | None) -> None:
    if found.ndim != 1:
        raise InvalidInput(f"{name} has shape {found.shape}; one value per row is needed.")
    if n is not None and found.shape[0] != n:
        raise InvalidInput(f"{name} has {found.shape[0]} rows where {n} are needed.")
