"""Texts with their vectors beside them, as inputs that every part of the product reads alike."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inputs.encoders.base import TextEncoder
from inputs.frame import Columns, Types
from inputs.registry import typed
from inputs.types.base import Features
from inputs.values import InvalidColumns

VectorsByInput = Mapping[str, NDArray[np.floating[Any]]]  # rows (n, d) of each text input, by its name


@dataclass(frozen=True)
class EncodedTexts:
    """Vectors of text inputs, with the name and digest of the encoder that made them."""

    encoder: str
    digest: str
    vectors: VectorsByInput

    def only(self, mask: NDArray[np.bool_]) -> "EncodedTexts":
        """The rows where `mask` (n,) is true."""
        return replace(self, vectors={name: rows[mask] for name, rows in self.vectors.items()})


def vector_name(name: str) -> str:
    """The name of the input that holds the vectors of the text input `name`."""
    return f"{name} (encoded)"


def text_inputs(types: Types) -> list[str]:
    """The names of the inputs that a text encoder reads."""
    return [name for name, kind in typed(types).items() if kind.features is Features.TERMS]


def encode(columns: Columns, types: Types, encoder: TextEncoder) -> EncodedTexts | None:
    """Vectors of every text input by this encoder; None where there is no text, or the encoder is TF-IDF.

    What TF-IDF says of texts is learnt anew by each part from its own rows.
    """
    names = text_inputs(types) if encoder.per_text else []
    vectors = {name: encoder.encode(columns[name]) for name in names}
    return EncodedTexts(encoder.name, encoder.digest, vectors) if vectors else None


def with_vectors(
    columns: Columns, types: Types, vectors: VectorsByInput | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Columns and types with the vectors of texts beside them, as inputs of type vector; as given without vectors.

    Raises InvalidColumns where vectors belong to no text input, or not one to each row.
    """
    known = text_inputs(types)
    for name, rows in (vectors or {}).items():
        if name not in known:
            raise InvalidColumns(f"There are vectors of {name!r}, which is no text input.")
        if np.ndim(rows) != 2 or len(rows) != len(columns[name]):
            raise InvalidColumns(f"{name!r} has {len(columns[name])} texts, and vectors of shape {np.shape(rows)}.")
    added: dict[str, NDArray[np.float32]] = {
        vector_name(name): np.asarray(rows, dtype=np.float32) for name, rows in (vectors or {}).items()
    }
    return {**columns, **added}, {**types, **dict.fromkeys(added, "vector")}
