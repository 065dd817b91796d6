"""What a signal does and why, in words."""

from annotation.signals.kinds import SignalKind
from annotation.signals.reliability import Reliability, SignalEffect, SignalRate
from projects.formatting import plural
from projects.project_settings import RoutingSettings


def kind_effect(kind: SignalKind, known: Reliability, settings: RoutingSettings) -> str:
    """What signals of a kind do: one clause, with the numbers that decide."""
    actors = [actor for name, actor in known.actors if name == kind.name]
    trusted = [actor for actor in actors if known.effect(kind, actor, settings) == SignalEffect.LABELS]
    if trusted:
        rest = "asks" if _may_ask(kind) else "does nothing"
        return f"labels where {plural(len(trusted), 'actor is,actors are')} reliable; of all others it {rest}"
    effect, rate = known.effect(kind, "", settings), known.kinds.get(kind.name)
    if effect == SignalEffect.REVIEW:
        return "goes to Review, for a person to read"
    if effect == SignalEffect.NOTHING and not kind.has_claim:
        return "counts as seen; nothing is labelled or asked by it"
    does = "asks" if effect == SignalEffect.ASKS else "does nothing"
    return f"{does}, never labels: {_why_no_label(kind, rate, settings)}"


def actor_effect(kind: SignalKind, own: SignalRate, known: Reliability, settings: RoutingSettings) -> str:
    """What signals of one actor do, and why."""
    limit = f"{settings.label_signals_above:.0%}"
    if known.effect(kind, own.actor, settings) == SignalEffect.LABELS:
        return f"labels: lower limit above {limit}"
    does = "asks" if _may_ask(kind) else "does nothing"
    of_kind = known.kinds.get(kind.name)
    if kind.has_claim and own.low is not None and own.low > settings.label_signals_above:
        return f"{does}: {_why_no_label(kind, of_kind, settings)}"
    return f"{does}: lower limit not above {limit}" if kind.has_claim else f"{does}: it names no label"


def _why_no_label(kind: SignalKind, rate: SignalRate | None, settings: RoutingSettings) -> str:
    if not kind.has_claim:
        return "it names no label"
    if rate is None or not rate.n:
        return "nothing of it is audited yet"
    if rate.n < settings.label_signals_after:
        return f"{rate.n:,} of {settings.label_signals_after:,} audited items"
    return f"no actor's lower limit is above {settings.label_signals_above:.0%}"


def _may_ask(kind: SignalKind) -> bool:
    return kind.objection or kind.outcome
