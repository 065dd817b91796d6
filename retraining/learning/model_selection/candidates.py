"""Candidate configurations for an input contract, the quickest and safest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inputs.encoding import feature_kinds
from inputs.types.base import Purpose
from retraining.learning.families import registry
from retraining.learning.families.base import Config, TrainingSet
from validation.arrays import Floats


def for_contract(types: Mapping[str, str], targets: Floats, *, common: Config) -> list[list[Config]]:
    """Groups of plain configs in the order in which they are tried; a group shares its features.

    targets: (n, k) weights of each row for each class. `common` (seed, image sizes, inputs left out) is in each.
    """
    (rows, classes), totals = targets.shape, targets.sum(axis=0)
    rarity = float(totals.max() / totals.min()) if totals.size and totals.min() > 0 else float("inf")
    data = TrainingSet(frozenset(feature_kinds(types)), rows, classes, rarity)
    groups: dict[tuple[Purpose, bool], list[Config]] = {}
    for family in registry.ordered():
        configs: list[dict[str, Any]] = [{"family": family.name, **config, **common} for config in family.propose(data)]
        if configs:
            groups.setdefault((family.purpose, family.dense), []).extend(configs)
    return list(groups.values())
