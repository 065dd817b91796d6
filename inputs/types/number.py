"""Number: a finite quantity, possibly within limits."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from inputs.columns import Values, as_numbers
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
from validation.json_values import is_finite_number, quote

VAST = 1e30  # trees hold numbers in 32 bits, and scaling squares them
TINY = 1e-100  # the square of a smaller fraction leaves the range of floats
FAR = 1e6  # standard deviations: no distance beyond this says more

Floats = NDArray[np.float64]


class Number(InputType):
    """A finite quantity; missing ones are filled with the median and marked."""

    name = "number"
    features = Features.VALUES
    likeness: ClassVar[Likeness] = Likeness.NUMBER
    options = ("min", "max")

    def check_options(self, name: str, rule: Rule) -> None:
        super().check_options(name, rule)
        for end in ("min", "max"):
            if end in rule and not is_finite_number(rule[end]):
                raise InvalidValue(f"Input {quote(name)}: {end} takes a number.")
        if "min" in rule and "max" in rule and rule["min"] > rule["max"]:
            raise InvalidValue(f"Input {quote(name)}: min is {rule['min']}, more than max, which is {rule['max']}.")

    def example(self, rule: Rule) -> Any:
        return rule["min"] if "min" in rule else min(1, rule.get("max", 1))

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> float | int:
        if type(value) is float and -1e300 < value < 1e300 and "min" not in rule and "max" not in rule:
            return value  # as the checks below say of it; of a batch this is most of its values
        if not is_finite_number(value):
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            takes = "finite number" if is_number else "number with a point"
            raise InvalidValue(f"`{name}` is {shortened(value)}; a {takes} is expected.")
        if "min" in rule and value < rule["min"]:
            raise InvalidValue(f"`{name}` is {value}; it is at least {rule['min']}.", BrokenRule.MINIMUM)
        if "max" in rule and value > rule["max"]:
            raise InvalidValue(f"`{name}` is {value}; it is at most {rule['max']}.", BrokenRule.MAXIMUM)
        return value  # type: ignore[no-any-return]  # a number, as is_finite_number says

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        return {f"{self.name}:{name}": numbers(name, values)}

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR:
                return scaled()
            case Purpose.TREES:
                return filled()
            case Purpose.VECTORS:
                return NormalScores()
            case Purpose.DOMAIN:
                return FunctionTransformer()  # its trees take missing numbers, and any scale
            case Purpose.LABEL_ERRORS:
                return held_in()
        return super().encoder(purpose, settings)


def numbers(name: str, values: Values) -> Floats:
    """Floats (n,), NaN where missing; those beyond 1e30 become 1e30. Raises InvalidColumns."""
    column = as_numbers(values, name)
    return np.where(np.abs(column) < TINY, 0.0, np.clip(column, -VAST, VAST))


def filled() -> SimpleImputer:
    """Medians for missing numbers, and a column beside that says so."""
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def scaled() -> Pipeline:
    return Pipeline([("fill", filled()), ("scale", StandardScaler())])


def held_in() -> Pipeline:
    """Scaled and kept within a million standard deviations: training rows that are nearly alike make any other row
    huge, up to beyond what trees can hold."""
    return Pipeline([*scaled().steps, ("hold", FunctionTransformer(_clipped))])


def _clipped(values: Floats) -> Floats:
    return np.clip(values, -FAR, FAR)


class NormalScores(Transformer):
    """Normal scores of the ranks among the fitted rows, which no outlier or unit can stretch.

    Missing ones have the score 0 and a column beside that marks them.
    """

    def fit(self, given: Any, y: Any = None) -> "NormalScores":
        columns = np.asarray(given, dtype=np.float64).reshape(len(given), -1)
        self.fitted_ = [np.sort(column[~np.isnan(column)]) for column in columns.T]
        self.marked_ = [bool(np.isnan(column).any()) for column in columns.T]
        return self

    def transform(self, given: Any) -> NDArray[np.float32]:
        columns = np.asarray(given, dtype=np.float64).reshape(len(given), -1).T
        parts: list[Floats] = []
        for column, fitted, marked in zip(columns, self.fitted_, self.marked_, strict=True):
            present = ~np.isnan(column)
            scores = np.zeros(len(column))
            if len(fitted):
                scores[present] = norm.ppf(_share_below(fitted, column[present]))
            parts += [scores, (~present) * 1.0] if marked else [scores]
        return np.column_stack(parts).astype(np.float32)


def _share_below(fitted: Floats, values: Floats) -> Floats:
    """Mid-rank of each value among the fitted ones as a share, kept off 0 and 1 by half a row."""
    n = len(fitted)
    rank = (np.searchsorted(fitted, values, "left") + np.searchsorted(fitted, values, "right")) / 2
    return np.clip(rank, 0.5, n - 0.5) / n
