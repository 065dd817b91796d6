"""A labelled file as a backtest takes it: the inputs of each row, its label, and the part that measures."""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from analysis.offline.images import image_path
from annotation.exchange.base import BadRecord
from annotation.exchange.columns import DECIMAL, FlatParser
from annotation.exchange.rows import NO_COLUMN, ColumnNames, ProjectShape
from inputs.columns import LOOKED_AT
from inputs.files import columns
from inputs.files.cells import parse_times
from inputs.files.column_roles import INPUT_ROLES, ColumnRole, guess_columns
from inputs.files.delimited import Dialect
from inputs.files.profiles import PICTURE, ColumnProfile, profile_columns
from inputs.files.readers import read_table
from inputs.files.spellings import check_labels
from inputs.files.table import Table
from retraining.backtest.options import BacktestOptions, BadBacktest
from validation.arrays import Bools, Ints

MOST_CLASSES = 1000
LONGEST_LABEL = 200
MOST_DIGITS, LEAST_REPEATS = 20, 5  # with more numbers, each in fewer rows than this, they are a quantity
SPLIT_SEED = 0
EPOCH, SPREAD = datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=365)


@dataclass(frozen=True)
class LabelledRow:
    """One row: its inputs as an API call gives them, the code of its label, and when it came, where that is known."""

    key: str
    inputs: dict[str, Any]
    label: int
    at: datetime | None = None


@dataclass(frozen=True)
class LabelledFile:
    """The rows that can be used; `pool` (m,) and `test` (n,) are places in them, the pool in the order of time.

    `left_out` counts rows without a label or without any input.
    """

    name: str
    contract: dict[str, dict[str, Any]]
    classes: tuple[str, ...]
    rows: Sequence[LabelledRow]
    pool: Ints
    test: Ints
    left_out: int

    def codes(self, places: Ints) -> Ints:
        return np.array([self.rows[place].label for place in places], dtype=np.int64)


def read_file(options: BacktestOptions) -> LabelledFile:
    """The file of these options. Raises BadFile and BadBacktest, both with one line."""
    dialect = Dialect(options.separator or None, options.decimal or None, options.encoding or None)
    table = read_table(options.file, dialect)
    _check_columns(table, options)
    labels = columns.words(table, options.label)
    _check_labels(table, labels, options)
    table, codes = table.rows(labels.known), labels.codes[labels.known]
    moments = _moments(table, options.time) if options.time else [None] * len(table)
    kinds = _kinds(table, options)
    parsed = _parsed(table, kinds, options)
    kept = np.array([one is not None for one in parsed], dtype=bool)
    keys = _keys(table, options)
    rows = [
        LabelledRow(key, inputs, int(code), at)
        for key, inputs, code, at in zip(keys, parsed, codes, moments, strict=True)
        if inputs is not None
    ]
    if not rows:
        raise BadBacktest(f"No row of {table.name} has any of the inputs {', '.join(kinds)}.")
    test = _test_rows(table, options, codes)[kept]
    pool = np.flatnonzero(~test)
    if options.time:
        pool = np.array(sorted(pool.tolist(), key=lambda place: rows[place].at or EPOCH), dtype=np.int64)
    contract = {name: {"type": kind, "required": False} for name, kind in kinds.items()}
    found = LabelledFile(
        table.name, contract, labels.names, rows, pool, np.flatnonzero(test), len(labels.codes) - len(rows)
    )
    _check_parts(found, options)
    return found


def _check_columns(table: Table, options: BacktestOptions) -> None:
    for name in (options.label, options.time, options.text, options.image, options.key):
        if name:
            table[name]
    inputs = table.named(options.inputs)
    for name in (options.label, options.key):
        if name and name in (*inputs, options.text, options.image):
            raise BadBacktest(f"Column {name!r} cannot be an input as well.")


def _check_labels(table: Table, labels: columns.Words, options: BacktestOptions) -> None:
    if not labels.known.any():
        raise BadBacktest(f"{table.name} has no label in column {options.label!r}.")
    if len(labels.names) < 2:
        raise BadBacktest(f"Every label in column {options.label!r} is {labels.names[0]!r}; two classes are needed.")
    _refuse_quantity(table, labels, options.label)
    check_labels(labels.called(repr(options.label)))
    if len(labels.names) > MOST_CLASSES:
        raise BadBacktest(f"Column {options.label!r} has {len(labels.names):,} labels; at most {MOST_CLASSES:,}.")
    if long := next((name for name in labels.names if len(name) > LONGEST_LABEL), None):
        raise BadBacktest(
            f"Label {long[:40]!r}… has more than {LONGEST_LABEL} characters; is {options.label!r} a text?"
        )


def _refuse_quantity(table: Table, labels: columns.Words, name: str) -> None:
    """A continuous label: many different numbers, each in few rows."""
    few = labels.known.sum() < LEAST_REPEATS * len(labels.names)
    if len(labels.names) > MOST_DIGITS and few:
        numbers = pd.to_numeric(pd.Series(labels.names), errors="coerce")
        if numbers.notna().all():
            raise BadBacktest(
                f"Column {name!r} holds {len(labels.names):,} different numbers: a quantity, and no classes."
            )
        raise BadBacktest(
            f"Column {name!r} holds {len(labels.names):,} labels in {labels.known.sum():,} rows; classes are few."
        )


def _moments(table: Table, name: str) -> list[datetime]:
    """When each row came. Numbers, such as a row's place or a year, are spread over the `SPREAD` that follows."""
    found = parse_times([table[name]])
    if found is None:
        number = columns.numbers(table, name)
        _refuse_gaps(table, name, np.isnan(number))
        first, width = number.min(), max(float(np.ptp(number)), 1e-9)
        return [EPOCH + (float(value) - float(first)) / width * SPREAD for value in number]
    _refuse_gaps(table, name, np.isnat(found[0]))
    return [pd.Timestamp(moment).to_pydatetime().replace(tzinfo=UTC) for moment in found[0]]


def _refuse_gaps(table: Table, name: str, gaps: Bools) -> None:
    if gaps.any():
        raise BadBacktest(f"{table.name} has no time in column {name!r}, row {int(np.argmax(gaps))}.")


def _kinds(table: Table, options: BacktestOptions) -> dict[str, str]:
    """The type of each input."""
    if options.text:
        return {options.text: "text"}
    if options.image:
        return {options.image: "image"}
    profiles = profile_columns(table)
    taken = {options.label, options.time, options.key, options.test.partition("=")[0]}
    if options.inputs:
        asked = table.named(options.inputs)
        return {one.name: _kind(one, table) for one in profiles if one.name in asked}
    guesses = guess_columns(profiles, table)
    found = {one.name: _type_of(one.role) for one in guesses if one.role in INPUT_ROLES and one.name not in taken}
    if not found:
        raise BadBacktest(f"No column of {table.name} looks like an input; name them with --inputs.")
    return found


def _type_of(role: ColumnRole) -> str:
    return "category" if role in (ColumnRole.SEGMENT, ColumnRole.SEGMENT_INPUT) else str(role)


def _kind(profile: ColumnProfile, table: Table) -> str:
    if profile.kind == "empty":
        raise BadBacktest(f"Column {profile.name!r} of {table.name} is empty.")
    return "image" if profile.kind == "image_path" else profile.kind


def _parsed(table: Table, kinds: dict[str, str], options: BacktestOptions) -> list[dict[str, Any] | None]:
    """The inputs of each row as an import takes them; None for a row that has none."""
    frame = table.frame[list(kinds)].astype(object)
    frame = frame.where(frame.notna(), None)
    pictures = {name for name, kind in kinds.items() if kind == "image" and _are_paths(table, name)}
    parser = FlatParser(ProjectShape("text", [], kinds, columns=ColumnNames(key=NO_COLUMN)))
    found: list[dict[str, Any] | None] = []
    for row, record in enumerate(frame.to_dict("records")):
        cells = {str(name): cell for name, cell in record.items()}
        for name in pictures:
            if cells[name]:
                cells[name] = _picture(table, name, row, cells[name], Path(options.file).parent)
        try:
            found.append(dict(parser.parse({**cells, DECIMAL: table.decimal}).inputs))
        except BadRecord:  # it has none of the inputs
            found.append(None)
    return found


def _are_paths(table: Table, name: str) -> bool:
    cells = table[name].dropna().astype(str)
    return bool(cells.head(LOOKED_AT).map(lambda cell: PICTURE.fullmatch(cell.strip()) is not None).mean() > 0.5)


def _picture(table: Table, name: str, row: int, cell: Any, folder: Path) -> str:
    """The image file that a cell names, as base64."""
    path, where = image_path(cell, folder, f"{table.name}, row {row}, column {name!r}")
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as why:
        raise BadBacktest(f"{where} cannot be read: {why.strerror}.") from None


def _keys(table: Table, options: BacktestOptions) -> list[str]:
    """The key of each row: of its column, or its place in the file."""
    if not options.key:
        return [f"row {place}" for place in range(len(table))]
    found = [columns.word(cell) for cell in table[options.key].astype(object)]
    if None in found:
        raise BadBacktest(f"{table.name} has no key in column {options.key!r}, row {found.index(None)}.")
    keys = [str(key) for key in found]
    if len(set(keys)) < len(keys):
        twice = next(key for key, n in Counter(keys).items() if n > 1)
        raise BadBacktest(f"{table.name} has the key {twice[:60]!r} in column {options.key!r} twice.")
    return keys


def _test_rows(table: Table, options: BacktestOptions, codes: Ints) -> Bools:
    """Which rows (n,) measure: those of COLUMN=VALUE, or a share of the rows with the labels in equal shares."""
    if options.test:
        column, _, value = options.test.partition("=")
        given = columns.words(table, column.strip())
        wanted = columns.word(value)
        place = given.names.index(wanted) if wanted in given.names else -9
        return np.asarray(given.codes == place, dtype=bool)
    return split_rows(codes, options.test_share)


def split_rows(codes: Ints, share: float) -> Bools:
    """Which rows (n,) are the test part: `share` of them, each class alike, always the same ones."""
    test = np.zeros(len(codes), dtype=bool)
    counts = np.bincount(codes)
    divisible = np.flatnonzero(counts[codes] > 1)
    if len(divisible) < 2:
        return test
    size = round(share * len(divisible))
    stratified = codes[divisible] if min(size, len(divisible) - size) >= np.count_nonzero(counts > 1) else None
    _, chosen = train_test_split(divisible, test_size=share, random_state=SPLIT_SEED, stratify=stratified)
    test[chosen] = True
    return test


def _check_parts(found: LabelledFile, options: BacktestOptions) -> None:
    """Both parts hold what is needed of them."""
    if not len(found.test):
        what = f"no row has {options.test}" if options.test else "there are too few rows"
        raise BadBacktest(f"The test part of {found.name} is empty: {what}.")
    items = options.budget // options.overlap
    if len(found.pool) < options.batch // options.overlap or len(found.pool) < items:
        raise BadBacktest(
            f"{found.name} has {len(found.pool):,} rows to label beside {len(found.test):,} that measure; a budget of "
            f"{options.budget:,} labels needs {items:,}."
        )
    if len(set(found.codes(found.pool).tolist())) < 2:
        raise BadBacktest(f"The rows of {found.name} that can be labelled all have one label; a model needs two.")
