"""Keep the values that break the input contract beside their items, and count the rows that were refused by it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from annotation.capture.rows import ValidPrediction
from annotation.models import ContractViolation, RefusedRowCount
from inputs.contract import Violation
from inputs.types.base import BrokenRule
from projects.bulk_insert import insert_new, json_text
from projects.models import Project
from validation.json_values import is_storable, quote, shorten

LONGEST_GIVEN = 10_000  # characters of JSON; of what is longer, the beginning is kept
LONGEST_BEGINNING, LONGEST_NAME = 200, 200
KEPT = timedelta(days=90)  # counts of refused rows


def store_violations(project: Project, rows: Sequence[tuple[ValidPrediction, int]]) -> None:
    """Store the violations of new rows beside their items, given by id."""
    found = [(item_id, row.at, one) for row, item_id in rows for one in row.violations]
    if not found:
        return
    values = [_storable(one) for _, _, one in found]
    columns: dict[str, list[Any]] = {
        "item_id": [item_id for item_id, _, _ in found],
        "at": [at for _, at, _ in found],
        "rule": [str(one.rule) for _, _, one in found],
        "input": [name for name, _, _ in values],
        "given": [given for _, given, _ in values],
        "exact": [exact for _, _, exact in values],
    }
    insert_new(ContractViolation, columns, project_id=project.pk)


def _storable(one: Violation) -> tuple[str, Any, bool]:
    """Name and value as a database takes them, and whether they are as they were given."""
    name = shorten(one.input.replace("\0", "\N{REPLACEMENT CHARACTER}"), LONGEST_NAME)
    if is_storable(one.given) and len(json_text(one.given)) <= LONGEST_GIVEN:
        return name, one.given, name == one.input
    return name, quote(one.given, LONGEST_BEGINNING).replace("\0", "\N{REPLACEMENT CHARACTER}"), False


def count_refused(project: Project, broken: "Counter[tuple[str, BrokenRule]]", *, at: datetime) -> None:
    """Add to the counts of the hour; counts of long ago are removed."""
    if not broken:
        return
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    version = project.contract().version
    stamp = connection.ops.adapt_datetimefield_value(hour)
    rows = [(project.pk, stamp, version, name, str(rule), count) for (name, rule), count in sorted(broken.items())]
    table = connection.ops.quote_name(RefusedRowCount._meta.db_table)
    key = "project_id, hour, contract_version, input, rule"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            f'INSERT INTO {table} ({key}, "rows") VALUES (%s, %s, %s, %s, %s, %s) '
            f'ON CONFLICT ({key}) DO UPDATE SET "rows" = {table}."rows" + excluded."rows"',
            rows,
        )
    RefusedRowCount.objects.filter(project=project, hour__lt=at - KEPT).delete()
