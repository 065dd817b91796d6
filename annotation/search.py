"""Search: the items whose key or values hold the words of a query, in any script and on either database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from annotation.models import Item, SearchText
from annotation.models.capture import ITEM
from inputs.search import query_parts, search_text, search_texts
from projects.bulk_insert import insert_new
from projects.chunks import CHUNK
from projects.models import Project

RECENT = timedelta(days=1)
MOST_AT_ONCE = 2000


def store(project: Project, items: Sequence[tuple[int, str, Mapping[str, Any]]]) -> None:
    """Keep the search text of new items, given as id, key and inputs; one that is there stays."""
    types = project.contract().types()
    columns: dict[str, list[Any]] = {
        "item_id": [pk for pk, _, _ in items],
        "text": search_texts(((key, inputs) for _, key, inputs in items), types),
    }
    insert_new(SearchText, columns, project_id=project.pk)


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


def matches(project: Project, query: str) -> Q:
    """The condition that an item of this project has this id, or holds each word and each quoted phrase of the query.

    It costs one look at every search text of the project: no index serves a part of a word in any script.
    """
    parts = query_parts(query)
    found = SearchText.objects.filter(*[Q(text__contains=part) for part in parts], project=project)
    condition = Q(pk__in=found.values("item")) if parts else Q()
    return condition | Q(uid=query.strip()) if query.strip().startswith(f"{ITEM}_") else condition
