"""Candidate configurations for an input contract, the quickest and safest first.

Where texts have vectors of an encoder, models are tried on those, on TF-IDF, and on both, and held-out loss decides:
an encoder knows what texts mean in its own language, and next to nothing in others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inputs.encoders.columns import vector_name
from inputs.encoding import feature_kinds, of_kind
from inputs.types.base import Features, Purpose
from retraining.learning.families import registry
from retraining.learning.families.base import Config, TrainingSet
from validation.arrays import Floats

MOST_SUMS_OF_BOTH = 20_000  # rows times classes up to which models on vectors and TF-IDF together are quick


def for_contract(types: Mapping[str, str], targets: Floats, *, common: Config) -> list[list[Config]]:
    """Groups of plain configs in the order in which they are tried; a group shares its features.

    targets: (n, k) weights of each row for each class. `common` (seed, image sizes, inputs left out) is in each.
    """
    (rows, classes), totals = targets.shape, targets.sum(axis=0)
    rarity = float(totals.max() / totals.min()) if totals.size and totals.min() > 0 else float("inf")
    found: list[list[Config]] = []
    for place, (reads, without) in enumerate(_readings(types, rows * classes).items()):
        read = {name: kind for name, kind in types.items() if name not in without}
        data = TrainingSet(frozenset(feature_kinds(read)), rows, classes, rarity)
        shared = {**common, "reads": reads, "without": sorted(without)} if reads else common
        found += _groups(data, shared, linear_only=place > 0)
    return found


def _readings(types: Mapping[str, str], sums: int) -> dict[str, set[str]]:
    """What candidates read of texts, in words and in turn, each with the inputs that it leaves unread."""
    texts = of_kind(types, Features.TERMS)
    vectors = {vector_name(name) for name in texts} & set(types)
    encoded = {name for name in texts if vector_name(name) in vectors}
    if not encoded:
        return {"": set()}
    found = {"vectors": encoded, "TF-IDF": vectors}
    return {**found, "vectors and TF-IDF": set()} if sums <= MOST_SUMS_OF_BOTH else found


def _groups(data: TrainingSet, common: Config, *, linear_only: bool) -> list[list[Config]]:
    """`linear_only`: models that read neither texts nor vectors have been proposed with the first reading."""
    groups: dict[tuple[Purpose, bool], list[Config]] = {}
    for family in registry.ordered():
        if linear_only and family.purpose is not Purpose.LINEAR:
            continue
        configs: list[dict[str, Any]] = [{"family": family.name, **config, **common} for config in family.propose(data)]
        if configs:
            groups.setdefault((family.purpose, family.dense), []).extend(configs)
    return list(groups.values())
