"""The order of a list of items, and its pages in both directions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F, Q, QuerySet, Subquery

from analysis.item_conditions import SORTED, InputNumber, InputText
from analysis.item_filters import BadFilter, Filters
from annotation.models import Item
from projects import paging
from projects.models import Project
from projects.paging import BadCursor

TIME, SCORE, MARGIN, INPUT, SIMILAR = "time", "score", "margin", "input", "similar"
BY_TIME = ("at", "pk")
GONE = "The item at which this page begins is no longer in this view."


@dataclass(frozen=True)
class ItemOrder:
    """What items are sorted by: time, score, margin, an input or their distance from the item that they are similar to;
    the largest first unless `ascending`."""

    by: str = TIME
    input: str = ""
    ascending: bool = False

    @property
    def name(self) -> str:
        """As an address gives it, "" for the usual order."""
        what = f"{self.by}:{self.input}" if self.input else self.by
        return "" if self == ItemOrder() else what if self.ascending else f"-{what}"

    def limit(self, filters: Filters) -> Filters:
        """The filters with the one that leaves items without such a value out, which no order has a place for.

        Raises BadFilter for an order by distance where no item is named.
        """
        if self.by == SIMILAR and not filters.similar:
            raise BadFilter("Sort similar goes with the filter similar, which names an item.")
        if self.by == SCORE:
            return replace(filters, confidence=filters.confidence or "..")
        if self.by == MARGIN:
            return replace(filters, margin=filters.margin or "..")
        if self.by == INPUT and not any(text.startswith(f"{self.input}:") for text in filters.input):
            return replace(filters, input=(*filters.input, f"{self.input}:.."))
        return filters

    def expression(self, answers: QuerySet[Any], types: Mapping[str, str]) -> Any:
        """The value that items are sorted by; `answers` has the shown predictions of an outer item, the first first."""
        if self.by == TIME:
            return F("at")
        if self.by == INPUT:
            return InputNumber(self.input) if types[self.input] == "number" else InputText(self.input)
        return Subquery(answers.values("confidence" if self.by == SCORE else "margin")[:1])


def parse_order(text: str, project: Project) -> ItemOrder:
    """The order that an address asks for: "score" the lowest first, "-score" the highest. Raises BadFilter."""
    text = text[:220].replace("\x00", "")
    if not text:
        return ItemOrder()
    ascending, what = not text.startswith("-"), text.removeprefix("-")
    by, _, name = what.partition(":")
    types = project.contract().types()
    sortable = [f"input:{one}" for one, kind in types.items() if kind in SORTED]
    if what not in (TIME, SCORE, MARGIN, SIMILAR, *sortable):
        shown = ", ".join([TIME, SCORE, MARGIN, SIMILAR, *sortable][:12])
        raise BadFilter(f"Sort is {text[:40]!r}; it takes {shown}, each with - before it for the largest first.")
    return ItemOrder(by, name, ascending)


@dataclass(frozen=True)
class PageStart:
    """Where a page begins: behind an item, or before it."""

    after: str = ""
    before: str = ""

    @property
    def cursor(self) -> str:
        return self.after or self.before

    @property
    def backwards(self) -> bool:
        return bool(self.before) and not self.after


def sorted_from(
    rows: QuerySet[Any], order: ItemOrder, place: PageStart, *, item: str = "pk", start: QuerySet[Any] | None = None
) -> QuerySet[Any]:
    """The rows from the place on, or before it and then the nearest first. Raises BadCursor.

    They have the `sort_value` of the item whose id their field `item` has, as have the items of `start`, among which
    that of the cursor is looked up.
    """
    ascending = order.ascending != place.backwards
    if place.cursor:
        value, pk = _values(rows if start is None else start, order, place.cursor)
        end = "gt" if ascending else "lt"
        rows = rows.filter(Q(**{f"sort_value__{end}": value}) | Q(**{"sort_value": value, f"{item}__{end}": pk}))
    sign = "" if ascending else "-"
    return rows.order_by(f"{sign}sort_value", f"{sign}{item}")


def cut(pairs: list[tuple[Any, int]], order: ItemOrder, place: PageStart) -> list[int]:
    """Ids of the items from the place on, of all of them as pairs of sort value and id. Raises BadCursor."""
    ascending = order.ascending != place.backwards
    if place.cursor:
        start = _place_among(pairs, order, place.cursor)
        pairs = [pair for pair in pairs if (pair > start if ascending else pair < start)]
    return [pk for _, pk in sorted(pairs, reverse=not ascending)]


def _place_among(pairs: list[tuple[Any, int]], order: ItemOrder, cursor: str) -> tuple[Any, int]:
    if order.by == TIME:
        at, pk = paging.cursor_values(Item.objects.all(), cursor, by=BY_TIME)
        return at, pk
    (pk,) = paging.cursor_values(Item.objects.all(), cursor, by=("pk",))
    found = next((pair for pair in pairs if pair[1] == pk), None)
    if found is None:
        raise BadCursor(GONE)
    return found


def cursor_of(row: Any, order: ItemOrder) -> str:
    """What names this row in an address."""
    return paging.cursor_of(row, by=BY_TIME) if order.by == TIME else str(row.pk)


def _values(items: QuerySet[Any], order: ItemOrder, cursor: str) -> tuple[Any, int]:
    """The sort value and the id of the row that a cursor names. Raises BadCursor."""
    if order.by == TIME:
        at, pk = paging.cursor_values(Item.objects.all(), cursor, by=BY_TIME)
        return at, pk
    (pk,) = paging.cursor_values(Item.objects.all(), cursor, by=("pk",))
    row = items.filter(pk=pk).values_list("sort_value", flat=True).first()
    if row is None:
        raise BadCursor(GONE)
    return row, pk
