"""Work: known from sizes alone, positive, and never less for more rows, columns, classes or rounds."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from analysis.metrics.core import work
from analysis.metrics.core.work import MatrixSize

FITS: dict[str, Callable[[MatrixSize, int], float]] = {
    "encoding": lambda size, classes: work.encoding(size),
    "counting": work.counting,
    "linear": lambda size, classes: work.linear(size, classes, 50),
    "stochastic": lambda size, classes: work.linear(size, classes, 20, stochastic=True),
    "kernel": lambda size, classes: work.kernel_machine(size),
    "neighbours": work.neighbours,
    "boosted": lambda size, classes: work.boosted_trees(size, classes, 100, 31),
    "forest": lambda size, classes: work.forest(size, 100),
    "calibration": lambda size, classes: work.calibration(size.rows, classes),
}


@pytest.mark.parametrize("name", FITS)
@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(2, 500), st.booleans())
def test_more_rows_columns_or_classes_are_never_less_work(
    name: str, rows: int, columns: int, k: int, thin: bool
) -> None:
    size = MatrixSize(rows, columns, rows * columns, thin)
    least = FITS[name](size, k)
    assert 0 < least < np.inf
    assert FITS[name](replace(size, rows=2 * rows, entries=2 * size.entries), k) >= least
    assert FITS[name](replace(size, columns=2 * columns, entries=2 * size.entries), k) >= least
    assert FITS[name](size, k + 1) >= least


def test_the_size_of_a_sparse_matrix_counts_what_is_stored() -> None:
    dense = np.eye(4)[:, :3]
    assert work.size_of(dense) == MatrixSize(4, 3, 12, is_sparse=False)
    assert work.size_of(sparse.csr_matrix(dense)) == MatrixSize(4, 3, 3, is_sparse=True)
