"""The trigram index of search texts, which the database keeps by itself, and the job that lets it take texts in.

To index a text costs a quarter of its capture on SQLite, and more than that on PostgreSQL, so capture only marks it: a
text is in the index from when a job has set its `indexed`, and is looked at by itself until then. SQLite has the index
in an FTS5 table that triggers fill; PostgreSQL as a GIN index of a function, because pg_trgm knows no letters outside
ASCII in a database with the C locale.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from annotation.models import SearchText
from inputs.search import normalise, trigrams
from jobs import queue
from jobs.execution import Attempt
from projects.chunks import CHUNK
from projects.models import Project

KIND = "annotation.index_search_texts"
MOST_OF_A_JOB = 1_000_000
TABLE, INDEX, GIN = "annotation_searchtext", "annotation_searchindex", "search_text_trigrams"
SQLITE = (
    f"""CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX} USING fts5(
        text, content='{TABLE}', content_rowid='item_id', tokenize='trigram case_sensitive 1', detail=none, columnsize=0
    )""",
    f"""CREATE TRIGGER {INDEX}_add AFTER UPDATE OF indexed ON {TABLE} WHEN new.indexed AND NOT old.indexed BEGIN
        INSERT INTO {INDEX}(rowid, text) VALUES (new.item_id, new.text); END""",
    f"""CREATE TRIGGER {INDEX}_leave AFTER UPDATE OF indexed ON {TABLE} WHEN old.indexed AND NOT new.indexed BEGIN
        INSERT INTO {INDEX}({INDEX}, rowid, text) VALUES ('delete', old.item_id, old.text); END""",
    f"""CREATE TRIGGER {INDEX}_change BEFORE UPDATE OF text ON {TABLE} WHEN old.indexed AND new.text <> old.text BEGIN
        SELECT RAISE(ABORT, 'a search text in the index stays as it is'); END""",
    f"""CREATE TRIGGER {INDEX}_delete AFTER DELETE ON {TABLE} WHEN old.indexed BEGIN
        INSERT INTO {INDEX}({INDEX}, rowid, text) VALUES ('delete', old.item_id, old.text); END""",
)
TRIGGERS = tuple(f"{INDEX}_{act}" for act in ("add", "leave", "change", "delete"))
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION plumbline_trigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT coalesce(array_agg(DISTINCT first || second || third), '{}') FROM (
        SELECT part AS first, lead(part) OVER along AS second, lead(part, 2) OVER along AS third
        FROM unnest(string_to_array($1, NULL)) WITH ORDINALITY AS parts(part, place) WINDOW along AS (ORDER BY place)
    ) AS threes WHERE third IS NOT NULL $$""",
    f"DROP INDEX CONCURRENTLY IF EXISTS {GIN}",  # one that was stopped half way
    f"CREATE INDEX CONCURRENTLY {GIN} ON {TABLE} USING gin (plumbline_trigrams(text)) WHERE indexed",
)


def create(database: BaseDatabaseWrapper) -> None:
    """Make the index and what fills it, outside of a transaction; what is there of it is made again.

    On SQLite a later migration that rebuilds the table drops its triggers, so it must call this again.
    """
    drop_triggers(database)
    with database.cursor() as cursor:
        for statement in POSTGRESQL if database.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def remove(database: BaseDatabaseWrapper) -> None:
    """Drop the index."""
    drop_triggers(database)
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {GIN}")
            cursor.execute("DROP FUNCTION IF EXISTS plumbline_trigrams(text)")
        else:
            cursor.execute(f"DROP TABLE IF EXISTS {INDEX}")


def drop_triggers(database: BaseDatabaseWrapper) -> None:
    """Drop what fills the index on SQLite."""
    if database.vendor == "sqlite":
        with database.cursor() as cursor:
            for name in TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def indexed_items(project: Project, parts: Sequence[str], *, most: int) -> list[int]:
    """Ids of the items, at most so many, whose search text is in the index and holds all parts.

    At least one of the parts has three characters: the index has nothing shorter.
    """
    wanted = trigrams(parts)
    first: Any
    if connection.vendor == "postgresql":
        begin = f"SELECT item_id FROM {TABLE} WHERE indexed AND plumbline_trigrams(text) @> %s::text[]"
        holds, first = "strpos(text, %s) > 0", wanted
    else:
        begin = f"SELECT item_id FROM {INDEX} CROSS JOIN {TABLE} ON item_id = {INDEX}.rowid WHERE {INDEX} MATCH %s"
        holds, first = f"instr({TABLE}.text, %s) > 0", " AND ".join(map(_quoted, wanted))
    sql = f"{begin} AND project_id = %s{f' AND {holds}' * len(parts)} LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [first, project.pk, *parts, most])
        return [pk for (pk,) in cursor.fetchall()]


def _quoted(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'


def is_due(project: Project) -> bool:
    """Whether a text waits to be taken in."""
    return SearchText.objects.filter(project=project, indexed=False).exists()


def request_indexing(project: Project, *, at: datetime) -> None:
    """Enqueue the job that takes in what waits; one at a time for a project."""
    queue.enqueue(KIND, key=f"index:{project.pk}", project=project, at=at)


def run_indexing(attempt: Attempt, project: Project) -> None:
    """Take the waiting texts of a project into the index, each chunk in a transaction of its own."""
    waiting = SearchText.objects.filter(project=project, indexed=False)
    total, done = waiting.count(), 0
    while done < MOST_OF_A_JOB and (taken := index_chunk(project)):
        done += taken
        attempt.progress(min(0.99, done / max(total, 1)), f"Indexing texts: {done:,} of {total:,}")
    with attempt.commit(items=done):
        pass


@transaction.atomic
def index_chunk(project: Project) -> int:
    """Take some of the waiting texts in; how many."""
    waiting = SearchText.objects.filter(project=project, indexed=False).order_by("pk")
    rows = list(waiting.values_list("pk", "text")[:CHUNK])
    fold(SearchText, rows)  # what a process of an older release captured has accents
    return SearchText.objects.filter(pk__in=[pk for pk, _ in rows]).update(indexed=True) if rows else 0


def fold(texts: Any, rows: Sequence[tuple[int, str]]) -> None:
    """Write those of these rows, given as id and text, again that `normalise` would change.

    `texts` is the model SearchText, in a migration as it was then.
    """
    for pk, text in rows:
        if not text.isascii() and (folded := "\n".join(map(normalise, text.split("\n")))) != text:
            texts.objects.filter(pk=pk, indexed=False).update(text=folded)


def fold_all(texts: Any) -> None:
    """Write all search texts that are not yet in the index as `normalise` leaves them, in chunks, each a transaction
    where the caller is in none."""
    last = 0
    rows = texts.objects.filter(indexed=False).order_by("pk").values_list("pk", "text")
    while found := list(rows.filter(pk__gt=last)[:CHUNK]):
        fold(texts, found)
        last = found[-1][0]
