"""Vector: a list of numbers that the caller computed, such as an embedding."""

from collections import Counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from inputs.columns import Values
from inputs.images import PixelBudget
from inputs.types.base import (
    BrokenRule,
    Column,
    EncoderSettings,
    Features,
    InputType,
    InvalidValue,
    Likeness,
    Purpose,
    Rule,
    Shape,
    Transformer,
    shortened,
)
from inputs.values import InvalidColumns, is_missing
from validation.json_values import is_finite_number, quote

MOST_DIMENSIONS = 4096
VAST = 1e15  # its square can be added up in 32 bits
TOPICS = 20

Floats = NDArray[np.floating]


class Vector(InputType):
    """A list of numbers, compared by its direction; a missing one has the length 0."""

    name = "vector"
    features = Features.VECTOR
    likeness: ClassVar[Likeness] = Likeness.DIRECTION
    options: ClassVar[tuple[str, ...]] = ("dimensions",)

    def check_options(self, name: str, rule: Rule) -> None:
        super().check_options(name, rule)
        size = rule.get("dimensions", 1)
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MOST_DIMENSIONS:
            raise InvalidValue(f"Input {quote(name)}: dimensions takes a whole number from 1 to {MOST_DIMENSIONS:,}.")

    def example(self, rule: Rule) -> Any:
        return [1.0] * rule.get("dimensions", 2)

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> list[float]:
        if not isinstance(value, list):
            raise InvalidValue(f"`{name}` is {shortened(value)}; a list of numbers is expected.")
        expected = rule.get("dimensions")
        if expected is not None and len(value) != expected:
            raise InvalidValue(f"`{name}` has {len(value):,} numbers; {expected:,} are expected.", BrokenRule.LENGTH)
        if not 1 <= len(value) <= MOST_DIMENSIONS:
            raise InvalidValue(
                f"`{name}` has {len(value):,} numbers; 1 to {MOST_DIMENSIONS:,} are taken.", BrokenRule.LENGTH
            )
        for place, number in enumerate(value):
            if not is_finite_number(number) or abs(number) > VAST:
                raise InvalidValue(f"`{name}`: number {place + 1} is {shortened(number)}; it must lie within ±1e15.")
        return value

    def shape(self, values: Values, largest_side: int) -> Shape | None:
        """One row of as many columns as most of the vectors have numbers."""
        lengths = Counter(len(value) for value in values if not is_missing(value))
        return (1, max(lengths, key=lambda length: (lengths[length], length))) if lengths else None

    def part_names(self, name: str, shape: Shape | None) -> list[str]:
        _, width = shape or (1, 1)
        return [f"vector:{name}:{i}" for i in range(width)]

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        """The numbers of each place; a vector of another length than `shape` says counts as missing."""
        _, width = shape or (1, 1)
        matrix = as_matrix(name, values, width)
        return {part: matrix[:, i] for i, part in enumerate(self.part_names(name, shape))}

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR | Purpose.LABEL_ERRORS:
                return directions()
            case Purpose.TREES:
                return None
            case Purpose.VECTORS:
                return Pipeline([*directions().steps, ("narrow", FunctionTransformer(_narrow))])
            case Purpose.DOMAIN:
                return Pipeline([*directions().steps, ("summary", VectorTopics())])
        return super().encoder(purpose, settings)

    def format(self, value: Any) -> str:
        return f"{len(value):,} numbers" if isinstance(value, list) else super().format(value)


def as_matrix(name: str, values: Values, width: int) -> NDArray[np.float32]:
    """Vectors as rows (n, width), NaN where one is missing or of another length. Raises InvalidColumns."""
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == width and values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    found = np.full((len(values), width), np.nan, dtype=np.float32)
    for row, value in enumerate(values):
        if is_missing(value):
            continue
        try:
            numbers = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            numbers = np.zeros((0, 0))
        if numbers.ndim != 1 or not np.isfinite(numbers).all():
            raise InvalidColumns(f"Input {name!r}, row {row}: a vector must be a list of finite numbers.", row)
        if len(numbers) == width:
            found[row] = np.clip(numbers, -VAST, VAST)
    return found


def directions() -> Pipeline:
    """Unit rows, and zeros for missing vectors: scikit-learn's own classes, so that artifacts may hold them."""
    fill = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return Pipeline([("fill", fill), ("unit", Normalizer())])


def _narrow(rows: Floats) -> NDArray[np.float32]:
    return np.asarray(rows, dtype=np.float32)


class VectorTopics(Transformer):
    """The first principal components of unit rows, at most TOPICS."""

    def fit(self, given: Any, y: Any = None) -> "VectorTopics":
        rows = np.asarray(given, dtype=np.float64)
        self.reduced_: PCA | None = None
        if np.ptp(rows, axis=0).any():  # rows that are all alike have no direction to keep
            self.reduced_ = PCA(min(TOPICS, *rows.shape), random_state=0).fit(rows)
        return self

    def transform(self, given: Any) -> Floats:
        rows = np.asarray(given, dtype=np.float64)
        return np.zeros((len(rows), 1)) if self.reduced_ is None else np.asarray(self.reduced_.transform(rows))
