"""Checks of array arguments: shapes, types, ranges and finiteness. Messages name the argument and the first bad row."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from validation.errors import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# No item may stand for more than a billion: sums of squared weights stay far from overflow.
RAREST = 1e-9
LARGEST = 1e100


def vector(name: str, values: ArrayLike, n: int | None = None) -> Floats:
    """Finite floats of shape (n,)."""
    found: Floats = np.asarray(_numbers(name, values), dtype=np.float64)
    _shape(name, found, n)
    finite = np.isfinite(found)
    if not finite.all():
        row = int(np.argmin(finite))
        raise InvalidInput(f"{name} has {found[row]} in row {row}; every value must be a finite number.", row)
    if found.size and np.abs(found).max() > LARGEST:
        row = int(np.abs(found).argmax())
        raise InvalidInput(f"{name} has {found[row]:g} in row {row}, too large to be added up.", row)
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
            raise InvalidInput(f"{name} has {found[row]} in row {row}; it must be true or false.", row)
    return found.astype(np.bool_)


def codes(name: str, values: ArrayLike, k: int | None = None, n: int | None = None) -> Ints:
    """Class codes 0..k-1 of shape (n,); without `k` any codes from 0."""
    found = np.asarray(_numbers(name, values))
    _shape(name, found, n)
    if found.size and not np.issubdtype(found.dtype, np.integer):
        raise InvalidInput(f"{name} must hold whole numbers, the codes of the classes; it holds {found.dtype}.")
    found = found.astype(np.int64, copy=False)
    if found.size and (found.min() < 0 or (k is not None and found.max() >= k)):
        row = int(np.argmax((found < 0) | (found >= (np.inf if k is None else k))))
        known = "classes are numbered from 0" if k is None else f"the {k} classes are numbered 0 to {k - 1}"
        raise InvalidInput(f"{name} has class {found[row]} in row {row}; {known}.", row)
    return found


def cost_table(values: ArrayLike, k: int | None = None, *, least: float = -np.inf) -> Floats:
    """Costs (k, k) of decisions, a row per true class and a column per decision, each at least `least`."""
    table = numbers("costs", values)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or k not in (None, len(table)):
        raise InvalidInput(
            "costs must be a square table: a row per true class, a column per decision"
            f"{f', {k} of each' if k else ''}; its shape is {table.shape}."
        )
    if not np.isfinite(table).all() or (table < least).any():
        raise InvalidInput(f"costs must be finite{' and not negative' if least == 0 else ''}.")
    if table.size and np.abs(table).max() > LARGEST:
        raise InvalidInput(f"costs holds a price beyond {LARGEST:g}, too large to be added up.")
    return table


def weights(values: ArrayLike | None, n: int) -> Floats:
    """Sample weights of shape (n,): finite, none below 0, not all 0; ones where none are given."""
    if values is None:
        return np.ones(n)
    found = vector("weights", values, n)
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise InvalidInput(f"weights has {found[row]:g} in row {row}; a weight must not be negative.", row)
    if n and not found.sum() > 0:
        raise InvalidInput("weights are all zero: no row would count.")
    return found


def groups_of(values: ArrayLike | None, n: int) -> Ints | None:
    """Numbers (n,) of the groups that rows with equal or near-equal inputs share; None where no row has a copy."""
    if values is None:
        return None
    given = np.asarray(values)
    _shape("groups", given, n)
    try:
        names, group = np.unique(given, return_inverse=True)
    except TypeError as error:
        raise InvalidInput(f"groups must hold values of one type: {error}.") from error
    return None if names.size == n else group.astype(np.int64)


def same_length(n: int, **arrays: Sequence[Any] | NDArray[Any]) -> None:
    """Refuse arrays that have not n rows."""
    for name, array in arrays.items():
        if len(array) != n:
            raise InvalidInput(f"{name} has {len(array)} rows where {n} are needed.")


def inclusion(values: ArrayLike, n: int) -> Floats:
    """Inclusion probabilities of shape (n,), each above 0 and at most 1."""
    found = vector("inclusion_probability", values, n)
    if found.size and (found.min() < RAREST or found.max() > 1):
        row = int(np.argmax((found < RAREST) | (found > 1)))
        raise InvalidInput(
            f"inclusion_probability has {found[row]:g} in row {row}; an item that was labelled was chosen "
            f"with a probability above 0 (at least {RAREST:g}) and at most 1.",
            row,
        )
    return found


def unit_interval(name: str, values: Floats) -> Floats:
    """The same values (n,) or (n, k), refused when one is outside 0 to 1 or not a number."""
    # min and max are NaN as soon as one value is: one pass answers for all three faults.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        row = int(np.argwhere(~((values >= 0) & (values <= 1)))[0][0])
        raise InvalidInput(f"{name} has {values[row]} in row {row}; it must lie between 0 and 1.", row)
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
    try:
        found = np.asarray(values)
    except ValueError as error:  # rows of several lengths
        raise InvalidInput(f"{name} must hold numbers in rows of one length: {error}.") from None
    if found.dtype.kind not in "biuf" and found.size:
        raise InvalidInput(f"{name} must hold numbers; it holds {found.dtype}.")
    return found if found.size else found.astype(np.int64)


def _shape(name: str, found: NDArray[Any], n: int | None) -> None:
    if found.ndim != 1:
        raise InvalidInput(f"{name} has shape {found.shape}; one value per row is needed.")
    if n is not None and found.shape[0] != n:
        raise InvalidInput(f"{name} has {found.shape[0]} rows where {n} are needed.")
