"""Estimates as they are stored and sent: plain numbers that JSON can hold. Every store, answer and file uses these."""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from msgspec import Struct

OF_WHAT = ("n", "items", "votes")
REMARKS = ("method", "note")


class HasLimits(Protocol):
    """A value with the ends of its interval."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class HasInterval(HasLimits, Protocol):
    """The same over n rows."""

    @property
    def n(self) -> int: ...


class Interval(Struct, frozen=True):
    """An estimate with the ends of its confidence interval; null where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


class StoredEstimate(Interval, frozen=True, omit_defaults=True):
    """A value with its 95 % interval over n rows; None where it is undefined.

    effective_n: rows of a plain uniform sample that carry as much; absent where the estimate does not know it.
    """

    n: int
    effective_n: float | None = None


class StoredBand(Struct, frozen=True):
    """Values along a curve with the ends of their intervals."""

    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


def finite_interval(value: Any, low: Any, high: Any) -> Interval:
    return Interval(finite(value), finite(low), finite(high))


def interval(found: HasLimits) -> Interval:
    return finite_interval(found.value, found.low, found.high)


def plain_interval(found: HasLimits) -> dict[str, Any]:
    """The same as an object of JSON."""
    ends = interval(found)
    return {"value": ends.value, "low": ends.low, "high": ends.high}


def stored_estimate(found: HasInterval) -> StoredEstimate:
    ends = interval(found)
    effective_n = finite(getattr(found, "effective_n", None))
    return StoredEstimate(ends.value, ends.low, ends.high, int(found.n), effective_n)


def described_estimate(found: HasLimits) -> dict[str, Any]:
    """The estimate with all that it says of itself: what it rests on, its method, and a note where it is undefined."""
    described = plain_interval(found) | {name: getattr(found, name) for name in OF_WHAT if hasattr(found, name)}
    if hasattr(found, "effective_n"):
        described["effective_n"] = finite(found.effective_n)
    return described | {name: getattr(found, name) for name in REMARKS if getattr(found, name, "")}


def stored_band(found: Any) -> StoredBand:
    return StoredBand(finite_list(found.value), finite_list(found.low), finite_list(found.high))


def interval_at(band: Any, at: int) -> Interval:
    """One point of a curve."""
    return finite_interval(band.value[at], band.low[at], band.high[at])


def finite(value: Any) -> float | None:
    """A float, None where it is not finite: JSON has no NaN."""
    return None if value is None or not np.isfinite(value) else float(value)


def finite_list(values: Iterable[Any]) -> list[float | None]:
    return [finite(value) for value in values]
