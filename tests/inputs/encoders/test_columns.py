"""Texts with their vectors beside them."""

from typing import Any

import numpy as np
import pytest

from inputs.encoders.columns import encode, vector_name, with_vectors
from inputs.encoders.tfidf import TfidfEncoder
from inputs.values import InvalidColumns

COLUMNS: dict[str, Any] = {"note": ["a card", "a euro"], "amount": [1.0, 2.0]}
TYPES = {"note": "text", "amount": "number"}


class Lengths:
    """An encoder that knows how long a text is."""

    name, digest, per_text = "lengths", "0" * 64, True

    def encode(self, texts: object) -> np.ndarray:
        return np.array([[len(text)] for text in texts], dtype=np.float32)  # type: ignore[attr-defined]


def test_every_text_input_gets_the_vectors_of_the_encoder() -> None:
    found = encode(COLUMNS, TYPES, Lengths())
    assert found is not None
    assert (found.encoder, found.digest, list(found.vectors)) == ("lengths", "0" * 64, ["note"])
    columns, types = with_vectors(COLUMNS, TYPES, found.vectors)
    assert types == {**TYPES, vector_name("note"): "vector"}
    assert columns[vector_name("note")].tolist() == [[6], [6]]


def test_without_texts_or_with_tf_idf_nothing_is_added() -> None:
    assert encode({"amount": [1.0]}, {"amount": "number"}, Lengths()) is None
    assert encode(COLUMNS, TYPES, TfidfEncoder()) is None
    assert with_vectors(COLUMNS, TYPES, None) == (COLUMNS, TYPES)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ({"amount": np.ones((2, 3))}, "no text input"),
        ({"note": np.ones((3, 3))}, r"has 2 texts, and vectors of shape \(3, 3\)"),
        ({"note": np.ones(2)}, "vectors of shape"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vectors: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(InvalidColumns, match=words):
        with_vectors(COLUMNS, TYPES, vectors)
