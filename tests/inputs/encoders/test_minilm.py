"""The installed sentence encoder: its vectors, and the files that it refuses. These tests need its wheel."""

import sys
from pathlib import Path

import numpy as np
import pytest

from inputs.encoders import minilm
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.choice import choose
from inputs.encoders.sentence import LONGEST, SentenceEncoder

SENTENCES = [
    "Where is my card?",
    "My new card has not arrived yet.",
    "What is the exchange rate for euros?",
    "Free entry! Win a prize now, text WIN to 80085",
    "see you at home later",
    "Der Zug nach Berlin hat Verspätung.",
]
# Cosines of these sentences by the float weights (model.safetensors of all-MiniLM-L6-v2, computed in numpy).
FLOAT_COSINES = [
    [1.0, 0.7293, 0.0756, 0.2116, 0.1796, 0.0536],
    [0.7293, 1.0, 0.0541, 0.2574, 0.173, -0.0344],
    [0.0756, 0.0541, 1.0, 0.0635, 0.0238, 0.2103],
    [0.2116, 0.2574, 0.0635, 1.0, 0.1462, 0.0677],
    [0.1796, 0.173, 0.0238, 0.1462, 1.0, 0.0094],
    [0.0536, -0.0344, 0.2103, 0.0677, 0.0094, 1.0],
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return minilm.load()


def test_it_agrees_with_the_float_weights(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(SENTENCES)
    np.testing.assert_allclose(vectors @ vectors.T, FLOAT_COSINES, atol=0.02)


def test_vectors_are_unit_rows_and_missing_texts_are_zeros(encoder: SentenceEncoder) -> None:
    vectors = encoder.encode(["a card", None, "  ", float("nan"), "x " * 100_000, "\N{PILE OF POO}"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 0, 1, 1], atol=1e-5)
    assert encoder.encode([]).shape == (0, vectors.shape[1])


def test_a_text_has_one_vector_whatever_is_encoded_beside_it(encoder: SentenceEncoder) -> None:
    alone = np.concatenate([encoder.encode([text]) for text in SENTENCES])
    beside = encoder.encode([*reversed(SENTENCES), "word " * 300, *SENTENCES])
    np.testing.assert_allclose(beside[-len(SENTENCES) :], alone, atol=1e-5)


def test_a_long_text_is_its_first_tokens(encoder: SentenceEncoder) -> None:
    first, second = encoder.encode(["card " * LONGEST + "euro", "card " * LONGEST + "dollar"])
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_weights_that_were_not_checked_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = minilm.weights_path()
    assert known is not None
    changed = bytearray(known.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "model.onnx").write_bytes(changed)
    monkeypatch.setattr(minilm, "weights_path", lambda: tmp_path / "model.onnx")
    with pytest.raises(EncoderUnavailable, match="is not the file that was checked"):
        minilm.load()


def test_it_is_chosen_where_it_is_installed(encoder: SentenceEncoder) -> None:
    chosen = choose("")
    assert (chosen.encoder.name, chosen.encoder.digest, chosen.encoder.per_text) == ("minilm", encoder.digest, True)


def test_encoding_imports_nothing_that_downloads(encoder: SentenceEncoder) -> None:
    encoder.encode(SENTENCES)
    assert not {"huggingface_hub", "torch", "transformers", minilm.PACKAGE} & set(sys.modules)
