"""The columns of a file that hold scores, as probabilities of classes."""

from collections.abc import Sequence

import numpy as np

from inputs.files import columns
from inputs.files.columns import Bools, Floats, natural
from inputs.files.table import BadFile, Table, list_names
from validation.probabilities import InvalidProbabilities, check_probabilities, renormalised_note


def class_scores(
    table: Table, prefix: str, label: str, labels: Sequence[str], positive: str | None
) -> tuple[tuple[str, ...], Floats, str]:
    """Classes, their scores (n, k), and remarks. Raises BadFile.

    prefix: what the score columns' names begin with, followed by a label; or the name of one column that scores
    `positive`, or 1. label: the column of labels, which is none of them.
    """
    begun = {name[len(prefix) :]: name for name in table.columns if name.startswith(prefix)}
    if prefix in table and len(labels) <= 2:  # the name of one column, whatever else begins with it
        begun = {"": prefix}
    begun = {columns.word(rest) or "": name for rest, name in begun.items() if name != label}
    if set(labels) <= set(begun) and len(begun) > 1:
        every = natural([rest for rest in begun if rest in labels or _numeric(table, begun[rest])])
        scores = np.column_stack([columns.numbers(table, begun[name]) for name in every])
        if len(every) == len(labels) or _sums_to_one(scores):
            return every, scores, ""
        others = [begun[name] for name in every if name not in labels]
        kept = np.array([name in labels for name in every])
        return (
            tuple(name for name in every if name in labels),
            scores[:, kept],
            (f"No scores of a label, and left out: {list_names(others)}."),
        )
    if len(begun) == 1 and len(labels) <= 2:
        return _completed(table, positive, labels, *next(iter(begun.items())))
    if not begun:
        raise BadFile(f"{table.name} has no column that begins with {prefix!r}; it has {list_names(table.columns)}.")
    unscored = [name for name in labels if name not in begun]
    raise BadFile(
        f"The label {unscored[0]!r} has no column {prefix + unscored[0]!r}; "
        f"the score columns are {list_names(list(begun.values()))}."
    )


def _sums_to_one(scores: Floats) -> bool:
    """Whether most rows do."""
    return bool(np.median(np.abs(np.nansum(scores, axis=1) - 1)) < 0.02)


def _numeric(table: Table, column: str) -> bool:
    try:
        return bool(np.isfinite(columns.numbers(table, column)).any())
    except BadFile:
        return False


def _completed(
    table: Table, positive: str | None, labels: Sequence[str], scored: str, column: str
) -> tuple[tuple[str, ...], Floats, str]:
    """One column scores one class: the other class has the rest."""
    scored = scored or positive or ("1" if set(labels) <= {"0", "1"} else "")
    if not scored:
        raise BadFile(f"Only {column!r} holds scores; say with --positive which label they are of.")
    if len(labels) == 2 and scored not in labels:
        raise BadFile(f"{column!r} scores {scored!r}, but the labels are {', '.join(labels)}.")
    other = next((name for name in labels if name != scored), f"not {scored}")
    given = columns.numbers(table, column)
    classes = natural([scored, other])
    scores = np.column_stack([given if name == scored else 1 - given for name in classes])
    return classes, scores, f"Only {column} holds scores; {other} has the rest to 1."


def checked_scores(table: Table, scores: Floats, known: Bools) -> tuple[Floats, str]:
    """The scores of the labelled rows, each summing to 1, and a remark. A refusal names the row of the file."""
    certain = np.eye(1, scores.shape[1])
    try:
        checked = check_probabilities(np.where(known[:, None], scores, certain), name="scores")
    except InvalidProbabilities as why:
        raise BadFile(f"{table.name}: {why}", why.row) from None
    return checked[known], renormalised_note(scores[known])
