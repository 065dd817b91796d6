"""Search: the items whose key or values hold the words of a query, in any script and on either database."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q

from annotation.models import SearchText
from annotation.models.capture import item_id
from inputs.search import query_parts, search_text
from projects.chunks import CHUNK
from projects.models import Project

ITEM = item_id().partition("_")[0] + "_"  # how the id of an item begins


def store(project: Project, items: Sequence[tuple[int, str, Mapping[str, Any]]]) -> None:
    """Keep the search text of new items, given as id, key and inputs; one that is there stays."""
    types = project.contract().types()
    rows = [SearchText(item_id=pk, project=project, text=search_text(key, inputs, types)) for pk, key, inputs in items]
    SearchText.objects.bulk_create(rows, ignore_conflicts=True, batch_size=CHUNK)


def matches(project: Project, query: str) -> Q:
    """The condition that an item of this project has this id, or holds each word and each quoted phrase of the query.

    It costs one look at every search text of the project: no index serves a part of a word in any script.
    """
    parts = query_parts(query)
    found = SearchText.objects.filter(*[Q(text__contains=part) for part in parts], project=project)
    condition = Q(pk__in=found.values("item")) if parts else Q()
    return condition | Q(uid=query.strip()) if query.strip().startswith(ITEM) else condition
