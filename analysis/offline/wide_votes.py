"""Votes in one column an annotator, as rows of item, annotator and label."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import pandas as pd

from inputs.files.table import BadFile, Table, list_names

ANNOTATOR, LABEL = "annotator", "label"


def long_votes(table: Table, item: str, pattern: str) -> Table:
    """One row a cell of the columns that `pattern` names, with the columns `item`, ANNOTATOR and LABEL.

    pattern: names of columns with commas, in which * stands for anything; an annotator is called as the column is.
    Empty cells are kept, as missing votes. Raises BadFile where no column is named.
    """
    items, names = table[item], _matching(table, item, pattern)
    if item in (ANNOTATOR, LABEL):
        raise BadFile(f"The item column may not be called {item!r} where every annotator has a column; rename it.")
    parts = [pd.DataFrame({item: items, ANNOTATOR: name, LABEL: table[name].astype(object)}) for name in names]
    return replace(table, frame=pd.concat(parts, ignore_index=True).astype({ANNOTATOR: object}))


def _matching(table: Table, item: str, pattern: str) -> Sequence[str]:
    patterns = [part.strip() for part in pattern.split(",") if part.strip()]
    names = [
        name for name in table.columns if name != item and any(fnmatchcase(name, part) for part in (pattern, *patterns))
    ]
    if not names:
        raise BadFile(
            f"{table.name} has no column that {pattern!r} names; * stands for anything. It has "
            f"{list_names(table.columns)}."
        )
    return names
