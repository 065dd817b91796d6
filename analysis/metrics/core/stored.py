"""Estimates as they are stored and sent: plain numbers that JSON can hold."""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from msgspec import Struct


class HasInterval(Protocol):
    """A value with the ends of its interval, over n rows."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def n(self) -> int: ...


class StoredEstimate(Struct, frozen=True):
    """A value with its 95 % interval over n rows; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class StoredBand(Struct, frozen=True):
    """Values along a curve with the ends of their intervals."""

    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


def stored_estimate(found: HasInterval) -> StoredEstimate:
    return StoredEstimate(finite(found.value), finite(found.low), finite(found.high), int(found.n))


def stored_band(found: Any) -> StoredBand:
    return StoredBand(finite_list(found.value), finite_list(found.low), finite_list(found.high))


def finite(value: Any) -> float | None:
    """A float, None where it is not finite: JSON has no NaN."""
    return None if value is None or not np.isfinite(value) else float(value)


def finite_list(values: Iterable[Any]) -> list[float | None]:
    return [finite(value) for value in values]
