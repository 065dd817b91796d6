"""Overridden: somebody corrected a prediction, objected to it or escalated it."""

from collections.abc import Iterable

from annotation.models import Cause
from annotation.routing import negative_signals
from annotation.routing.registry import Pick, Round, RoutingCause, register
from annotation.signals import kinds


def propose(round_: Round, places: int) -> Iterable[Pick]:
    return negative_signals.propose_picks(round_, kinds.objections())


CAUSE = register(RoutingCause(Cause.OVERRIDDEN, Cause.OVERRIDDEN.label, propose, urgent=True, order=10))
