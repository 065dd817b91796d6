"""Blocks of ids that nobody else is given, for rows that arrive with ids of their own order."""

from django.db import connection, models, transaction


@transaction.atomic
def reserve_ids(model: type[models.Model], count: int) -> int:
    """The first of `count` ids of this model that follow each other and are given to nobody else, now or later.

    It commits by itself where the caller is in no transaction: what is not used is lost, and nothing else.
    """
    table, column = model._meta.db_table, str(model._meta.pk.column)
    reserve = _reserve_postgresql if connection.vendor == "postgresql" else _reserve_sqlite
    return reserve(table, column, count)


def _reserve_sqlite(table: str, column: str, count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        known = cursor.fetchone()
        cursor.execute(f'SELECT coalesce(max("{column}"), 0) FROM "{table}"')
        last = max(known[0] if known else 0, cursor.fetchone()[0])
        if known:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [last + count, table])
        else:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, last + count])
    return int(last) + 1


def _reserve_postgresql(table: str, column: str, count: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{table}"', column])
        sequence = cursor.fetchone()[0]
        cursor.execute(f"ALTER SEQUENCE {sequence} NO CYCLE")  # changes nothing; from here nextval waits for the commit
        cursor.execute(f"SELECT last_value, is_called FROM {sequence}")
        last, called = cursor.fetchone()
        first = last + 1 if called else last
        cursor.execute(f"ALTER SEQUENCE {sequence} RESTART WITH {first + count}")
    return int(first)
