"""What each column of a file is to a project: key, time, label, what a model said, an input of some type, or nothing.

Guesses only: each carries a short reason made of numbers, for a person to agree with or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import pandas as pd

from inputs.files import column_names as names
from inputs.files.column_reasons import is_ambiguous_date, names_a_person, reason_of
from inputs.files.column_scores import score_prefix
from inputs.files.column_twins import counterparts, labels_with_twin, twins_of
from inputs.files.profiles import ColumnProfile, profile_column, without_fractions
from inputs.files.table import Table

MOST_LABELS = 1_000
FEW = 12  # different whole numbers that may be codes
MOST_OF_A_SEGMENT = 30
MOST_VERSIONS = 50
LONGEST_KEY = 200
UNNAMED_KEY = 10  # rows from which a column without a telling name may be the key


class ColumnRole(StrEnum):
    """What a column is used for. Those from `TEXT` to `VECTOR` are inputs of that type."""

    KEY = "key"
    TIME_OF_ROW = "at"
    LABEL = "label"
    PREDICTED = "predicted"
    SCORES = "scores"  # of the label that its name ends in
    CONFIDENCE = "confidence"  # of the predicted label
    POSITIVE_SCORE = "positive_score"
    VERSION = "version"
    SEGMENT = "segment"
    SEGMENT_INPUT = "segment_input"  # a category that the model reads as well
    ANNOTATOR = "annotator"
    TEXT = "text"
    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"
    TIME = "time"
    IMAGE = "image"
    CONVERSATION = "conversation"
    VECTOR = "vector"
    IGNORE = "ignore"


INPUT_ROLES = (
    *(ColumnRole.TEXT, ColumnRole.NUMBER, ColumnRole.CATEGORY, ColumnRole.BOOLEAN, ColumnRole.TIME),
    *(ColumnRole.IMAGE, ColumnRole.CONVERSATION, ColumnRole.VECTOR, ColumnRole.SEGMENT_INPUT),
)
"""The roles of columns that a model reads."""
ONCE = (
    *(ColumnRole.KEY, ColumnRole.TIME_OF_ROW, ColumnRole.LABEL, ColumnRole.PREDICTED, ColumnRole.VERSION),
    *(ColumnRole.CONFIDENCE, ColumnRole.POSITIVE_SCORE, ColumnRole.ANNOTATOR),
)
"""The roles that one column of a file can have."""
READ_BY_PEOPLE = (ColumnRole.TEXT, ColumnRole.IMAGE, ColumnRole.CONVERSATION)


@dataclass(frozen=True)
class ColumnGuess:
    """A column's role, and why. `warns`: the reason is something that a person should look at."""

    name: str
    role: ColumnRole
    reason: str = ""
    warns: bool = False


Guessed = dict[str, ColumnRole]
Rule = Callable[[Sequence[ColumnProfile], Guessed, Table], Guessed]


def guess_columns(profiles: Sequence[ColumnProfile], table: Table) -> list[ColumnGuess]:
    """The role of each column, in the order of the columns."""
    roles: Guessed = {}
    for rule in RULES:
        free = [column for column in profiles if column.name not in roles]
        roles |= rule(free, roles, table)
    return [explain(column, roles[column.name]) for column in profiles]


def explain(column: ColumnProfile, role: ColumnRole) -> ColumnGuess:
    """The reason for a role, also for one that a person chose."""
    reason, warns = reason_of(column, role)
    return ColumnGuess(column.name, role, reason, warns)


def default_role(column: ColumnProfile) -> ColumnRole:
    """What a column is by its values alone."""
    if column.kind in ("empty", "image_path") or is_ambiguous_date(column):
        return ColumnRole.IGNORE
    return ColumnRole.IMAGE if column.kind == "image_url" else ColumnRole(column.kind)


def _useless(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """Columns without values, that never change, that name a person, or that divide a file for training."""
    return {
        column.name: ColumnRole.IGNORE
        for column in free
        if (default_role(column) == ColumnRole.IGNORE and not _names_images(column, free))
        or names_a_person(column)
        or names.has(column.name, names.SPLIT)
    }


def _names_images(column: ColumnProfile, free: Sequence[ColumnProfile]) -> bool:
    """Whether it is a key of paths whose images stand in another column."""
    called = column.kind == "image_path" and column.differs and names.has(column.name, names.KEY)
    return called and any(one.kind == "image" for one in free)


def _annotator(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    fits = [one for one in free if names.has(one.name, names.ANNOTATOR) and not one.differs and _is_level(one)]
    return _first(fits[:1] if len(fits) == 1 else [], ColumnRole.ANNOTATOR)


def _version(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    fits = [one for one in free if 1 <= one.distinct <= MOST_VERSIONS and _is_level(one) and not one.differs]
    versions = [one for one in fits if names.has(one.name, names.VERSION)]
    return _first(
        versions or [one for one in fits if names.name_parts(one.name) in (("model",), ("modell",))], ColumnRole.VERSION
    )


def _key(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """The first column that differs in every row and is called so, or that looks like it."""
    fits = [one for one in free if one.differs and (_may_be_key(one) or _names_images(one, free))]
    called = [one for one in fits if names.has(one.name, names.KEY)]
    alike = [one for one in fits if one.n >= UNNAMED_KEY and one.kind == "category" and not one.spaced]
    counted = [one for one in fits if one.rising and one.n >= UNNAMED_KEY and one.name == table.columns[0]]
    return _first(called or alike or counted, ColumnRole.KEY)


def _may_be_key(column: ColumnProfile) -> bool:
    if column.kind == "number":
        return column.whole and not column.unlike
    return column.kind in ("category", "text", "boolean") and max(map(len, column.examples)) <= LONGEST_KEY


def _repeated_ids(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """Ids of something else than the row, such as a customer: no input that a model could learn from."""
    ids = [one for one in free if names.has_last(one.name, {"id"}) and one.distinct > MOST_OF_A_SEGMENT]
    return {one.name: ColumnRole.IGNORE for one in ids if one.kind in ("number", "category")}


def _time(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    times = [one for one in free if one.kind == "time"]
    return _first([one for one in times if names.has(one.name, names.TIME)] or times, ColumnRole.TIME_OF_ROW)


def _label(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """By its name; else by the column of predictions, by another one that says the same in more rows, or by the folders
    of images."""
    fits = [one for one in free if _may_be_label(one)]
    predicted = [one for one in fits if _says_predicted(one)]
    rest = [one for one in fits if one not in predicted]
    alone = [one for one in rest if len(p := names.name_parts(one.name)) == 1 and p[0] in names.LABEL_ALONE]
    part = [one for one in rest if names.has(one.name, names.LABEL_PART) and not names.has(one.name, names.SCORE)]
    scored = _scored_values(free, rest, table)
    found = alone or counterparts(rest, predicted, table) or scored or part
    return _first(found or labels_with_twin(rest, table) or _folders(free, rest), ColumnRole.LABEL)


def _folders(free: Sequence[ColumnProfile], columns: Sequence[ColumnProfile]) -> list[ColumnProfile]:
    """The folders that images lie in, which are named by class where there is more than one."""
    images = any(one.kind == "image" for one in free)
    return [one for one in columns if images and one.name == names.FOLDER and one.distinct > 1]


def _scored_values(
    free: Sequence[ColumnProfile], columns: Sequence[ColumnProfile], table: Table
) -> list[ColumnProfile]:
    """Columns of which every value has a column of scores."""
    numbers = [one.name for one in free if one.kind == "number"]
    values = [(one, _values(table, one.name)) for one in columns if one.levels]
    return [
        one
        for one, values in values
        if values <= {name.removeprefix(score_prefix(numbers, values)) for name in numbers}
    ]


def _predicted(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """By its name; else the column that says in more rows what the label says."""
    fits = [one for one in free if _may_be_label(one)]
    named = [one for one in fits if _says_predicted(one)]
    label = next((name for name, role in roles.items() if role == ColumnRole.LABEL), None)
    if named or label is None:
        return _first(named, ColumnRole.PREDICTED)
    twins = twins_of(profile_column(table, label), fits, table)
    return _first([twin for _, twin in twins], ColumnRole.PREDICTED)


def _scores(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """Numbers from 0 to 1: a column for each label, or one of the predicted or of the positive label."""
    shares = [one for one in free if one.kind == "number" and one.low >= 0 and one.high <= 1]
    label = next((name for name, role in roles.items() if role == ColumnRole.LABEL), None)
    values = _values(table, label) if label else set()
    if prefix := score_prefix([one.name for one in shares], values):
        return {one.name: ColumnRole.SCORES for one in shares if _of_a_label(one.name, prefix, values)}
    single = [one for one in shares if names.has(one.name, names.SCORE)]
    if ColumnRole.PREDICTED in roles.values() and any(one.low >= 1 / max(2, len(values)) for one in single):
        return _first(single, ColumnRole.CONFIDENCE)
    two = len(values) == 2 or not values
    return _first(single, ColumnRole.POSITIVE_SCORE if two else ColumnRole.CONFIDENCE)


def _of_a_label(name: str, prefix: str, labels: set[str]) -> bool:
    return name.startswith(prefix) and (not labels or name.removeprefix(prefix) in labels)


def _constant(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    return {one.name: ColumnRole.IGNORE for one in free if one.distinct == 1 and one.n > 1 and not one.missing}


def _inputs(free: Sequence[ColumnProfile], roles: Guessed, table: Table) -> Guessed:
    """What is left is what the model reads, by its type; a segment where its name says so."""
    read = any(default_role(one) in READ_BY_PEOPLE for one in free)
    segment = ColumnRole.SEGMENT if read else ColumnRole.SEGMENT_INPUT
    return {one.name: segment if _is_segment(one) else _input_role(one) for one in free}


def _input_role(column: ColumnProfile) -> ColumnRole:
    codes = column.kind == "number" and column.whole and column.low >= 0 and column.distinct <= FEW
    return ColumnRole.CATEGORY if codes and names.has(column.name, names.CODE) else default_role(column)


def _is_segment(column: ColumnProfile) -> bool:
    return (
        names.has_last(column.name, names.SEGMENT)
        and column.kind == "category"
        and 2 <= column.distinct <= MOST_OF_A_SEGMENT
        and not column.differs
    )


def _may_be_label(column: ColumnProfile) -> bool:
    if column.kind == "number" and not (column.whole and column.distinct <= max(FEW, column.n / 20)):
        return False
    return _is_level(column) and column.distinct <= MOST_LABELS and not (column.differs and column.n > FEW)


def _is_level(column: ColumnProfile) -> bool:
    return column.kind in ("category", "boolean", "number", "text") and not column.unlike


def _says_predicted(column: ColumnProfile) -> bool:
    return names.has(column.name, names.PREDICTED) and not names.has(column.name, names.SCORE | names.VERSION)


def _values(table: Table, column: str) -> set[str]:
    return set(pd.unique(without_fractions(table[column]).dropna().astype(str).str.strip())) - {""}


def _first(columns: Sequence[ColumnProfile], role: ColumnRole) -> Guessed:
    return {columns[0].name: role} if columns else {}


RULES: tuple[Rule, ...] = (
    *(_useless, _annotator, _version, _key, _time, _label, _predicted, _scores, _repeated_ids, _constant, _inputs),
)


def once_each(guesses: Sequence[ColumnGuess], profiles: Sequence[ColumnProfile], chosen: str) -> list[ColumnGuess]:
    """The same guesses where a role that one column can have is left to the column that a person chose just now."""
    roles = {guess.name: guess.role for guess in guesses}
    wanted = roles.get(chosen)
    return [
        explain(column, default_role(column))
        if guess.role == wanted and guess.role in ONCE and guess.name != chosen
        else replace(guess)
        for guess, column in zip(guesses, profiles, strict=True)
    ]
