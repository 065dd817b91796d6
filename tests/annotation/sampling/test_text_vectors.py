"""Vectors of a text encoder stand beside a text's TF-IDF."""

import numpy as np
import pytest

from annotation.sampling import vectorise
from inputs.values import InvalidColumns

NOTES = ["card lost", "euro rate", "card lost", "card gone", "euro rate now"] * 4
CODES = np.array([0, 1, 0, 0, 1] * 4)
ENCODED = {"note": np.eye(4, dtype=np.float32)[CODES]}


def test_texts_that_the_encoder_holds_to_be_alike_come_closer() -> None:
    alone = vectorise({"note": NOTES}, {"note": "text"}, seed=0)
    beside = vectorise({"note": NOTES}, {"note": "text"}, texts=ENCODED, seed=0)
    assert beside.shape == (20, alone.shape[1] + 4)
    far, near = (np.linalg.norm(beside[0] - beside[row]) for row in (1, 3))
    assert near < far
    np.testing.assert_array_equal(beside[0], beside[2])


def test_an_encoder_that_knows_nothing_leaves_the_distances_of_tf_idf() -> None:
    alone = vectorise({"note": NOTES}, {"note": "text"}, seed=0)
    beside = vectorise({"note": NOTES}, {"note": "text"}, texts={"note": np.ones((20, 3))}, seed=0)
    np.testing.assert_allclose(
        np.linalg.norm(beside[0] - beside, axis=1), np.linalg.norm(alone[0] - alone, axis=1), atol=1e-6
    )


def test_a_text_with_vectors_weighs_as_much_as_any_other_input() -> None:
    amounts = np.random.default_rng(0).normal(size=20).tolist()
    columns, types = {"note": NOTES, "amount": amounts}, {"note": "text", "amount": "number"}
    without = vectorise(columns, types, seed=0)
    beside = vectorise(columns, types, texts=ENCODED, seed=0)
    for vectors in (without, beside):
        assert vectors.var(axis=0).sum() == pytest.approx(2.0, rel=1e-3)


def test_vectors_that_callers_send_are_their_directions() -> None:
    vectors = vectorise({"v": [[3.0, 4.0], None, [0.3, 0.4]]}, {"v": "vector"}, seed=0)
    np.testing.assert_allclose(vectors, np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]]), atol=1e-6)


def test_vectors_of_other_rows_are_refused() -> None:
    with pytest.raises(InvalidColumns, match="has 20 texts"):
        vectorise({"note": NOTES}, {"note": "text"}, texts={"note": np.ones((3, 3))}, seed=0)
