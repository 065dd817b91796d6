"""One label, one spelling: refuse labels of columns or files that differ only in case, spaces or Unicode form."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from inputs.files.table import BadFile, list_names

SHOWN = 5
TRUTHS = dict.fromkeys(("true", "1", "yes", "y", "t"), "true") | dict.fromkeys(("false", "0", "no", "n", "f"), "false")
"""What a folded spelling of a truth value means."""


class LabelColumn(NamedTuple):
    """The distinct labels of a column; `name` is what messages call it."""

    name: str
    labels: Sequence[str]


def check_labels(*columns: LabelColumn) -> None:
    """Refuse columns that share no label, and two spellings of one label in any of them. Raises BadFile.

    A and a are two labels where one column has both: letters differ by their case.
    """
    for other in columns[1:]:
        check_overlap(columns[0], other)
    seen: dict[str, tuple[str, str]] = {}
    for name, labels in columns:
        for label in labels:
            first, where = seen.setdefault(_key(label, columns), (label, name))
            if first != label:
                places = f"in {name}" if where == name else f"in {where} and {name}"
                raise BadFile(
                    f"{first!r} and {label!r} {places} differ only in case, spaces or Unicode form; write each "
                    f"label one way."
                )


def check_overlap(one: LabelColumn, other: LabelColumn, what: str = "label") -> None:
    """Refuse two columns that have nothing in common: one of them is spelt another way. Raises BadFile."""
    if one.labels and other.labels and not set(one.labels) & set(other.labels):
        raise BadFile(
            f"{one.name} and {other.name} share no {what}: {_some(one.labels)} against {_some(other.labels)}; write "
            f"each {what} one way in both."
        )


def check_levels(one: LabelColumn, other: LabelColumn) -> None:
    """Refuse levels of one column in two files that are the same words in two spellings, such as true and 1.

    Levels that share nothing in any spelling are other levels. Raises BadFile.
    """
    meanings = [{TRUTHS.get(folded(label), folded(label)) for label in side.labels} for side in (one, other)]
    if meanings[0] & meanings[1]:
        check_overlap(one, other, "value")


def folded(label: str) -> str:
    """What two spellings of one label have in common."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def one_spelling(labels: Sequence[str]) -> dict[str, str]:
    """By folded spelling its label, where no other label has it too."""
    counts = Counter(map(folded, labels))
    return {folded(label): label for label in labels if counts[folded(label)] == 1}


def _key(label: str, columns: Sequence[LabelColumn]) -> str:
    one = folded(label)
    both = len(one) == 1 and any(sum(folded(label) == one for label in labels) > 1 for _, labels in columns)
    return label if both else one


def _some(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - SHOWN} more" if len(labels) > SHOWN else ""
    return list_names([label[:40] for label in labels[:SHOWN]]) + more
