"""Search: the items whose key or values hold the words of a query, in any script and on either database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation import search_index
from annotation.models import Item, SearchText
from annotation.models.capture import ITEM
from inputs.search import query_parts, search_text, search_texts, trigrams
from projects.bulk_insert import insert_new
from projects.chunks import CHUNK
from projects.models import Project

RECENT = timedelta(days=1)
MOST_AT_ONCE = 2000
FEW = 5000  # texts of a project that are looked at one by one in a few milliseconds, whatever other projects have


def store(project: Project, items: Sequence[tuple[int, str, Mapping[str, Any]]]) -> None:
    """Keep the search text of new items, given as id, key and inputs; one that is there stays."""
    types = project.contract().types()
    columns: dict[str, list[Any]] = {
        "item_id": [pk for pk, _, _ in items],
        "text": search_texts(((key, inputs) for _, key, inputs in items), types),
    }
    insert_new(SearchText, columns, project_id=project.pk, indexed=False)


def fill_missing(items: QuerySet[Any], texts: Any, types: Mapping[int, Mapping[str, str]], *, most: int) -> int:
    """Keep the search text of those of the items that have none, the first `most` of them; returns how many.

    `texts` is the model SearchText, in a migration as it was then, and `types` has the input types of each project. In
    chunks, each a transaction where the caller is in none: one that was stopped goes on where it was.
    """
    missing, last, done = items.filter(search_text=None).order_by("pk"), 0, 0
    columns = ("pk", "project", "key", "inputs")
    while rows := list(missing.filter(pk__gt=last).values_list(*columns)[: min(CHUNK, most - done)]):
        texts.objects.bulk_create(
            [
                texts(item_id=pk, project_id=project, text=search_text(key, inputs, types.get(project, {})))
                for pk, project, key, inputs in rows
            ],
            ignore_conflicts=True,
            batch_size=CHUNK,
        )
        last, done = rows[-1][0], done + len(rows)
    return done


def fill_recent(project: Project, *, at: datetime) -> int:
    """Keep the search text of items of the last day that were captured without, as by a process of an older release."""
    recent = Item.objects.filter(project=project, captured_at__gt=at - RECENT)
    return fill_missing(recent, SearchText, {project.pk: project.contract().types()}, most=MOST_AT_ONCE)


@dataclass(frozen=True)
class Found:
    """What a query finds: ids of all items, or None where they are too many, or not to be had without a look at every
    text. `many`: whether it is known that they are too many."""

    ids: tuple[int, ...] | None
    many: bool = False


def find(project: Project, query: str, *, most: int) -> Found:
    """The items that `matches` is true of, by the index, where they are fewer than `most`."""
    parts = query_parts(query)
    holding = _holding(project, parts)
    if not parts:
        return Found(None)
    if SearchText.objects.filter(project=project)[:FEW].count() < FEW:
        ids = set(holding.values_list("pk", flat=True)[:most])
    elif trigrams(parts):
        ids = set(holding.filter(indexed=False).values_list("pk", flat=True)[:most])
        ids |= set(search_index.indexed_items(project, parts, most=most))
    else:
        return Found(None)
    if uid := _as_uid(query):
        ids |= set(Item.objects.filter(project=project, uid=uid).values_list("pk", flat=True))
    return Found(None, many=True) if len(ids) >= most else Found(tuple(ids))


def matches(project: Project, query: str) -> Q:
    """The condition that an item of this project has this id, or holds each word and each quoted phrase of the query.

    It costs a look at the search text of each item that it is asked of (see `find`).
    """
    parts = query_parts(query)
    condition = Q(Exists(_holding(project, parts).filter(item=OuterRef("pk")))) if parts else Q()
    uid = _as_uid(query)
    return condition | Q(uid=uid) if uid else condition


def _holding(project: Project, parts: Sequence[str]) -> QuerySet[SearchText]:
    return SearchText.objects.filter(*[Q(text__contains=part) for part in parts], project=project)


def _as_uid(query: str) -> str:
    """The id of an item that a query is, else ""."""
    return query.strip() if query.strip().startswith(f"{ITEM}_") else ""
