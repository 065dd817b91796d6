"""Insert many rows of one model at once, several times as fast as objects of the model.

SQLite takes them by `executemany`. PostgreSQL takes them as one JSON text that the server unpacks, so that no value is
adapted one by one.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import msgspec
from django.db import DatabaseError, connection, models

from projects.chunks import chunks

ROWS_AT_ONCE = 1000  # of one JSON text
Column = Sequence[Any]
USUAL = {"cache_size": -2_000, "wal_autocheckpoint": 1_000}  # SQLite's own: KiB of pages, and pages of its log
OF_MANY_BATCHES = {"cache_size": -64_000, "wal_autocheckpoint": 16_000}


@contextmanager
def many_batches() -> Iterator[None]:
    """Inside, SQLite keeps more pages of its indexes in memory and copies its log into the database less often: batch
    after batch changes the same pages. What a commit promises stays the same; PostgreSQL is left as it is."""
    _set_pragmas(OF_MANY_BATCHES)
    try:
        yield
    finally:
        with suppress(DatabaseError):  # of a connection that is lost, the next one has its own settings
            _set_pragmas(USUAL)


def _set_pragmas(values: Mapping[str, int]) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name, value in values.items():
                cursor.execute(f"PRAGMA {name} = {value}")


def insert_new(model: type[models.Model], columns: Mapping[str, Column], **constants: Any) -> None:
    """Insert a row for each place of the columns; one that breaks a unique constraint is left out.

    columns: values by the field's attribute, `item_id` for a foreign key, all of one length; constants: one value for
    every row. Each value has the Python type that the field stores. A field in neither has its default, computed once.
    Raises TypeError for a field that the model does not have.
    """
    fields = {field.attname: field for field in model._meta.local_concrete_fields}
    if unknown := sorted({*columns, *constants} - set(fields)):
        raise TypeError(f"{model.__name__} has no field {unknown[0]}")
    alike = {
        name: constants[name] if name in constants else field.get_default()
        for name, field in fields.items()
        if name not in columns and not isinstance(field, models.AutoField)
    }
    stored = {
        str(fields[name].column): fields[name].get_db_prep_save(value, connection) for name, value in alike.items()
    }
    named = {name: fields[name] for name in columns}
    insert = _insert_json if connection.vendor == "postgresql" else _insert_many
    insert(model, named, columns, stored)


def _insert_many(
    model: type[models.Model],
    fields: "Mapping[str, models.Field[Any, Any]]",
    columns: Mapping[str, Column],
    constants: Mapping[str, Any],
) -> None:
    quote = connection.ops.quote_name
    adapted = [_adapted(fields[name], column) for name, column in columns.items()]
    names = [*(str(field.column) for field in fields.values()), *constants]
    places = ", ".join(["%s"] * len(names))
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, names))}) VALUES ({places})"
    rows = zip(*adapted, *map(repeat, constants.values()))  # noqa: B905  # the constants have no end
    with connection.cursor() as cursor:
        cursor.executemany(f"{sql} ON CONFLICT DO NOTHING", list(rows))


def _adapted(field: "models.Field[Any, Any]", column: Column) -> Column:
    if isinstance(field, models.JSONField):
        return [None if value is None else _as_django_writes(value) for value in column]
    if isinstance(field, models.DateTimeField):
        return _each_once(column, connection.ops.adapt_datetimefield_value)
    return column


def _as_django_writes(value: Any) -> str:
    """JSON in the form of Django, which finds a value by its text on SQLite; an object is never looked for whole."""
    return json_text(value) if isinstance(value, dict) else json.dumps(value)


def _insert_json(
    model: type[models.Model],
    fields: "Mapping[str, models.Field[Any, Any]]",
    columns: Mapping[str, Column],
    constants: Mapping[str, Any],
) -> None:
    quote = connection.ops.quote_name
    types = ", ".join(f"{quote(str(field.column))} {field.db_type(connection)}" for field in fields.values())
    names = [str(field.column) for field in fields.values()]
    sql = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, [*names, *constants]))}) "
        f"SELECT {', '.join([*map(quote, names), *['%s'] * len(constants)])} "
        f"FROM json_to_recordset(%s) AS given ({types}) ON CONFLICT DO NOTHING"
    )
    written = [_as_json(fields[name], column) for name, column in columns.items()]
    with connection.cursor() as cursor:
        for rows in chunks(list(zip(*written, strict=True)), ROWS_AT_ONCE):
            text = json_text([dict(zip(names, row, strict=True)) for row in rows])
            cursor.execute(sql, [*constants.values(), text])


def _as_json(field: "models.Field[Any, Any]", column: Column) -> Column:
    if isinstance(field, models.BinaryField):
        return [None if value is None else "\\x" + value.hex() for value in column]
    if isinstance(field, models.DateTimeField):
        return _each_once(column, lambda moment: moment.astimezone(UTC).isoformat())
    return column


def _each_once(column: Column, act: Callable[[datetime], Any]) -> Column:
    """The column with each different moment passed to `act` once."""
    known: dict[datetime | None, Any] = {None: None}
    return [known[value] if value in known else known.setdefault(value, act(value)) for value in column]


def json_text(value: Any) -> str:
    """The value as JSON. Text that is half of a surrogate pair is escaped."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
