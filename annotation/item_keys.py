"""Items by many keys or ids at once: they are one parameter of the statement, so that none is bound by itself."""

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models.expressions import RawSQL

from annotation.models import Item
from projects.models import Project


def find_by_keys(project: Project, keys: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Id and body hash of the items that are captured under these keys."""
    if not keys:
        return {}
    on_postgresql = connection.vendor == "postgresql"
    listed = "= ANY(%s)" if on_postgresql else "IN (SELECT value FROM json_each(%s))"
    sql = f"SELECT key, id, body_hash FROM {Item._meta.db_table} WHERE project_id = %s AND key {listed}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [project.pk, list(keys) if on_postgresql else json.dumps(list(keys))])
        return {key: (pk, hash_) for key, pk, hash_ in cursor.fetchall()}


def id_list(ids: Sequence[int]) -> RawSQL:
    """These ids as what stands after an IN."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(ids))])
