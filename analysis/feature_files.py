"""Files of features as they were at training, or in a feature store: a key, maybe a time, and inputs of the project."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any

from annotation.exchange.base import BadRecord, unpacked
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import ColumnNames, ExchangeRow, UnusableFile
from annotation.import_options import ImportOptions, project_shape
from inputs.images import PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.types.base import InvalidValue
from projects.models import Project
from validation import InvalidInput

FLAT = ("csv", "jsonl", "parquet")  # formats that hold one row a line
MOST_ROWS = 2_000_000
SHOWN_REASONS = 5
Parser = Callable[[Mapping[str, Any]], ExchangeRow]


@dataclass
class FeatureRows:
    """The rows of a file in their order; times are seconds since 1970, or None where the file has no times."""

    keys: list[str] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] | None = None
    names: list[str] = field(default_factory=list)  # of the inputs that some row has
    refused: list[str] = field(default_factory=list)  # the first reasons
    refused_rows: int = 0


def load_features(project: Project, stream: IO[bytes], format_name: str, *, key: str, time: str) -> FeatureRows:
    """The file's rows; `key` and `time` are column names, "" for the usual key and for no time.

    A row that cannot be read is counted and left out. Raises UnusableFile.
    """
    if format_name not in FLAT:
        raise UnusableFile(f"Features are compared from {', '.join(FLAT)}; the file is {format_name}.")
    shape = project_shape(project, ImportOptions(ColumnNames(key=key, time=time)))
    parse, found = FORMATS[format_name].parser(shape), FeatureRows(times=[] if time else None)
    try:
        for number, record in enumerate(FORMATS[format_name].read_records(unpacked(stream), shape.dialect), 1):
            if number > MOST_ROWS:
                raise UnusableFile(f"The file has more than {MOST_ROWS:,} rows; send it in parts.")
            _add(found, number, record, parse, shape.inputs)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnusableFile("The file is not whole gzip.") from None
    present = {name for inputs in found.inputs for name in inputs}
    found.names = [name for name in shape.inputs if name in present]
    return found


def _add(
    found: FeatureRows, number: int, record: Mapping[str, Any] | BadRecord, parse: Parser, types: Mapping[str, str]
) -> None:
    """Add the record as a row, or to those that are refused. Raises UnusableFile."""
    try:
        if isinstance(record, BadRecord):
            raise record
        row = parse(record)
        at = None if found.times is None else _seconds(row.at)
    except UnusableFile:
        raise
    except InvalidInput as why:
        found.refused_rows += 1
        if len(found.refused) < SHOWN_REASONS:
            found.refused.append(f"Row {number}: {why}")
        return
    if found.times is not None and at is not None:
        found.times.append(at)
    found.keys.append(row.key)
    found.inputs.append(_as_stored(row.inputs, types))


def _as_stored(given: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """The values as capture stores them, such as a time in UTC; what its type does not take stays as it is."""
    stored = {}
    for name, value in given.items():
        kind = INPUT_TYPES[types[name]]
        if value is None or kind.in_media:
            continue
        try:
            stored[name] = kind.validate(name, value, {}, PixelBudget(0))
        except InvalidValue:
            stored[name] = value
    return stored


def _seconds(text: str | None) -> float:
    """The moment in seconds since 1970; a time without a zone is UTC. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        raise InvalidInput(f"its time is {text!r}; a time such as 2026-11-23T14:00:00Z is expected.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
