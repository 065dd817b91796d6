"""What signals bring to a reviewer: escalations, comments, and claims that contradict each other or a person's label.

Of an item that the audit drew and nobody has labelled, nothing is shown to anybody before its label is given:
escalations and comments wait for it, and what is contradicted is asked blind, as everything else.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import kinds as task_kinds
from annotation import queues
from annotation.item_locks import lock_items
from annotation.models import (
    DRAWN,
    IN_REVIEW,
    LONGEST_REASON,
    TO_REVIEW,
    Cause,
    Item,
    NoLabelDecision,
    Queue,
    Resolution,
    RoutedItem,
    RoutedState,
    Signal,
)
from annotation.signals import kinds, maturity
from annotation.signals.claims import Claim, claims_about, differing
from projects import audit
from projects.chunks import chunks
from projects.models import Project, User
from validation import InvalidInput

MOST = 1000  # signals weighed in one round
SHOWN_TEXT = 200
MOST_SHOWN = 10
BY_SIGNAL = "signal"  # the strategy of what came to a reviewer because of a signal


@dataclass(frozen=True)
class ReviewEntry:
    """One item for a reviewer, with why."""

    item_id: int
    cause: Cause
    reason: str


EntriesOf = Callable[[Project, Collection[Signal], datetime], Iterable[ReviewEntry]]


def is_due(project: Project) -> bool:
    """Whether an escalation or a comment waits to be sent."""
    return _remarks(project).exists()


def send_to_review(project: Project, *, at: datetime) -> dict[str, int]:
    """Send what waits; returns how many items by cause."""
    sent = _send(project, _remarks(project), _remark_entries, at=at)
    claims = Signal.objects.filter(maturity.counts(project, at=at), project=project, weighed_at=None)
    valued = [name for name in kinds.names() if (kind := kinds.kind_named(name)) and kind.has_value]
    return sent | _send(project, claims.filter(kind__in=valued, item__isnull=False), _conflict_entries, at=at)


def _remarks(project: Project) -> QuerySet[Signal]:
    """Escalations and comments that were not weighed, but for those of items that are still to be labelled blind."""
    named = [name for name in kinds.names() if (kind := kinds.kind_named(name)) and (kind.escalates or kind.remark)]
    waiting = Signal.objects.filter(project=project, weighed_at=None, item__isnull=False, kind__in=named)
    return waiting.filter(~Exists(_blind_items(project).filter(pk=OuterRef("item"))))


def _blind_items(project: Project) -> QuerySet[Item]:
    """Drawn by the audit, and not settled."""
    settled = Resolution.objects.current().filter(item=OuterRef("pk"))
    none_fits = NoLabelDecision.objects.filter(item=OuterRef("pk"), withdrawn_at=None)
    return Item.objects.filter(DRAWN, ~Exists(settled), ~Exists(none_fits), project=project)


@transaction.atomic
def _send(project: Project, waiting: QuerySet[Signal], entries_of: EntriesOf, *, at: datetime) -> dict[str, int]:
    rows = list(waiting.order_by("at", "pk")[:MOST])
    lock_items({row.item_id for row in rows if row.item_id})
    made: dict[str, int] = {}
    for entry in entries_of(project, rows, at):
        queue = queues.ensure(project, entry.cause, at=at)
        made[entry.cause] = made.get(entry.cause, 0) + _add(queue, entry, at)
    return {cause: count for cause, count in made.items() if count}


def _add(queue: Queue, entry: ReviewEntry, at: datetime) -> bool:
    """Let the item wait for a reviewer, whatever queue it waits in; False where it does for this cause already."""
    of_item = RoutedItem.objects.filter(item=entry.item_id)
    if of_item.filter(cause=entry.cause, state=RoutedState.REVIEW).exists():
        return False
    drawn = Item.objects.drawn().filter(pk=entry.item_id).exists()
    RoutedItem.objects.create(
        project=queue.project,
        queue=queue,
        item_id=entry.item_id,
        cause=entry.cause,
        reason=entry.reason[:LONGEST_REASON],
        inclusion_probability=1.0,
        evaluation=drawn or of_item.filter(evaluation=True).exists(),
        priority=1.0,
        strategy=BY_SIGNAL,
        state=RoutedState.REVIEW,
        routed_at=at,
        closed_at=at,
    )
    return True


class NothingToLeave(InvalidInput):
    """People could not settle the item: it needs a label, or that none fits."""


@transaction.atomic
def leave_as_it_is(item: Item, *, by: User, at: datetime) -> None:
    """A reviewer's decision that what signals brought changes nothing: what was agreed of the item stands.

    Raises NothingToLeave where it waits for another reason.
    """
    lock_items([item.pk])
    waiting = RoutedItem.objects.filter(IN_REVIEW, item=item)
    if waiting.exclude(pk__in=brought_by_signals().values("pk")).exists():
        raise NothingToLeave("People could not settle this item; decide on a label, or that none fits.")
    waiting.update(state=RoutedState.DONE, closed_at=at)
    audit.record("item.left", by=by, at=at, project=item.project, target=item.uid)


def brought_by_signals() -> QuerySet[RoutedItem]:
    """What waits for a reviewer because of signals alone."""
    return RoutedItem.objects.filter(state=RoutedState.REVIEW, strategy=BY_SIGNAL, cause__in=TO_REVIEW)


def shown_signals(project: Project, item_ids: Collection[int]) -> dict[int, list[Signal]]:
    """Item id to the newest signals that a reviewer reads, oldest first; none of items still to be labelled blind."""
    blind = set(_blind_items(project).filter(pk__in=item_ids).values_list("pk", flat=True))
    named = [kind.name for name in kinds.names() if (kind := kinds.kind_named(name)) and kind.is_for_people]
    rows = Signal.objects.filter(item__in=set(item_ids) - blind, kind__in=named).order_by("at", "pk")
    found: dict[int, list[Signal]] = {}
    for row in rows:
        if row.item_id:
            found.setdefault(row.item_id, []).append(row)
    return {item_id: of_item[-MOST_SHOWN:] for item_id, of_item in found.items()}


def _remark_entries(project: Project, rows: Collection[Signal], at: datetime) -> Iterable[ReviewEntry]:
    _weigh(rows, at)
    for row in rows:
        kind = kinds.kind_named(row.kind)
        if kind is None or row.item_id is None or _decided_since(row):
            continue
        cause = Cause.ESCALATED if kind.escalates else Cause.COMMENTED
        yield ReviewEntry(row.item_id, cause, _source(row) + (f": {_text(row)}" if row.value is not None else ""))


def _conflict_entries(project: Project, rows: Collection[Signal], at: datetime) -> Iterable[ReviewEntry]:
    """Items about which claims differ, or differ from what people agreed on before."""
    ids = {row.item_id for row in rows if row.item_id}
    blind = set(_blind_items(project).filter(pk__in=ids).values_list("pk", flat=True))
    agreed = _agreed(ids)
    for item_id, claims in claims_about(project, ids - blind, at=at).items():
        new = [row for row in rows if row.item_id == item_id]
        words = _conflict_words(project, [claim for claim in claims if claim.kind.has_value], agreed.get(item_id), new)
        if words:
            _weigh(new, at)
            yield ReviewEntry(item_id, Cause.DISPUTED, words)


def _conflict_words(project: Project, claims: list[Claim], agreed: Resolution | None, new: Collection[Signal]) -> str:
    """Both sides with their sources; "" where nothing new contradicts anything."""
    task, labels = task_kinds.of_project(project), project.schema().labels
    by_people = agreed is not None and agreed.method != Resolution.Method.SIGNAL
    if agreed is not None and by_people:
        ids = {row.pk for row in new if row.captured_at > agreed.resolved_at}
        against = [claim for claim in claims if claim.signal_id in ids and claim.value != agreed.value]
        if not against:
            return ""
        label = f"labelled {task.describe(agreed.value, labels)} ({agreed.get_method_display().lower()})"
        return f"{against[-1].source} says {task.describe(against[-1].value, labels)}; {label}"
    if (pair := differing(claims)) is None:
        return ""
    return "; ".join(f"{claim.source} says {task.describe(claim.value, labels)}" for claim in pair)


def _agreed(item_ids: Collection[int]) -> Mapping[int, Resolution]:
    found: dict[int, Resolution] = {}
    for chunk in chunks(sorted(item_ids)):
        found |= {row.item_id: row for row in Resolution.objects.current().filter(item__in=chunk)}
    return found


def _decided_since(row: Signal) -> bool:
    """Whether a reviewer has decided the item after the signal came."""
    current = Resolution.objects.current().filter(item=row.item_id, method=Resolution.Method.REVIEWER)
    return current.filter(resolved_at__gte=row.captured_at).exists()


def _source(row: Signal) -> str:
    return row.kind_words + (f" by {row.actor}" if row.actor else "")


def _text(row: Signal) -> str:
    text = " ".join(str(row.value).split())
    return text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]}…"


def _weigh(rows: Iterable[Signal], at: datetime) -> None:
    for chunk in chunks([row.pk for row in rows]):
        Signal.objects.filter(pk__in=chunk).update(weighed_at=at)
