"""Work of fitting a model: counted from the sizes of what it reads, before it is fitted and never by a clock.

The same rows and settings have the same work on every machine and at every load, so a budget of work always admits the
same models. One unit is what takes about a second of one core; `python -m benchmarks.fitting` prints both, and
docs/benchmarks/learning.md has what it measured. The constants are seconds for one step of each kind.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

OVERHEAD = 0.002  # of any fit
DENSE_PRODUCT, SPARSE_PRODUCT, STOCHASTIC_PRODUCT = 1e-10, 8e-9, 2.5e-9  # one entry times one coefficient
COEFFICIENT, SCORE = 2e-8, 2e-8  # one step of a solver over one coefficient; one row's probability of one class
COUNTED_ENTRY = 5e-9
KERNEL_PRODUCT = 2e-10
DISTANCE_PRODUCT, NEIGHBOUR_VOTE = 5e-11, 5e-9
BIN_OF_ROW, BIN_OF_HISTOGRAM, OF_TREE = 6e-9, 1e-8, 16
COMPARISON, ONE_TREE = 2e-8, 1e-3
CALIBRATED = 4e-6  # one score in each round of folds, all methods together
ENCODED_DENSE, ENCODED_SPARSE = 5e-8, 5e-7  # one entry
BINS = 255


@dataclass(frozen=True)
class MatrixSize:
    """Rows, columns and stored entries of a feature matrix."""

    rows: int
    columns: int
    entries: int
    is_sparse: bool = False


def size_of(matrix: Any) -> MatrixSize:
    """The size of a numpy array (n, d) or of a scipy sparse matrix."""
    rows, columns = matrix.shape
    if sparse.issparse(matrix):
        return MatrixSize(rows, columns, int(matrix.nnz), is_sparse=True)
    return MatrixSize(rows, columns, int(matrix.size))


def encoding(size: MatrixSize) -> float:
    """Work of making such a matrix of typed columns."""
    return OVERHEAD + size.entries * (ENCODED_SPARSE if size.is_sparse else ENCODED_DENSE)


def counting(size: MatrixSize, classes: int) -> float:
    """Work of counting entries by class, as naive Bayes does."""
    return OVERHEAD + size.entries * COUNTED_ENTRY + size.columns * classes * COEFFICIENT


def linear(size: MatrixSize, classes: int, passes: int, *, stochastic: bool = False) -> float:
    """Work of a linear model whose solver passes over the rows so often, one coefficient for each column and class.

    `stochastic`: the solver takes one row after the other, all classes at once.
    """
    product = SPARSE_PRODUCT if size.is_sparse else DENSE_PRODUCT
    if stochastic:
        return OVERHEAD + passes * _outputs(classes) * size.entries * STOCHASTIC_PRODUCT
    scored = 0.0 if size.is_sparse else size.rows * SCORE  # of sparse rows it is little beside the products
    return OVERHEAD + passes * _outputs(classes) * (size.entries * product + size.columns * COEFFICIENT + scored)


def kernel_machine(size: MatrixSize) -> float:
    """Work of a support vector machine that compares all rows with all."""
    return OVERHEAD + KERNEL_PRODUCT * size.rows * size.entries


def neighbours(size: MatrixSize, classes: int) -> float:
    """Work of finding the neighbours of as many rows as were learnt from."""
    return OVERHEAD + size.rows * (size.entries * DISTANCE_PRODUCT + classes * NEIGHBOUR_VOTE)


def boosted_trees(size: MatrixSize, classes: int, rounds: int, leaves: int) -> float:
    """Work of boosting on histograms: each round grows a tree for each class."""
    bins = min(size.rows, BINS)
    of_tree = size.entries * np.log2(leaves) * BIN_OF_ROW + bins * (leaves + OF_TREE) * size.columns * BIN_OF_HISTOGRAM
    return float(OVERHEAD + rounds * _outputs(classes) * of_tree)


def forest(size: MatrixSize, trees: int) -> float:
    """Work of growing so many trees, of which each split looks at the square root of the columns."""
    looked_at = np.sqrt(size.columns) * size.rows * np.log2(max(2, size.rows))
    return float(OVERHEAD + trees * (ONE_TREE + looked_at * COMPARISON))


def calibration(rows: int, classes: int) -> float:
    """Work of trying all calibrators out of fold."""
    return OVERHEAD + rows * classes * CALIBRATED


def _outputs(classes: int) -> int:
    return 1 if classes <= 2 else classes
