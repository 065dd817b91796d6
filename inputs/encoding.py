"""One scikit-learn ColumnTransformer for every use of a project's inputs.

Training, sampling vectors, the classifier that tells windows apart and the suspicion of labels all turn the frame of
`inputs.frame` into features here; what differs between them is the `Purpose`, and each input type has an encoder for
each purpose.
"""

from collections.abc import Mapping

import numpy as np
from sklearn.compose import ColumnTransformer

from inputs.frame import Shapes, Types, part_names
from inputs.registry import INPUT_TYPES, typed
from inputs.types.base import EncoderSettings, Features, Purpose

SPARSE_THRESHOLD = 0.3  # scikit-learn's own: share of non-zero features up to which the result is sparse


def column_transformer(
    types: Types,
    purpose: Purpose,
    *,
    shapes: Shapes | None = None,
    settings: EncoderSettings | None = None,
    each: bool = False,
    dense: bool = False,
) -> ColumnTransformer:
    """An unfitted transformer of `frame.to_frame`'s frame, for these inputs and this purpose.

    Inputs of one type share a transformer, but for texts and vectors; with `each`, every input has its own, named after
    it. `dense`: never a sparse result. Inputs that models of this purpose do not read are left out.
    """
    chosen = settings or EncoderSettings()
    parts = _columns_by_transformer(types, shapes or {}, each)
    steps = [(label, INPUT_TYPES[kind].encoder(purpose, chosen), columns) for label, (kind, columns) in parts.items()]
    used = [(label, step, columns) for label, step, columns in steps if step is not None]
    return ColumnTransformer(used, sparse_threshold=0.0 if dense else SPARSE_THRESHOLD)


def _columns_by_transformer(types: Types, shapes: Shapes, each: bool) -> dict[str, tuple[str, str | list[str]]]:
    """Type and frame columns of each transformer, by its name. A text is one column, so that it arrives as such."""
    found: dict[str, tuple[str, str | list[str]]] = {}
    for name, kind in typed(types).items():
        columns = part_names(name, types, shapes)
        if kind.features is Features.TERMS:
            found[columns[0]] = (kind.name, columns[0])
        elif each or kind.features is Features.VECTOR:
            found[f"{kind.name}:{name}"] = (kind.name, columns)
        else:
            before = found.get(kind.name, (kind.name, []))[1]
            found[kind.name] = (kind.name, [*before, *columns])
    return found


def owners(fitted: ColumnTransformer, types: Types) -> tuple[str, ...]:
    """The input behind each feature of a transformer that was fitted with `each`."""
    width = sum(place.stop - place.start for place in fitted.output_indices_.values())
    names = np.empty(width, dtype=object)
    for name, kind in types.items():
        names[fitted.output_indices_[f"{kind}:{name}"]] = name
    return tuple(names.tolist())


def feature_kinds(types: Mapping[str, str]) -> set[Features]:
    """What the features of these inputs are made of."""
    return {kind.features for kind in typed(types).values()}


def of_kind(types: Types, features: Features) -> dict[str, str]:
    """The inputs whose features are of this kind."""
    return {name: kind for name, kind in types.items() if INPUT_TYPES[kind].features is features}
