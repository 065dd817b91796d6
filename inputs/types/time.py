"""Time: a moment, in UTC."""

import re
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from inputs.columns import Values
from inputs.images import PixelBudget
from inputs.types.base import (
    Column,
    EncoderSettings,
    Features,
    InputType,
    InvalidValue,
    Likeness,
    Purpose,
    Rule,
    Shape,
    shortened,
)
from inputs.types.number import NormalScores, filled, held_in, scaled
from inputs.values import InvalidColumns, is_missing

DAY = 86_400.0  # seconds
PARTS = ("days", "day_sine", "day_cosine", "week_sine", "week_cosine")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
EARLIEST, LATEST = 1600, 9000  # years

Floats = NDArray[np.float64]


class Time(InputType):
    """A moment, encoded as days since 1970 and as its place in the day and in the week.

    That time passes is no change of the inputs: distances between rows and comparisons of two windows use the places
    in the day and the week alone.
    """

    name = "time"
    features = Features.VALUES
    likeness: ClassVar[Likeness] = Likeness.IGNORED

    def example(self, rule: Rule) -> Any:
        return "2026-11-27T14:05:00Z"

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> str:
        moment = parse_time(value)
        if moment is None:
            raise InvalidValue(f"`{name}` is {shortened(value)}; a time such as 2026-11-23T14:00:00Z is expected.")
        return moment.isoformat().replace("+00:00", "Z")

    def part_names(self, name: str, shape: Shape | None) -> list[str]:
        return [f"time:{name}:{part}" for part in PARTS]

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        days = seconds(name, values) / DAY
        day, week = 2 * np.pi * days, 2 * np.pi * (days - 4) / 7  # 1970 began on a Thursday, weeks on Monday
        found = (days, np.sin(day), np.cos(day), np.sin(week), np.cos(week))
        return dict(zip(self.part_names(name, shape), found, strict=True))

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR:
                return scaled()
            case Purpose.TREES:
                return filled()
            case Purpose.VECTORS:
                return Pipeline([("places", FunctionTransformer(_places)), ("scores", NormalScores())])
            case Purpose.DOMAIN:
                return FunctionTransformer(_places)
            case Purpose.LABEL_ERRORS:
                return held_in()
        return super().encoder(purpose, settings)

    def format(self, value: Any) -> str:
        moment = parse_time(value)
        return str(value) if moment is None else f"{moment:%-d %b %Y %H:%M} UTC"

    def search_text(self, value: Any) -> str:
        return f"{value} {self.format(value)}"


def parse_time(value: Any) -> datetime | None:
    """The moment of an ISO 8601 time with its zone, or of a date at midnight UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(f"{value}T00:00:00Z" if DATE.fullmatch(value) else value)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and EARLIEST <= moment.year <= LATEST else None


def seconds(name: str, values: Values) -> Floats:
    """Seconds since 1970 UTC (n,), NaN where missing; values are texts, datetime64, or times to pandas."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        since = (values - np.datetime64(0, "s")) / np.timedelta64(1, "s")
        return np.asarray(since, dtype=np.float64)  # NaT becomes NaN
    gaps = np.array([is_missing(value) for value in values], dtype=bool)
    present = pd.Series([None if gap else value for gap, value in zip(gaps, values, strict=True)], dtype=object)
    try:
        moments = pd.to_datetime(present, utc=True, format="ISO8601")
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidColumns(f"Input {name!r} should hold times: {error}.") from error
    found = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.asarray(found.to_numpy(dtype=np.float64))


def _places(parts: Any) -> Floats:
    """The parts that come round again."""
    return np.asarray(parts, dtype=np.float64)[:, 1:]
