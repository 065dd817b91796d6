"""Disagreement: two versions answer differently, and labels there decide which is better.

Rounds propose nothing by it: a comparison draws its items and asks for them (`ask`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from annotation.item_locks import lock_items
from annotation.models import Cause, RoutedItem, RoutedState
from annotation.routing import placing
from annotation.routing.registry import Pick, Round, RoutingCause, register
from projects.chunks import chunks
from projects.models import Project


def propose(round_: Round, places: int) -> Iterable[Pick]:
    return []


CAUSE = register(RoutingCause(Cause.DISAGREEMENT, Cause.DISAGREEMENT.label, propose, order=200))


@transaction.atomic
def request_draws(project: Project, picks: Sequence[Pick], *, at: datetime) -> int:
    """Put drawn items before people as evaluation items; how many are new questions, the audit's among them.

    They count as asked, in the order of their draw. One that waits already stays where it is and is measured with from
    now on; one that has a label is not asked again.
    """
    placing.lock(project, at=at)
    chosen = placing.choose(project, CAUSE, picks, most=len(picks), taken=set(), at=at)
    lock_items(pick.item_id for pick in chosen.asked)
    waiting = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN)
    for chunk in chunks([pick.item_id for pick in chosen.asked]):
        waiting.filter(item__in=chunk).update(evaluation=True)
    return sum(placing.place(project, [chosen], audit=0, at=at).values())
