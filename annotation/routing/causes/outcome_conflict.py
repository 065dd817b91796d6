"""Outcome conflict: what happened in the world differs from the label, or from the prediction where there is none."""

from collections.abc import Iterable

from annotation.models import Cause
from annotation.routing import negative_signals
from annotation.routing.registry import Pick, Round, RoutingCause, register
from annotation.signals import kinds


def propose(round_: Round, places: int) -> Iterable[Pick]:
    return negative_signals.propose_picks(round_, kinds.outcomes())


CAUSE = register(RoutingCause(Cause.OUTCOME_CONFLICT, Cause.OUTCOME_CONFLICT.label, propose, urgent=True, order=20))
