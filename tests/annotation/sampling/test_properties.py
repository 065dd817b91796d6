"""What holds for any input of the functions that routing calls around a round: pool, vectors, change, stopping."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from annotation.sampling import Pool, check_pool, newness, stop_hint, vectorise
from annotation.sampling.design.shift_check import check_shift
from annotation.sampling.strategies.registry import pick_strategy
from inputs.values import InvalidColumns

sizes = st.tuples(st.integers(1, 12), st.integers(1, 4))
finite = st.floats(-1e6, 1e6)
cells = {
    "text": st.one_of(st.none(), st.text(max_size=12)),
    "number": st.one_of(st.none(), st.floats(allow_infinity=False), st.integers(-(10**6), 10**6)),
    "category": st.one_of(st.none(), st.text(max_size=3), st.booleans(), st.integers(0, 3)),
    "image": st.one_of(st.none(), hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))),
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, list[object]], dict[str, str]]:
    kinds = draw(st.lists(st.sampled_from(sorted(cells)), min_size=1, max_size=3))
    n = draw(st.integers(1, 8))
    types = {f"{kind}{place}": kind for place, kind in enumerate(kinds)}
    return {name: draw(st.lists(cells[kind], min_size=n, max_size=n)) for name, kind in types.items()}, types


@given(hnp.arrays(float, sizes, elements=finite), st.integers(1, 5), st.data())
def test_a_checked_pool_is_the_same_pool_and_stays_so(vectors: np.ndarray, k: int, data: st.DataObject) -> None:
    shape = (len(vectors), k)
    raw = data.draw(hnp.arrays(float, shape, elements=st.floats(0.01, 1)))
    pool = Pool(vectors, raw / raw.sum(axis=1, keepdims=True), tuple("abcde"[:k]))

    once = check_pool(pool)
    twice = check_pool(once)

    np.testing.assert_allclose(once.vectors, vectors, rtol=1e-6, atol=1e-30)
    np.testing.assert_array_equal(once.vectors, twice.vectors)
    np.testing.assert_array_equal(once.probabilities, twice.probabilities)
    assert pick_strategy(replace(once, probabilities=None))[0] == "typical"
    assert all(pick_strategy(once))


def _widest(types: dict[str, str]) -> int:
    """One column of numbers or categories alone is not reduced: a mark for missing, or a column a category."""
    return 10 if len(types) == 1 else 0


@pytest.mark.filterwarnings("error")
def test_images_that_are_all_alike_have_no_direction_to_keep() -> None:
    images = [np.full((3, 3), 7, dtype=np.uint8)] * 4
    assert vectorise({"scan": images}, {"scan": "image"}, dimensions=1, seed=0).tolist() == [[0.0]] * 4


@settings(max_examples=60)
@given(tables(), st.integers(1, 20), st.integers(0, 9))
def test_any_table_becomes_finite_vectors_and_equal_rows_equal_ones(
    table: tuple[dict[str, list[object]], dict[str, str]], dimensions: int, seed: int
) -> None:
    columns, types = table
    doubled = {name: [*values, values[0]] for name, values in columns.items()}

    vectors = vectorise(doubled, types, dimensions=dimensions, seed=seed)

    assert len(vectors) == len(next(iter(doubled.values())))
    assert 1 <= vectors.shape[1] <= max(dimensions, _widest(types))
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors[0], vectors[-1], atol=1e-4)
    np.testing.assert_array_equal(vectors, vectorise(doubled, types, dimensions=dimensions, seed=seed))


@given(st.sampled_from(sorted(cells)), st.integers(0, 5), st.integers(0, 5))
def test_columns_of_different_length_are_refused(kind: str, n: int, m: int) -> None:
    columns = {"a": [None] * n, "b": [None] * m}
    if n == m:
        assert len(vectorise(columns, {"a": kind, "b": kind}, seed=0)) == n
        return
    with pytest.raises(InvalidColumns, match="unequal lengths"):
        vectorise(columns, {"a": kind, "b": kind}, seed=0)


def test_an_infinite_number_is_refused_with_its_row() -> None:
    with pytest.raises(InvalidColumns, match="'x' is infinite in row 1"):
        vectorise({"x": [1.0, float("inf")]}, {"x": "number"}, seed=0)


@settings(max_examples=25)
@given(st.integers(0, 160), st.integers(0, 160), st.integers(0, 99), st.floats(-3, 3))
def test_a_verdict_on_change_stays_in_its_ranges(n: int, m: int, seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) + shift

    found = check_shift(before, now, seed=seed)

    assert 0 <= found.p <= 1
    assert 0 <= found.effect <= 1
    assert found.newness.shape == (m,)
    assert not (found.drifted and min(n, m) < 100)
    assert found.words


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_vectors_that_cannot_be_compared_are_refused(number: float) -> None:
    vectors = np.ones((120, 2))
    with pytest.raises(ValueError, match="too large to be squared"):
        check_shift(vectors, np.where(np.arange(120)[:, None] == 5, number, vectors), seed=0)


@given(hnp.arrays(float, (12, 2), elements=st.floats(-100, 100)), st.floats(0, 50), st.floats(0, 50))
def test_what_lies_farther_out_is_at_least_as_new(reference: np.ndarray, near: float, farther: float) -> None:
    middle = reference.mean(axis=0)
    recent = middle + np.array([[near, 0.0], [near + farther, 0.0], [0.0, 0.0]])

    share = newness(reference, recent)

    assert ((share >= 0) & (share <= 1)).all()
    assert share[0] <= share[1]


@given(
    st.lists(hnp.arrays(int, 8, elements=st.integers(0, 2)), max_size=4),
    st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).map(tuple)),
    st.one_of(st.none(), hnp.arrays(float, 5, elements=st.floats(0, 1))),
)
def test_advice_to_stop_needs_both_views_and_says_its_numbers(
    predictions: list[np.ndarray], interval: tuple[float, float] | None, scores: np.ndarray | None
) -> None:
    curve = None if scores is None else (np.arange(20, 120, 20), scores)

    hint = stop_hint(predictions=predictions, audit_interval=interval, curve=curve)

    assert hint.words
    assert not hint.stop or (hint.kappa is not None and hint.gain is not None and hint.kappa >= 0.99)
    assert hint.kappa is None or -1 <= hint.kappa <= 1
    assert hint.gain is None or 0 <= hint.gain.low <= hint.gain.high
    assert (hint.width is None) == (interval is None)
