"""Where what is known of an item comes from: by which probability and cause it was chosen, how its value was agreed."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from annotation.models import ContractViolation, Item, Resolution, RoutedItem


def item_provenance(items: Sequence[Item]) -> dict[int, dict[str, Any]]:
    """By the id of each item, as plain JSON: `sampling`, `lineage`; `resolution` where a value is agreed; `violations`
    where values broke the input contract."""
    ids = [item.pk for item in items]
    agreed = {one.item_id: one for one in Resolution.objects.current().filter(item__in=ids)}
    routed: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in RoutedItem.objects.filter(item__in=ids).select_related("queue").order_by("pk"):
        routed[one.item_id].append(_routed(one))
    broken: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in ContractViolation.objects.filter(item__in=ids).order_by("pk"):
        broken[row.item_id].append({"input": row.input, "rule": row.rule, "given": row.given, "exact": row.exact})
    return {
        item.pk: {
            "sampling": {
                "audit_probability": item.audit_probability,
                "drawn": item.is_drawn,
                "routed": routed[item.pk],
            },
            "lineage": {
                "contract_version": item.contract_version,
                "captured_at": item.captured_at.isoformat(),
            },
        }
        | ({"resolution": _resolution(agreed[item.pk])} if item.pk in agreed else {})
        | ({"violations": broken[item.pk]} if item.pk in broken else {})
        for item in items
    }


def _routed(one: RoutedItem) -> dict[str, Any]:
    return {
        "queue": one.queue.slug,
        "cause": one.cause,
        "inclusion_probability": one.inclusion_probability,
        "evaluation": one.evaluation,
        "strategy": one.strategy,
        "scored_by": one.scored_by,
        "at": one.routed_at.isoformat(),
    }


def _resolution(one: Resolution) -> dict[str, Any]:
    return {
        "method": one.method,
        "quality": one.quality,
        "votes": one.votes,
        "evaluation": one.evaluation,
        "at": one.resolved_at.isoformat(),
        **({"also": one.also} if one.also else {}),
    }
