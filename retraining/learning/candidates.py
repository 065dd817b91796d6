"""What is worth trying on an input contract: few candidates, quickest and safest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from retraining.learning.checks import Floats

Config = dict[str, Any]

MANY_CLASSES = 30  # boosting grows a tree per class and round: beyond this it is all cost
RARE = 4.0  # times rarer than the commonest class: class weights become worth a try


def for_contract(types: Mapping[str, str], *, n: int, n_classes: int, common: Config) -> list[Config]:
    """Plain configs in the order in which they are tried; `common` (seed, image sizes) is part of each."""
    kinds = set(types.values())
    if not kinds:
        return [{"family": "naive", **common}]
    tabular = kinds & {"number", "category"}
    tried: list[Config] = [{"family": "linear", "C": 10.0 if "text" in kinds else 1.0}]
    if "image" in kinds and not kinds & {"text"}:
        tried.append({"family": "svm", "C": 10.0})
    if tabular and n_classes <= MANY_CLASSES:
        tried.append({"family": "tree", "rounds": 100, "smallest_leaf": 5 if n < 500 else 20})
    tried.append({"family": "linear", "C": 1.0 if "text" in kinds else 0.1})
    return [{**config, **common} for config in tried]


def rebalanced(best: Config, targets: Floats) -> Config | None:
    """The best candidate again with balanced class weights, where the rarest class is rare enough to matter."""
    totals = targets.sum(axis=0)
    totals = totals[totals > 0]
    if best["family"] == "naive" or np.max(totals) < RARE * np.min(totals):
        return None
    return {**best, "class_weight": "balanced"}
