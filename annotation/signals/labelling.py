"""Labels from signals: where the actors of a kind are right often enough, what they claim resolves the item.

Only an item is resolved that nobody was asked about: what the audit drew or a round asked is labelled by people, so
that metrics, and the reliability itself, stay measured by people alone. Claims that differ resolve nothing.
"""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation import resolution_events
from annotation.item_locks import lock_items
from annotation.models import DRAWN, Item, NoLabelDecision, Resolution, RoutedItem, RoutedState, Signal
from annotation.signals import kinds, maturity, reliability
from annotation.signals.claims import Claim, claims_about, differing
from annotation.signals.reliability import Reliability
from projects.chunks import chunks
from projects.models import Project

MOST = 2000  # signals weighed at once
WAITS = [RoutedState.OPEN, RoutedState.REVIEW]


def label_from_signals(project: Project, *, at: datetime) -> int:
    """Resolve the items that signals of reliable actors are about; returns how many."""
    known = reliability.load(project)
    trusted = labelling_actors(project, known)
    if known.version:
        _weigh_again(project, trusted)
    if not trusted:
        return 0
    waiting = _unweighed(project, trusted, at=at)
    rows = list(waiting.order_by("at", "pk").values_list("pk", "item", "kind")[:MOST])
    made = _resolve(project, {item for _, item, _ in rows}, trusted, known, at=at)
    approvals = [pk for pk, _, name in rows if (kind := kinds.kind_named(name)) and kind.approval]
    for chunk in chunks(approvals):  # one that settles nothing asks nobody; the others are weighed by routing
        Signal.objects.filter(pk__in=chunk).update(weighed_at=at)
    return made


def labelling_actors(project: Project, known: Reliability) -> set[tuple[str, str]]:
    """Kind and actor of the signals that may become labels now; anybody can claim to be an untrusted one."""
    settings = project.routing_settings()
    named = ((kinds.kind_named(name), actor) for name, actor in known.actors if not actor.startswith(kinds.UNTRUSTED))
    return {(kind.name, actor) for kind, actor in named if kind and known.labels(kind, actor, settings)}


def _unweighed(project: Project, trusted: Collection[tuple[str, str]], *, at: datetime) -> QuerySet[Signal]:
    waiting = Signal.objects.filter(maturity.counts(project, at=at), project=project, weighed_at=None)
    return waiting.filter(_of(trusted), item__isnull=False)


def _of(trusted: Collection[tuple[str, str]]) -> Q:
    """The condition on signals of these kinds and actors."""
    found = Q()
    for name in sorted({name for name, _ in trusted}):
        found |= Q(kind=name, actor__in=[actor for kind, actor in trusted if kind == name])
    return found


@transaction.atomic
def _weigh_again(project: Project, trusted: set[tuple[str, str]]) -> None:
    """Have the earlier signals of actors that have become reliable weighed once more, where they settled nothing."""
    row = reliability.newest(project)
    wanted = sorted(map(list, trusted))
    if row is None or row.labelling == wanted:
        return
    new = trusted - {(name, actor) for name, actor in row.labelling}
    if new:
        asked, settled = (
            RoutedItem.objects.filter(item=OuterRef("item")),
            Resolution.objects.filter(item=OuterRef("item")),
        )
        before = Signal.objects.filter(_of(new), ~Exists(asked), ~Exists(settled), project=project, item__isnull=False)
        before.filter(weighed_at__isnull=False).update(weighed_at=None)
    row.labelling = wanted
    row.save(update_fields=["labelling"])


@transaction.atomic
def _resolve(
    project: Project, item_ids: set[int], trusted: set[tuple[str, str]], known: Reliability, *, at: datetime
) -> int:
    lock_items(item_ids)
    free = _free(project, item_ids)
    claims = claims_about(project, free, at=at)
    made = 0
    for item_id in sorted(free):
        of_item = claims.get(item_id, [])
        chosen = [claim for claim in of_item if (claim.kind.name, claim.actor) in trusted]
        if chosen and differing(of_item) is None and not _is_denied(project, item_id, chosen[-1]):
            _create(project, chosen[-1], known, at=at)
            made += 1
    return made


def _free(project: Project, item_ids: Collection[int]) -> set[int]:
    """Those of the items that neither were drawn nor asked, and that nothing has settled."""
    waits = RoutedItem.objects.filter(item=OuterRef("pk"), state__in=WAITS)
    none_fits = NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None)
    settled = Resolution.objects.current().filter(item=OuterRef("pk"))
    free = Item.objects.filter(~Exists(waits), ~Exists(none_fits), ~Exists(settled), project=project, asked_at=None)
    found: set[int] = set()
    for chunk in chunks(sorted(item_ids)):
        found |= set(free.exclude(DRAWN).filter(pk__in=chunk).values_list("pk", flat=True))
    return found


def _is_denied(project: Project, item_id: int, claim: Claim) -> bool:
    """Whether an objection without a value speaks against an approval."""
    plain = [name for name in kinds.objections() if (kind := kinds.kind_named(name)) and not kind.has_claim]
    return claim.kind.approval and Signal.objects.filter(item=item_id, kind__in=plain).exists()


def _create(project: Project, claim: Claim, known: Reliability, *, at: datetime) -> None:
    rate = known.actors[claim.kind.name, claim.actor]
    made = Resolution.objects.create(
        project=project,
        item_id=claim.item_id,
        value=claim.value,
        method=Resolution.Method.SIGNAL,
        quality=rate.value or 0.0,
        votes=0,
        signal_id=claim.signal_id,
        reliability_version=known.version,
        resolved_at=at,
    )
    Item.objects.filter(pk=claim.item_id).update(in_pool=False)
    Signal.objects.filter(pk=claim.signal_id).update(weighed_at=at)
    resolution_events.announce(made, project)
