"""The items that a view of the explorer shows, the same for the page and the API."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    JSONField,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Length

from analysis import item_conditions
from analysis.item_answers import ANSWER_FILTERS, ShownAnswers
from analysis.item_facts import JsonText, current_resolution, passing_facts
from analysis.item_filters import Filters, filter_values
from analysis.item_pages import MARGIN, SCORE, SIMILAR, TIME, ItemOrder, PageStart, cursor_of, cut, sorted_from
from analysis.neighbours import SimilarItems, similar_items
from analysis.side_conditions import agreed_side_answers
from annotation import blinding, kinds, search
from annotation.item_keys import id_list
from annotation.models import Item, Resolution, RoutedItem
from projects.chunks import within_size
from projects.models import Project, User

PAGE = 30
MOST_COUNTED = 10_001  # counting stops there: nobody reads the exact number of a million
PAGE_CHARACTERS = 4_000_000  # of the inputs of one page
NEWEST, FIRST = ItemOrder(), PageStart()
BLOCK = 300  # predictions that a page by score looks at first


@dataclass(frozen=True)
class SelectedPage:
    """The items of one page, the cursors of its neighbours, "" where there is none, and how many match in all, at most
    MOST_COUNTED; `similar` has what the items were compared with, where they were."""

    rows: list[Any]
    next: str
    previous: str
    total: int
    similar: SimilarItems | None = None


@dataclass(frozen=True)
class ItemSelection:
    """The items of a project that pass the filters, as `viewer` may see them; None sees everything.

    Where the viewer may not see what was said of an item, filters by it leave the item out (see `count_left_out`).
    """

    project: Project
    filters: Filters
    at: datetime
    viewer: User | None = None

    @cached_property
    def answers(self) -> ShownAnswers:
        return ShownAnswers(self.project, self.filters)

    @cached_property
    def narrowed(self) -> list[int] | None:
        """Ids of the items that pass the filters by answer and score, by text, by what was agreed and by similarity, of
        those of them that leave fewer than MOST_COUNTED items; None where none of them does."""
        similar = self.similar.ids if self.similar else None
        known = [ids for ids in (self._by_answer, self._by_text.ids, self._by_truth, similar) if ids is not None]
        return sorted(set(known[0]).intersection(*known[1:])) if known else None

    @cached_property
    def similar(self) -> SimilarItems | None:
        """The items most like the one that the filters name, among those that pass the other filters."""
        if not self.filters.similar:
            return None
        named = Item.objects.filter(project=self.project, uid=self.filters.similar).first()
        others = replace(self, filters=replace(self.filters, similar=""))
        return similar_items(named, others.matching()) if named else SimilarItems((), 0, "")

    @cached_property
    def _by_answer(self) -> list[int] | None:
        """Ids of the items that pass the filters by answer and score; None where these are MOST_COUNTED or more."""
        fitting = self.answers.fitting()
        if fitting is None:
            return None
        if self._is_agreed_on and self.answers.are_many(MOST_COUNTED):
            fitting = self.answers.fitting_of(item__in=self._agreed().values("item"))
        blind = blinding.blind_ids(self.project, self.viewer, fewer_than=MOST_COUNTED)
        if blind is None:
            fitting = fitting.filter(~blinding.blind_condition(self.project, self.viewer, item="item"))
        most = MOST_COUNTED + len(blind or ())
        ids = [pk for pk in fitting.values_list("item_id", flat=True)[:most] if pk not in (blind or ())]
        return ids if len(ids) < MOST_COUNTED else None

    @cached_property
    def _by_truth(self) -> list[int] | None:
        """Ids of the items that were resolved as the filters say; None where these are MOST_COUNTED or more."""
        if not self._is_agreed_on:
            return None
        ids = list(self._agreed().values_list("item_id", flat=True)[:MOST_COUNTED])
        return ids if len(ids) < MOST_COUNTED else None

    @property
    def _is_agreed_on(self) -> bool:
        """Whether the filters name an agreed answer, to the decision or to a side question."""
        return bool(self.filters.truth or self.filters.also)

    def _agreed(self) -> QuerySet[Resolution]:
        found = Resolution.objects.current().filter(project=self.project)
        if self.filters.truth:
            found = found.filter(value=filter_values(self.project)[self.filters.truth])
        return found.filter(agreed_side_answers(self.project, self.filters.also)) if self.filters.also else found

    @cached_property
    def _by_text(self) -> search.Found:
        query = self.filters.q
        return search.find(self.project, query, most=MOST_COUNTED) if query else search.Found(None)

    def matching(self, among: Sequence[int] | None = None) -> QuerySet[Item]:
        """The items that pass, all or those of these ids, with nothing beside them."""
        items = Item.objects.filter(project=self.project)
        ids = self.narrowed if among is None else among
        items = items if ids is None else items.filter(pk__in=id_list(ids))
        if among is not None and self.similar:
            items = items.filter(pk__in=self.similar.ids)
        if among is not None or self._by_answer is None:
            if self.answers.are_filtered:
                items = items.filter(Exists(self.answers.fitting_of(item=OuterRef("pk"))))
            if self.filters.reveal and self.viewer is not None:
                items = items.filter(~blinding.blind_condition(self.project, self.viewer))
        if self.filters.q and (among is not None or self._by_text.ids is None):
            items = items.filter(search.matches(self.project, self.filters.q))
        return self._passing_others(items)

    def count(self) -> int:
        """How many pass, at most MOST_COUNTED."""
        others = {name for name, _ in self.filters.active()} - set(ANSWER_FILTERS)
        many = self.answers.are_filtered and others <= {"truth", "also"}
        if self._by_answer is not None and not others:
            return len(self._by_answer)
        if self.narrowed is None and (
            many or (self._by_text.many and others == {"q"} and not self.answers.are_filtered)
        ):
            return MOST_COUNTED
        found = self.matching()
        if self.narrowed is None and self._is_agreed_on:
            # Few items of many are resolved: SQLite begins with these where they stand in an IN.
            found = found.filter(pk__in=self._agreed().values("item"))
        return found.values("pk")[:MOST_COUNTED].count()

    def _passing_others(self, items: QuerySet[Any]) -> QuerySet[Any]:
        """Those that pass all filters but those by answer, score and text."""
        filters = self.filters
        types = self.project.contract().types() if filters.input else {}
        for text in filters.input:
            items = items.filter(item_conditions.input_condition(text, types))
        if filters.disagree:
            says, truth = (value for _, value in self._texts())
            items = items.alias(says_text=says, truth_text=truth)
            items = items.filter(says_text__isnull=False, truth_text__isnull=False).exclude(truth_text=F("says_text"))
        return passing_facts(items, self.project, filters, at=self.at)

    def _texts(self) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """What is said of an item and what was agreed: each as it is, and as a text that can be compared."""
        wanted, agreed = self.answers.of_item(), current_resolution()
        truth, says = (Subquery(rows.values("value")[:1], output_field=JSONField()) for rows in (agreed, wanted))
        if not kinds.class_names(self.project):
            return (says, JsonText(says)), (truth, JsonText(truth))
        label = Subquery(wanted.annotate(counted=self.answers.counted_label()).values("counted")[:1])
        return (label, label), (JsonText(truth), JsonText(truth))

    def beside(self, items: QuerySet[Any]) -> QuerySet[Any]:
        """The items with `says`, `score`, `margin`, `truth`, `also` and `cause` beside each.

        `says` and `truth` are labels where the kind of task has classes, else JSON values. Of an item to
        which the viewer is `blind`, nothing of it stands there.
        """
        wanted = self.answers.of_item()
        routed = RoutedItem.objects.filter(item=OuterRef("pk")).order_by("-routed_at", "-pk")
        (says, _), (truth, _) = self._texts()
        return items.annotate(
            blind=blinding.is_blind(self.project, self.viewer),
            says=_unless_blind(says),
            score=_unless_blind(Subquery(wanted.values("confidence")[:1])),
            margin=_unless_blind(Subquery(wanted.values("margin")[:1])),
            by_version=_unless_blind(Subquery(wanted.values("model_version")[:1])),
            truth=_unless_blind(truth),
            also=_unless_blind(Subquery(current_resolution().values("also")[:1], output_field=JSONField())),
            cause=_unless_blind(Subquery(routed.values("cause")[:1], output_field=CharField())),
        )


def select(project: Project, filters: Filters, *, at: datetime, viewer: User | None = None) -> QuerySet[Any]:
    """The items of the view, with what is known beside each, newest first."""
    selection = ItemSelection(project, filters, at, viewer)
    return selection.beside(selection.matching()).order_by("-at", "-pk")


def count_left_out(project: Project, filters: Filters, *, at: datetime, viewer: User | None) -> int:
    """How many items the view leaves out because this person is blind to them, at most MOST_COUNTED."""
    if not filters.reveal:
        return 0
    every = ItemSelection(project, replace(filters, similar=""), at)  # they are not among those that are compared
    blind = blinding.blind_ids(project, viewer, fewer_than=MOST_COUNTED)
    unseen = blinding.blind_condition(project, viewer)
    hidden = every.matching().filter(unseen) if blind is None else every.matching(sorted(blind))
    return hidden.values("pk")[:MOST_COUNTED].count()


def find_page(
    selection: ItemSelection, order: ItemOrder = NEWEST, place: PageStart = FIRST, *, size: int = PAGE
) -> SelectedPage:
    """One page of the items in this order. Raises BadCursor.

    A page ends before `size` where its inputs would be more than PAGE_CHARACTERS; it has one item at least.
    """
    selection = replace(selection, filters=order.limit(selection.filters))
    if selection.narrowed is not None and order.by != TIME:
        pairs = list(_with_sort_value(selection, order).values_list("sort_value", "pk"))
        found, total = cut(pairs, order, place)[: size + 1], len(pairs)
    else:
        found, total = _walk(selection, order, place, size + 1), selection.count()
    if place.backwards and len(found) <= size:  # the first page, as full as any
        return find_page(selection, order, size=size)
    rows = _rows(selection, found[:size], order, backwards=place.backwards)
    more = len(found) > len(rows)
    behind, before = (bool(place.cursor), more) if place.backwards else (more, bool(place.cursor))
    return SelectedPage(
        rows,
        next=cursor_of(rows[-1], order) if rows and behind else "",
        previous=cursor_of(rows[0], order) if rows and before else "",
        total=total,
        similar=selection.similar,
    )


def _with_sort_value(selection: ItemSelection, order: ItemOrder) -> QuerySet[Any]:
    if order.by == SIMILAR and selection.similar:
        ranks = [When(pk=pk, then=Value(rank)) for rank, pk in enumerate(selection.similar.ids)]
        return selection.matching().annotate(
            sort_value=Case(*ranks, default=Value(len(ranks)), output_field=IntegerField())
        )
    types = selection.project.contract().types()
    value = order.expression(selection.answers.of_item(), types)
    return selection.matching().annotate(sort_value=value)


def _walk(selection: ItemSelection, order: ItemOrder, place: PageStart, size: int) -> list[int]:
    """Ids of the items from the place on, found in the order itself."""
    if order.by in (SCORE, MARGIN):
        return _walk_answers(selection, order, place, size)
    return list(sorted_from(_with_sort_value(selection, order), order, place).values_list("pk", flat=True)[:size])


def _walk_answers(selection: ItemSelection, order: ItemOrder, place: PageStart, size: int) -> list[int]:
    """The same by score: predictions in the order of their scores, of which those that are shown are kept.

    Looking at more and more of them costs less than finding out of each prediction of a project whether it is shown.
    """
    field, block = ("confidence" if order.by == SCORE else "margin"), BLOCK
    rows = selection.answers.candidates().annotate(sort_value=F(field))
    ordered = sorted_from(rows, order, place, item="item_id", start=_with_sort_value(selection, order))
    while True:
        pairs = list(ordered.values_list("item_id", "sort_value")[:block])
        ids = [pk for pk, _ in pairs]
        shown = set(selection.answers.fitting_of(item__in=ids).values_list("item_id", field))
        passing = set(selection.matching(ids).values_list("pk", flat=True))
        found = [pk for pk, value in dict.fromkeys(pairs) if (pk, value) in shown and pk in passing]
        if len(found) >= size or len(pairs) < block:
            return found[:size]
        block *= 8


def _rows(selection: ItemSelection, ids: Sequence[int], order: ItemOrder, *, backwards: bool) -> list[Any]:
    """The items of a page with what stands beside them, as many as its size allows, in their order."""
    long = Length(Cast("inputs", TextField()))
    items = selection.beside(Item.objects.filter(pk__in=ids)).defer("inputs").annotate(input_characters=long)
    by_id: dict[int, Any] = {row.pk: row for row in items}
    rows = within_size([by_id[pk] for pk in ids], size=attrgetter("input_characters"), most=PAGE_CHARACTERS)
    inputs = dict(Item.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "inputs"))
    for row in rows:
        row.inputs = inputs[row.pk]
    return rows[::-1] if backwards else rows


def _unless_blind(value: Any) -> Case:
    return Case(When(blind=True, then=None), default=value)
