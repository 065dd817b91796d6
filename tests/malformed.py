"""Arguments malformed in every usual way, for tests of what functions of arrays say to them."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

NUMBERS = (np.nan, np.inf, -np.inf, -1.0, 0.5, 2.0, 1e300, 1e-320)


def answers(function: Callable[..., Any], *given: Any) -> Iterator[tuple[str, Any]]:
    """What the function answers to its arguments, and with one of them malformed; refusals are in words."""
    yield "as given", function(*given)
    for place, argument in enumerate(given):
        for changed in malformed(argument):
            try:
                found = function(*given[:place], changed, *given[place + 1 :])
            except ValueError as error:
                words = str(error)
                if len(words) < 15 or "operands" in words or "zero-size" in words or "could not broadcast" in words:
                    raise AssertionError(f"argument {place} as {changed!r} is refused by accident") from error
                continue
            yield f"argument {place} as {changed!r}", found


def malformed(given: Any) -> Iterator[np.ndarray]:
    """The same argument made empty, short, constant, of another shape or type, or with one number that cannot be."""
    rows = np.asarray(given)
    yield from (rows[:0], rows[:1], rows[:-1], np.repeat(rows[:1], len(rows), axis=0), rows.reshape(len(rows), -1, 1))
    yield from (np.array(["x"] * len(rows)), np.array([None] * len(rows), dtype=object), np.zeros(rows.shape))
    if rows.dtype.kind in "if":
        yield np.full(rows.shape, np.nan)
        for number in NUMBERS:
            changed = rows.astype(np.float64)
            changed.flat[min(3, changed.size - 1)] = number
            yield changed


def not_finite(found: Any, path: str = "") -> list[str]:
    """Where in an answer a number is NaN or infinite."""
    if dataclasses.is_dataclass(found):
        parts = [(f"{path}.{field.name}", getattr(found, field.name)) for field in dataclasses.fields(found)]
    elif isinstance(found, dict):
        parts = [(f"{path}[{key}]", value) for key, value in found.items()]
    elif isinstance(found, list | tuple):
        parts = [(f"{path}[{place}]", value) for place, value in enumerate(found)]
    else:
        floats = isinstance(found, float) or (isinstance(found, np.ndarray) and found.dtype.kind == "f")
        return [path] if floats and not np.isfinite(found).all() else []
    return [where for name, value in parts for where in not_finite(value, name)]
