"""Rows of tables that are copies of one another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inputs.files import columns
from inputs.files.table import BadFile, Table
from inputs.groups import group_rows

SENTENCE, FEW_LEVELS = 4, 20  # words of a sentence; as many sentences may be the answers of a form
LOOKED_AT = 5000

Ints = NDArray[np.int64]


def copies(sides: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> list[Ints]:
    """For the `typed_columns` of each table, the group of each row: rows with equal or near-equal values share one.

    A category whose values are sentences is text that was repeated.
    """
    together = {name: sides[0][name] if len(sides) == 1 else np.concatenate([s[name] for s in sides]) for name in kinds}
    types = {name: "text" if _sentences(kind, together[name]) else kind for name, kind in kinds.items()}
    ends = np.cumsum([len(next(iter(side.values()))) for side in sides])
    return np.split(group_rows(together, types), ends[:-1])


def copies_of_rows(table: Table, *, without: Callable[[str], bool]) -> Ints:
    """The group (n,) of each row, by the columns that are inputs: all but those that `without` names."""
    found, kinds = dict[str, Any](), dict[str, str]()
    for name in filter(lambda name: not without(name), table.columns):
        try:
            (column,), kind = columns.typed_columns([table], [name])
        except BadFile:  # nobody asked about this column
            continue
        found, kinds = found | column, kinds | kind
    return copies([found], kinds)[0] if kinds else np.arange(len(table))


def _sentences(kind: str, values: Any) -> bool:
    if kind != "category":
        return False
    distinct = pd.unique(values[pd.notna(values)])
    words = np.mean([len(str(value).split()) for value in distinct[:LOOKED_AT]]) if len(distinct) else 0
    return bool(words >= SENTENCE and len(distinct) > FEW_LEVELS)
