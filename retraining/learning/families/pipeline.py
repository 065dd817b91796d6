"""Build the scikit-learn pipeline of an input contract from a plain config.

Only scikit-learn's own classes are used, because an artifact is loaded by skops with a fixed allow-list and no code
of ours inside. The features are those of `inputs.encoding`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.pipeline import Pipeline

from inputs.encoding import column_transformer
from retraining.learning.families import registry


def build(types: Mapping[str, str], config: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline that takes `inputs.frame.to_frame`'s frame and integer class codes.

    `config` is plain data: `family` (a registered name), `image_size`, `left_out` (inputs without information),
    `without` (inputs that this candidate does not read), `seed`, and what the family needs.
    Raises InvalidInput for an unknown family.
    """
    family = registry.family_named(config["family"])
    sizes = config.get("image_size", {})
    unread = {*config.get("left_out", ()), *config.get("without", ())}
    types = {name: kind for name, kind in types.items() if name not in unread}
    inputs = column_transformer(types, family.purpose, shapes=sizes, dense=family.dense)
    return Pipeline([("inputs", inputs), ("model", family.estimator(config))])
