"""Counts of conditions and pairs: the same findings and little memory, whether they are kept or made again."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.slices import counts, search
from analysis.metrics.slices.scan import ScanSettings, scan

REGIONS = np.array(["north", "east", "south", "west"], dtype=object)


def table(rng, n):
    return {"age": rng.integers(18, 80, n), "amount": rng.normal(size=n).round(2), "region": rng.choice(REGIONS, n)}


def wide(rng, rows, columns, values):
    """Columns of categories without a signal, and errors by lot."""
    names = np.arange(values).astype(str)
    return {f"c{i}": rng.choice(names, rows) for i in range(columns)}, rng.random(rows) < 0.3


def assert_same(one, other):
    """Equal findings; p values may differ in the last digit."""
    assert one.tested == other.tested
    assert [(part.rule, part.confirmed) for part in one.slices] == [
        (part.rule, part.confirmed) for part in other.slices
    ]
    assert [part.p_adjusted for part in one.slices] == pytest.approx([part.p_adjusted for part in other.slices])


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=6)
def test_counts_made_again_in_each_round_find_what_kept_ones_find(seed, weighted):
    rng = np.random.default_rng(seed)
    columns = table(rng, 600)
    wrong = rng.random(600) < np.where(columns["age"] > 60, 0.7, np.where(columns["region"] == "east", 0.5, 0.1))
    inclusion = rng.choice([1.0, 0.3], 600) if weighted else None
    kept = scan(columns, wrong, inclusion_probability=inclusion)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "MOST_BYTES", 0)
        again = scan(columns, wrong, inclusion_probability=inclusion)
    assert_same(again, kept)


def peak_bytes(columns, wrong, asked):
    """The most memory that the scan allocates at any moment."""
    tracemalloc.start()
    try:
        scan(columns, wrong, settings=asked)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.simulation
def test_two_hundred_rows_of_a_hundred_numbers_are_searched_in_little_memory():
    rng = np.random.default_rng(12)
    columns = {f"x{i}": rng.normal(size=200) for i in range(100)}
    assert peak_bytes(columns, rng.random(200) < 0.3, ScanSettings(confirm=False)) < 96 * 2**20


def test_counts_of_many_pairs_are_not_kept_beyond_the_bytes_allowed(monkeypatch):
    monkeypatch.setattr(counts, "MOST_BYTES", 2**20)
    columns, wrong = wide(np.random.default_rng(13), 300, 60, 40)
    cells = 60 * 59 // 2 * 41**2
    assert peak_bytes(columns, wrong, ScanSettings(min_rows=2, confirm=False)) < cells * 16 / 2


def test_pairs_are_pruned_to_the_same_findings(monkeypatch):
    rng = np.random.default_rng(14)
    columns = {f"x{i}": rng.normal(size=400) for i in range(12)}
    wrong = rng.random(400) < np.where((columns["x3"] > 0.5) & (columns["x7"] < 0), 0.7, 0.1)
    whole = scan(columns, wrong)
    monkeypatch.setattr(search, "MOST_KEPT", 6000)
    assert whole.slices
    assert_same(scan(columns, wrong), whole)
