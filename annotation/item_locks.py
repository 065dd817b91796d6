"""The order in which transactions lock rows, and the lock of items, which stands for all that hangs on an item.

Two transactions that lock the same rows in two orders can wait for each other for ever; PostgreSQL then fails one of
them. Each transaction therefore locks in this order, leaving out what it has no need of:

1. its job's row, by which an attempt shows that it still holds the job (jobs.execution)
2. the project's row (releases, people), then the project's supply mark (annotation.routing.placing.lock)
3. findings, by id
4. items, by id: who writes what hangs on an item (routed items, labels, resolutions, its audit draw) locks the item
5. slots, by id; who holds no item locks slots only, and skips those that are locked where any others will do
6. routed items, leases, labels, resolutions
7. the audit trail (projects.audit), which nothing but inserts of the same act may follow

Rows that several requests may insert at one moment are inserted in the order of their unique key. What a later
statement needs of an earlier step is locked before: a claim that finds too few slots gives back those that it took, has
items put into queues, and takes slots again. Where two meet all the same, projects.locks.retry_conflicts begins again.

SQLite has one writer at a time: there all of this is one lock, taken at the beginning of the transaction.
"""

from collections.abc import Iterable

from django.db import connection

from annotation.models import Item
from projects.chunks import chunks
from projects.locks import lock_rows


def lock_items(item_ids: Iterable[int]) -> None:
    """Wait for whatever else is being done to these items, until the transaction ends."""
    if not connection.features.has_select_for_update:
        return
    for chunk in chunks(sorted(set(item_ids))):
        lock_rows(Item.objects.filter(pk__in=chunk))
