"""What is worth trying on an input contract: few candidates, quickest and safest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inputs.encoding import feature_kinds
from inputs.types.base import Features
from retraining.learning.validation import Floats

Config = dict[str, Any]

MANY_CLASSES = 30  # boosting grows a tree per class and round: beyond this it is all cost
RARE = 4.0  # times rarer than the commonest class: class weights become worth a try
MANY_SUMS = 20_000  # rows times classes from which the stochastic solver is worth its roughness, on sparse texts
FEW, SOME, MANY = 30, 1000, 20_000  # rows from which forests, from which large trees, up to which forests


def for_contract(types: Mapping[str, str], targets: Floats, *, common: Config) -> list[list[Config]]:
    """Groups of plain configs in the order in which they are tried; a group shares its features.

    targets: (n, k) weights of each row for each class. `common` (seed, image sizes, inputs left out) is in each.
    """
    kinds = feature_kinds(types)
    n, k = targets.shape
    if not kinds:
        groups: list[list[Config]] = [[{"family": "naive"}]]
    elif kinds == {Features.TERMS}:
        groups = [[{"family": "bayes", "alpha": 0.03}, *_linear([30.0, 3.0], kinds, targets)]]
    else:
        groups = [_linear([1.0, 0.1], kinds, targets), _svm(kinds), _trees(kinds, n, k)]
    return [[{**config, **common} for config in group] for group in groups if group]


def _linear(strengths: list[float], kinds: set[Features], targets: Floats) -> list[Config]:
    """Each strength, and the first again with balanced class weights where the rarest class is rare."""
    n, k = targets.shape
    solver = "saga" if Features.TERMS in kinds and n * k > MANY_SUMS else "lbfgs"
    configs: list[Config] = [{"family": "linear", "C": strength, "solver": solver} for strength in strengths]
    totals = targets.sum(axis=0)
    if totals.max() > RARE * totals.min():
        configs.append({**configs[0], "class_weight": "balanced"})
    return configs


def _svm(kinds: set[Features]) -> list[Config]:
    return [{"family": "svm", "C": 10.0}] if Features.PIXELS in kinds and Features.TERMS not in kinds else []


def _trees(kinds: set[Features], n: int, k: int) -> list[Config]:
    """Forests do best on few rows, small trees on some, large ones on many: each is tried where it may win."""
    if Features.VALUES not in kinds or n < FEW or k > MANY_CLASSES:
        return []
    configs: list[Config] = [{"family": "tree", "leaves": 6, "smallest_leaf": 5, "learning_rate": 0.05}]
    if n >= SOME:
        configs.append({"family": "tree", "leaves": 31, "smallest_leaf": 20, "learning_rate": 0.1})
    if n < MANY:
        configs.append({"family": "forest", "smallest_leaf": 3})
    return configs
