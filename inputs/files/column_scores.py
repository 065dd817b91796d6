"""Which columns of a file hold the scores of labels, by their names."""

from collections.abc import Iterable

from inputs.files.column_names import SCORE


def score_prefix(columns: Iterable[str], labels: set[str]) -> str:
    """What the names of the score columns begin with before the label; "" where there are not two of them.

    Without labels it is a beginning that says "score", such as `scores.` and `prob_`.
    """
    counts: dict[str, int] = {}
    for name in columns:
        for label in labels:
            if name.endswith(label) and len(name) > len(label):
                before = name.removesuffix(label)
                counts[before] = counts.get(before, 0) + 1
        if not labels and (before := _score_words(name)):
            counts[before] = counts.get(before, 0) + 1
    best = max(counts, key=lambda before: (counts[before], -len(before)), default="")
    return best if counts.get(best, 0) >= 2 else ""


def _score_words(name: str) -> str:
    """The part of a name up to the mark after a word such as score."""
    for mark in (".", "_", ":", " "):
        before, found, rest = name.partition(mark)
        if found and rest and before.lower() in SCORE | {"p"}:
            return before + mark
    return ""
