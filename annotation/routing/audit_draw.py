"""The audit: drawn when an item is captured, by a keyed hash against the probability that the setting in force gives.

The setting (`audit_settings`) holds a rate that follows traffic and what people label, and an allocation by expected
error. A backlog that people cannot reach is thinned at random, never by age; where they are quicker than was thought,
more is drawn from items captured before. Both move probabilities and leave the item's number as it is, so that a draw
can always be replayed (`draw_replay`): drawn is where audit_number < audit_probability.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.utils.crypto import salted_hmac

from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import (
    AuditSetting,
    Cause,
    Item,
    MovedProbability,
    NoLabelDecision,
    Resolution,
    RoutedItem,
    RoutedState,
    Slot,
    SlotState,
)
from annotation.routing import audit_settings, daily_rates
from annotation.routing.candidates import WINDOW
from annotation.sampling.design import poisson
from projects.chunks import CHUNK, chunks
from projects.models import Project
from projects.project_settings import BadSpec, RoutingSettings

DRAW_FIELDS = (
    "audit_number",
    "sample_number",
    "audit_probability",
    "audit_setting",
    "audit_confidence",
    "in_pool",
)
DRAWN_AT_ONCE = 20_000  # items of a former version that have no draw yet, in one round
SALT = "annotation.audit"


@dataclass(frozen=True)
class Review:
    """What one look at the audit changed: the new rate, items taken out of the backlog, items drawn beside it."""

    rate: float
    thinned: int
    drawn: int


def draw(project: Project, items: Sequence[Item], *, known: Collection[str] = (), at: datetime) -> None:
    """Give unsaved items their numbers and probabilities; those of a `known` label stay out of the design."""
    drawn = draw_columns(project, [item.key for item in items], known=known, at=at)
    for name in DRAW_FIELDS:
        for item, value in zip(items, drawn[name], strict=True):
            setattr(item, name, value)


def draw_columns(
    project: Project,
    keys: Sequence[str],
    *,
    confidence: Sequence[float | None] = (),
    versions: Sequence[str] = (),
    known: Collection[str] = (),
    at: datetime,
) -> dict[str, list[Any]]:
    """The fields of the draw for new items of these keys, a list each, by name.

    confidence, versions: how sure which version was of each item, None without scores; () where nothing was said.
    """
    setting = _setting_in_force(project, len(keys), at)
    followed = audit_settings.followed(setting, confidence or [None] * len(keys), versions or [""] * len(keys))
    chances = audit_settings.probabilities(setting, followed).tolist()
    numbers = poisson.draw_numbers(secret(project), keys)
    in_pool = [key not in known for key in keys]
    return {
        "audit_number": numbers[:, 0].tolist(),
        "sample_number": numbers[:, 1].tolist(),
        "audit_probability": _where(in_pool, chances),
        "audit_setting": _where(in_pool, [setting.version] * len(keys)),
        "audit_confidence": _where(in_pool, [sure if sure == sure else None for sure in followed.tolist()]),
        "in_pool": in_pool,
    }


def _where(chosen: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    return [value if kept else None for kept, value in zip(chosen, values, strict=True)]


def draw_missing(project: Project, *, at: datetime) -> int:
    """Draw for items that were captured without a draw, as by a former version; at most `DRAWN_AT_ONCE`.

    Those that have a label already stay out of the design.
    """
    missing = Item.objects.filter(project=project, in_pool=True, audit_probability=None).order_by("pk")
    done = 0
    while done < DRAWN_AT_ONCE and (items := list(missing.only("key", "project")[:CHUNK])):
        resolved = Resolution.objects.current().filter(item__in=[item.pk for item in items])
        draw(project, items, known=set(resolved.values_list("item__key", flat=True)), at=at)
        with transaction.atomic():
            lock_items(item.pk for item in items)
            Item.objects.bulk_update(items, DRAW_FIELDS)
        done += len(items)
    return done


def secret(project: Project) -> bytes:
    """What the project's keys are hashed with: known to this installation alone."""
    return salted_hmac(SALT, str(project.pk), algorithm="sha256").digest()


def draw_numbers(project: Project, keys: Sequence[str]) -> list[list[float]]:
    """The two numbers of each key, the audit's first: whenever they are computed, the same."""
    return poisson.draw_numbers(secret(project), keys).tolist()


def _setting_in_force(project: Project, batch: int, at: datetime) -> AuditSetting:
    """The newest setting; at the first capture, the rate for a batch that is all that comes in a week."""
    if (found := audit_settings.in_force(project)) is not None:
        return found
    queues.ensure(project, Cause.AUDIT, at=at)
    share = _share(project)
    first = poisson.audit_rate(
        share=share, labels_a_day=daily_rates.LABELS_A_DAY, items_a_day=batch / poisson.HORIZON_DAYS
    )
    return audit_settings.begin(project, rate=first, at=at)


def _share(project: Project) -> float:
    """The audit's share of the labels. Settings that cannot be read stop routing, but never a capture."""
    try:
        return project.routing_settings().audit_share
    except BadSpec:
        return RoutingSettings().audit_share


def review(project: Project, *, at: datetime) -> Review:
    """Set the rate by traffic and by what people label, and how it is spread; thin a backlog or draw more beside it."""
    share, labels = project.routing_settings().audit_share, daily_rates.labels_a_day(project, at=at)
    rate = poisson.audit_rate(share=share, labels_a_day=labels, items_a_day=daily_rates.items_a_day(project, at=at))
    queues.ensure(project, Cause.AUDIT, at=at)
    setting = audit_settings.revise(project, rate=rate, at=at)
    limit = poisson.backlog_limit(share=share, labels_a_day=labels)
    waiting = _waiting(project).count()
    factor = poisson.thinning_factor(waiting, limit)
    thinned = _thin(project, factor, at=at) if factor < 1 else 0
    missing = round(share * labels) - waiting
    drawn = draw_more(project, missing, most=share, at=at) if missing > share * labels / 2 else 0
    return Review(setting.rate, thinned, drawn)


def _waiting(project: Project) -> QuerySet[Item]:
    """Drawn items that nobody has answered, and that the active part has not asked for their own sake."""
    resolved = Resolution.objects.current().filter(item=OuterRef("pk"))
    closed = RoutedItem.objects.filter(item=OuterRef("pk"), state=RoutedState.REVIEW)
    no_label = NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None)
    drawn = Item.objects.drawn().filter(project=project, asked_at=None)
    return drawn.filter(~Exists(resolved), ~Exists(closed), ~Exists(no_label))


def _thin(project: Project, factor: float, *, at: datetime) -> int:
    """Multiply the probability of what waits, but for what somebody holds; take what is no longer drawn out again."""
    held = Slot.objects.filter(item=OuterRef("pk"), state__in=[SlotState.LEASED, SlotState.FILLED])
    ids = list(_waiting(project).filter(~Exists(held)).values_list("pk", flat=True))
    return sum(_thin_chunk(project, chunk, factor, at=at) for chunk in chunks(ids))


@transaction.atomic
def _thin_chunk(project: Project, ids: Sequence[int], factor: float, *, at: datetime) -> int:
    """How many of these items are no longer drawn; those leave the audit queue, and no other queue."""
    lock_items(ids)
    items = Item.objects.filter(pk__in=ids)
    items.update(audit_probability=F("audit_probability") * factor)
    moved = MovedProbability.objects.filter(item__in=ids)
    before = set(moved.values_list("item", flat=True))
    moved.update(thinned_by=F("thinned_by") * factor)
    MovedProbability.objects.bulk_create(
        [MovedProbability(item_id=pk, thinned_by=factor) for pk in ids if pk not in before]
    )
    out = list(items.filter(audit_number__gte=F("audit_probability")).values_list("pk", flat=True))
    in_queue = RoutedItem.objects.filter(item__in=ids, cause=Cause.AUDIT)
    if queued := list(in_queue.values_list("item", flat=True)):
        _write_probabilities(Item.objects.filter(pk__in=queued))
        waiting = in_queue.filter(item__in=out, state=RoutedState.OPEN)
        queues.withdraw(project, item_ids=list(waiting.values_list("item", flat=True)), at=at)
    return len(out)


def draw_more(project: Project, count: int, *, most: float, at: datetime) -> int:
    """Raise the probability of the window's items so far that `count` more are drawn; returns how many were.

    Items that a person or the active part has chosen keep theirs: they may have been trained on.
    """
    pool = Item.objects.filter(project=project, in_pool=True, considered_at=None, audit_probability__isnull=False)
    window = pool.filter(captured_at__gt=at - WINDOW)
    scope = window if window.exists() else pool
    undrawn = scope.filter(audit_number__gte=F("audit_probability"))
    if count < 1:
        return 0
    smallest = undrawn.order_by("audit_number").values_list("audit_number", flat=True)[: count + 1]
    numbers = np.array(list(smallest), dtype=np.float64)
    threshold = poisson.threshold_for(numbers, count, most=most)
    lower = scope.filter(audit_number__lt=threshold, audit_probability__lt=threshold)
    ids = list(lower.values_list("pk", flat=True))
    for chunk in chunks(ids):
        _raise_chunk(chunk, threshold)
    return int((numbers < threshold).sum())


@transaction.atomic
def _raise_chunk(ids: Sequence[int], threshold: float) -> None:
    lock_items(ids)
    items = Item.objects.filter(pk__in=ids)
    items.update(audit_probability=threshold)
    MovedProbability.objects.bulk_create(
        [MovedProbability(item_id=pk, raised_to=threshold) for pk in ids],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["raised_to", "thinned_by"],
    )
    _write_probabilities(items)


def _write_probabilities(items: QuerySet[Item]) -> None:
    """Write the items' audit probabilities to their places in the audit queue."""
    rows = RoutedItem.objects.filter(item__in=items, cause=Cause.AUDIT)
    probability = Subquery(Item.objects.filter(pk=OuterRef("item")).values("audit_probability")[:1])
    rows.update(audit_probability=probability)
    rows.filter(inclusion_probability__lt=1).update(inclusion_probability=probability)


def not_asked(project: Project) -> QuerySet[Item]:
    """Drawn items that no queue has seen and nobody has labelled, in random order."""
    routed = RoutedItem.objects.filter(item=OuterRef("pk"))
    resolved = Resolution.objects.current().filter(item=OuterRef("pk"))
    drawn = Item.objects.drawn().filter(~Exists(routed), ~Exists(resolved), project=project)
    return drawn.order_by("sample_number", "pk")


def queue_draws(project: Project, items: Sequence[Item], *, reason: str = "", at: datetime) -> queues.Put:
    """Put drawn items into the audit queue. Those that the active part asked as well are chosen for certain."""
    entries = [_entry(item, reason, 1 - (place + 0.5) / len(items)) for place, item in enumerate(items)]
    return queues.add_entries(queues.ensure(project, Cause.AUDIT, at=at), entries, at=at)


def _entry(item: Item, reason: str, priority: float) -> queues.Entry:
    probability = item.audit_probability
    assert probability is not None  # a drawn item has one
    return queues.Entry(
        item_id=item.pk,
        reason=reason or f"drawn for the audit, probability {probability:.3g}",
        numbers={"also_active": item.asked_at is not None},
        inclusion_probability=probability if item.asked_at is None else 1.0,
        audit_probability=probability,
        priority=priority,
        evaluation=True,
        strategy="poisson",
    )


def queue_more_draws(project: Project, count: int, *, reason: str, at: datetime) -> queues.Put:
    """Ask `count` more audit items: what is drawn and not asked yet, then what is drawn beside it for this."""
    draw_missing(project, at=at)
    waiting = list(not_asked(project)[:count])
    if len(waiting) < count:
        draw_more(project, count - len(waiting), most=1.0, at=at)
        waiting = list(not_asked(project)[:count])
    return queue_draws(project, waiting, reason=reason, at=at)
