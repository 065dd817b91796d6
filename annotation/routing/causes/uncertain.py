"""Uncertain, and typical where no model can score yet: what a label would teach most, by the sampling round."""

from collections.abc import Iterable

import numpy as np

from annotation.models import Cause
from annotation.routing.registry import Pick, Round, RoutingCause, register
from annotation.sampling.pool import Selection
from annotation.sampling.query_round import picks_for, select
from annotation.sampling.strategies.registry import WITHOUT_SCORES

COLD_ARMS = ("typical", "signal")


def propose(round_: Round, places: int) -> Iterable[Pick]:
    """Scored items by the queue's strategy; items that no version has scored only when no other is left."""
    found = round_.candidates
    wanted = picks_for(places, audit_share=round_.project.routing_settings().audit_share)
    if found.compared:
        round_.words.append(found.compared)
    free = np.array([pk not in round_.taken for pk in found.ids.tolist()], dtype=bool)
    for scored in (True, False):
        rows = np.flatnonzero(free & (found.scored == scored))
        if wanted < 1 or not len(rows):
            continue
        chosen = select(
            round_.pool(rows, scored=scored),
            size=min(wanted, len(rows)),
            strategy=round_.strategy if scored or round_.strategy in WITHOUT_SCORES else "auto",
            seed=int(round_.rng.integers(2**31)),
        )
        round_.words.append(f"{len(chosen)} of {len(rows):,} candidates by {chosen.strategy}: {chosen.why}.")
        yield from _picks(round_, rows, chosen)
        wanted -= len(chosen)


def _picks(round_: Round, rows: np.ndarray, chosen: Selection) -> Iterable[Pick]:
    found = round_.candidates
    for index, arm, reason, numbers in zip(chosen.index, chosen.arm, chosen.reason, chosen.numbers, strict=True):
        row = int(rows[index])
        yield Pick(
            item_id=int(found.ids[row]),
            reason=reason,
            numbers=numbers,
            strategy=chosen.strategy,
            scored_by=found.scored_by[row],
            cause=Cause.TYPICAL if arm in COLD_ARMS or not found.scored[row] else Cause.UNCERTAIN,
        )


CAUSE = register(RoutingCause(Cause.UNCERTAIN, Cause.UNCERTAIN.label, propose, order=90))
