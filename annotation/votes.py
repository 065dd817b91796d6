"""Votes on a routed item: the labels that fill its slots, as they count where it is agreed on."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from annotation.models import Cause, Label, LabelState, RoutedItem, RoutedState


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
