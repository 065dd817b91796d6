"""Category: one of several levels, each a short text."""

import math
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from inputs.columns import Values, as_texts
from inputs.images import PixelBudget
from inputs.types.base import (
    BrokenRule,
    Column,
    EncoderSettings,
    Features,
    InputType,
    InvalidValue,
    Purpose,
    Rule,
    Shape,
    Transformer,
    checked_text,
    shortened,
)
from inputs.values import MISSING
from validation.json_values import quote

LONGEST = 1000
MOST_LEVELS = 50  # of one column; the rarer ones share a place
RANKED_LEVELS = 60
FEWEST_RANKED = 10  # rows of a level that has a rank

Floats = NDArray[np.floating]


class Category(InputType):
    """One of several levels, encoded one-hot; missing is a level."""

    name = "category"
    features = Features.VALUES
    options: ClassVar[tuple[str, ...]] = ("values",)

    def check_options(self, name: str, rule: Rule) -> None:
        super().check_options(name, rule)
        values = rule.get("values", [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise InvalidValue(f"Input {quote(name)}: values takes a list of texts.")

    def example(self, rule: Rule) -> Any:
        return (rule.get("values") or ["a"])[0]

    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> Any:
        if not isinstance(value, str) or len(value) > LONGEST:
            raise InvalidValue(f"`{name}` is {shortened(value)}; a text of at most {LONGEST:,} characters is expected.")
        if rule.get("values") and value not in rule["values"]:
            taken = ", ".join(map(str, rule["values"][:20]))
            raise InvalidValue(f"`{name}` is {shortened(value)}; it takes {taken}.", BrokenRule.VALUES)
        return checked_text(name, value, longest=LONGEST)

    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        return {f"{self.name}:{name}": as_texts(values, MISSING)}

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        match purpose:
            case Purpose.LINEAR:
                return OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS)
            case Purpose.TREES:
                # The boosted trees' own handling of categories hides a functools.partial in the model, which no
                # allow-list should have to name.
                return OneHotEncoder(
                    handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS, sparse_output=False
                )
            case Purpose.VECTORS:
                return _unit_apart()
            case Purpose.DOMAIN:
                return FrequencyRank()
            case Purpose.LABEL_ERRORS:
                return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2, sparse_output=False)
        return super().encoder(purpose, settings)


def _unit_apart() -> Pipeline:
    """One-hot, scaled so that two rows of different levels lie one unit apart; the rare ones share a level."""
    levels = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS + 1, sparse_output=False, dtype=np.float32
    )
    return Pipeline([("levels", levels), ("scale", FunctionTransformer(_halved))])


def _halved(one_hot: Floats) -> Floats:
    return np.asarray(one_hot / np.float32(math.sqrt(2)))


class FrequencyRank(Transformer):
    """Rank of each level by its frequency in the fitted rows, new and rare levels last.

    The order of the rows decides nothing: which of the levels that occur once come first would tell where a row stands.
    """

    def fit(self, given: Any, y: Any = None) -> "FrequencyRank":
        counts = pd.Series(np.ravel(given)).value_counts().sort_index().sort_values(ascending=False, kind="stable")
        self.levels_ = counts.index[counts.to_numpy() >= FEWEST_RANKED][:RANKED_LEVELS]
        return self

    def transform(self, given: Any) -> Floats:
        place = self.levels_.get_indexer(pd.Index(np.ravel(given))).astype(float)
        return np.where(place < 0, float(len(self.levels_)), place)[:, None]
