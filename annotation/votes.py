"""Votes on a routed item: the labels that fill its slots, as they count where it is agreed on."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from annotation.models import Cause, Label, LabelState, RoutedItem, RoutedState
from projects.chunks import chunks


@dataclass(frozen=True)
class Vote:
    """One person's label as it counts; `here` is false for a vote of the routing that led to this dispute."""

    value: Any
    user_id: int
    flagged: bool
    here: bool
    also: dict[str, Any] | None = None


def votes_on(routed: RoutedItem) -> list[Vote]:
    """The labels that fill this routed item's slots, after those of the routings that it is the dispute of."""
    mine = Q(slot__routed=routed)
    if routed.cause == Cause.DISPUTED:
        mine |= Q(slot__routed__item=routed.item_id, slot__routed__state=RoutedState.REVIEW)
    rows = Label.objects.filter(mine, state=LabelState.GIVEN, extra=False).order_by("slot__routed", "pk")
    return [
        Vote(value, user_id, flagged, routed_id == routed.pk, also)
        for value, user_id, flagged, routed_id, also in rows.values_list(
            "value", "user", "flagged", "slot__routed", "also"
        )
    ]


def votes_on_disputes(disputes: QuerySet[RoutedItem]) -> dict[int, list[Vote]]:
    """What `votes_on` finds for each of these disputes, by its id, in few queries."""
    by_item = dict(disputes.values_list("item", "pk"))
    found: dict[int, list[Vote]] = {pk: [] for pk in by_item.values()}
    for ids in chunks(list(by_item)):
        mine = Q(slot__routed__in=[by_item[item] for item in ids])
        before = Q(item__in=ids, slot__routed__state=RoutedState.REVIEW)
        rows = Label.objects.filter(mine | before, state=LabelState.GIVEN, extra=False).order_by("slot__routed", "pk")
        for item, value, user, flagged, routed, also in rows.values_list(
            "item", "value", "user", "flagged", "slot__routed", "also"
        ):
            found[by_item[item]].append(Vote(value, user, flagged, routed == by_item[item], also))
    return found
