"""Two columns of the same values: what people decided, often in few of the rows, and what a model said in all of them.

Only rows in which both have a value are compared, so that a label which most rows do not have yet is found as well.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inputs.files import column_names as names
from inputs.files.cells import stripped
from inputs.files.profiles import ColumnProfile, without_fractions
from inputs.files.spellings import TRUTHS, folded
from inputs.files.table import Table

AGREEING = 0.3  # share of the compared rows, from which a column is about one that is called a prediction
BEYOND_CHANCE = 0.4  # Cohen's kappa, from which two columns that nobody calls so are label and predicted label
SHARED = 0.5  # of all values of the two columns, those that both have
EMPTIER = 0.1  # of all rows, those that only the label leaves empty
FEWEST = 10  # compared rows

Texts = NDArray[Any]


def counterparts(
    columns: Sequence[ColumnProfile], predicted: Sequence[ColumnProfile], table: Table
) -> list[ColumnProfile]:
    """Columns that a column of predictions is about: by its name (`model_team` of `team`), else by like values."""
    if not predicted:
        return []
    about = {names.without_prediction_words(one.name) for one in predicted}
    if named := [one for one in columns if "_".join(names.name_parts(one.name)) in about]:
        return named
    agreeing = [
        (_agreement(table, one.name, predicted[0].name)[0], one) for one in columns if _alike(one, predicted[0])
    ]
    return [one for share, one in sorted(agreeing, key=lambda pair: -pair[0]) if share >= AGREEING]


def labels_with_twin(columns: Sequence[ColumnProfile], table: Table) -> list[ColumnProfile]:
    """Columns that another one says more often, whatever they are called; the most alike first."""
    found = [(twins_of(one, columns, table), one) for one in columns]
    return [one for twins, one in sorted(found, key=lambda pair: -_best(pair[0])) if twins]


def twins_of(label: ColumnProfile, columns: Sequence[ColumnProfile], table: Table) -> list[tuple[float, ColumnProfile]]:
    """The columns that say what this one says, and say it in more rows, with the kappa of each; the most alike first.

    Yes and no are not enough: many columns have these, and agree.
    """
    fuller = [one for one in columns if label.missing - one.missing >= EMPTIER * label.n and _alike(label, one)]
    if {folded(value) for value in label.values} <= set(TRUTHS):
        return []
    measured = [(_agreement(table, label.name, one.name)[1], one) for one in fuller]
    return sorted((pair for pair in measured if pair[0] >= BEYOND_CHANCE), key=lambda pair: -pair[0])


def _best(twins: Sequence[tuple[float, ColumnProfile]]) -> float:
    return twins[0][0] if twins else 0.0


def _alike(one: ColumnProfile, other: ColumnProfile) -> bool:
    """Whether the columns share most of their values: one of few rows need not have the rare ones yet."""
    first, second = ({folded(value) for value in column.values} for column in (one, other))
    return one.name != other.name and len(first & second) >= max(2, SHARED * len(first | second))


def _agreement(table: Table, one: str, other: str) -> tuple[float, float]:
    """Among the rows in which both have a value: the share in which it is the same, and Cohen's kappa (0 of few)."""
    first, second = _texts(table, one), _texts(table, other)
    both = (first != "") & (second != "")
    if not both.any():
        return 0.0, 0.0
    first, second = first[both], second[both]
    share = float(np.mean(first == second))
    left, right = (pd.Series(side).value_counts(normalize=True) for side in (first, second))
    chance = float((left * right.reindex(left.index, fill_value=0.0)).sum())
    few = len(first) < FEWEST or chance == 1
    return share, 0.0 if few else (share - chance) / (1 - chance)


def _texts(table: Table, column: str) -> Texts:
    """The column's values in one spelling, "" where there is none."""
    cells, gap = stripped(without_fractions(table[column]))
    codes, values = pd.factorize(cells.to_numpy(dtype=object))
    spelt = np.array([folded(str(value)) for value in values] + [""], dtype=object)
    return np.where(gap, "", spelt[codes])
