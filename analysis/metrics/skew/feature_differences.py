"""How often, and by how much, features differ between training and serving, field by field."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.weighted import Estimate, proportion
from inputs.values import is_missing
from validation import InvalidInput
from validation.json_values import is_finite_number

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Numbers are equal within a millionth of the larger one, as one that was stored in 32 bits is, or within 1e-9."""


@dataclass(frozen=True)
class FeatureDifference:
    """One feature over the pairs that were compared.

    rate: share of pairs that differ, with its 95 % interval. missing_serving, missing_training: pairs of which only
    this side lacks the value; they are among those that differ. mean_difference: mean of |serving - training| over the
    pairs of two numbers, None where there is none; relative_difference: the same over the mean of |training|. places:
    indices of the pairs that differ.
    """

    name: str
    rate: Estimate
    missing_serving: int
    missing_training: int
    numbers: int
    mean_difference: float | None
    relative_difference: float | None
    places: list[int]


def feature_differences(
    serving: Sequence[Mapping[str, Any]],
    training: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    groups: ArrayLike | None = None,
) -> list[FeatureDifference]:
    """Compare n pairs of rows in each named feature; an absent name is a missing value.

    groups (n,): pairs of one entity share a number and are not independent of each other. Raises InvalidInput for
    unequal lengths.
    """
    if len(serving) != len(training):
        raise InvalidInput("serving and training take one row for each pair.")
    return [_difference(name, serving, training, groups) for name in names]


def _difference(
    name: str, serving: Sequence[Mapping[str, Any]], training: Sequence[Mapping[str, Any]], groups: ArrayLike | None
) -> FeatureDifference:
    pairs = [(one.get(name), other.get(name)) for one, other in zip(serving, training, strict=True)]
    unlike = np.array([differ(*pair) for pair in pairs], dtype=bool)
    gaps = [(is_missing(one), is_missing(other)) for one, other in pairs]
    numbers = np.array([pair for pair in pairs if all(map(is_finite_number, pair))], dtype=np.float64).reshape(-1, 2)
    mean = float(np.abs(numbers[:, 0] - numbers[:, 1]).mean()) if len(numbers) else None
    scale = float(np.abs(numbers[:, 1]).mean()) if len(numbers) else 0.0
    return FeatureDifference(
        name=name,
        rate=proportion(unlike, np.ones(len(pairs)), groups=groups),
        missing_serving=sum(one and not other for one, other in gaps),
        missing_training=sum(other and not one for one, other in gaps),
        numbers=len(numbers),
        mean_difference=mean,
        relative_difference=None if mean is None or scale == 0 else mean / scale,
        places=np.flatnonzero(unlike).tolist(),
    )


def differ(one: Any, other: Any) -> bool:
    """Whether two values of a feature differ; two that are missing do not."""
    if is_missing(one) or is_missing(other):
        return is_missing(one) != is_missing(other)
    if is_finite_number(one) and is_finite_number(other):
        return not math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) != len(other) or any(map(differ, one, other))
    return type(one) is not type(other) or bool(one != other)
