"""Columns of any kind as one matrix, the same for every later window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics.drift.encoding import encoder

REFERENCE = {
    "age": np.array([30.0, np.nan, 50.0] * 10),
    "country": np.array(["de", "de", "fr"] * 10, dtype=object),
    "text": np.array([f"where is my card number {i % 5}" for i in range(30)], dtype=object),
}


def test_a_row_is_encoded_the_same_whatever_comes_with_it():
    encode = encoder(REFERENCE)
    whole = encode.matrix(REFERENCE)
    one = encode.matrix({name: values[4:5] for name, values in REFERENCE.items()})
    assert whole.shape == (30, len(encode.owners))
    assert one[0] == pytest.approx(whole[4], nan_ok=True)
    assert list(dict.fromkeys(encode.owners)) == ["age", "country", "text"]


def test_levels_are_ranked_by_frequency_and_new_ones_come_last():
    encode = encoder({"country": REFERENCE["country"]})
    assert encode.matrix({"country": np.array(["de", "fr", "jp", None], dtype=object)}).ravel().tolist() == [0, 1, 2, 2]


def test_rare_levels_have_one_rank_whichever_row_comes_first():
    names = np.array([f"m{i}" for i in range(300)] + ["de"] * 20 + ["fr"] * 20, dtype=object)
    ranks = [encoder({"x": order}).matrix({"x": names}).ravel() for order in (names, names[::-1])]
    assert ranks[0].tolist() == ranks[1].tolist() == [2] * 300 + [0] * 20 + [1] * 20


def test_words_never_seen_are_counted():
    encode = encoder({"text": REFERENCE["text"]}, {"text": "text"})
    known, strange = encode.matrix({"text": np.array(["where is my card", "quantum llama"], dtype=object)})
    assert known[-2] < strange[-2] == 1
    assert known[-1] == 4


def test_text_without_any_term_is_only_counted():
    encode = encoder({"text": np.array(["!", "?"] * 9, dtype=object)}, {"text": "text"})
    assert encode.matrix({"text": np.array(["! !", ""], dtype=object)}).ravel().tolist() == [2, 0]


def test_refuses_missing_columns_and_empty_references():
    with pytest.raises(ValueError, match="missing: country"):
        encoder({"country": REFERENCE["country"]}).matrix({"age": REFERENCE["age"]})
    with pytest.raises(ValueError, match="no column"):
        encoder({})
    with pytest.raises(ValueError, match="empty"):
        encoder({"age": np.zeros(0)})


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=1, max_size=20))
def test_any_words_become_finite_numbers(values):
    columns = {"country": np.array(values, dtype=object), "text": np.array(values, dtype=object)}
    encode = encoder({"country": REFERENCE["country"], "text": REFERENCE["text"]})
    assert np.isfinite(encode.matrix(columns)).all()
