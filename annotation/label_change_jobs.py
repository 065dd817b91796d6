"""Carries a change of labels over to labels given, agreed labels, disputes and queues, a chunk in a transaction.

Whatever kills the worker, the next attempt finds what is left by what the rows say. Nothing is rewritten: a label gets
a revision, an agreed label is superseded, and both name the version of the label schema that changed them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from annotation import kinds, label_changes, queues
from annotation.item_locks import lock_items
from annotation.label_disputes import dispute_again, disputes_of, settle_disputes, settled_disputes
from annotation.label_values import holds_label
from annotation.models import (
    Label,
    LabelAct,
    LabelChange,
    LabelRevision,
    LabelState,
    Resolution,
    RoutedItem,
    RoutedState,
)
from annotation.queues import Entry
from jobs.execution import Attempt
from jobs.models import Job
from projects.bulk_insert import insert_new, json_text
from projects.chunks import chunks
from projects.locks import retry_conflicts

ROWS = 2_000  # of one transaction
SETTLED = 100  # disputes of one transaction, each of which takes several statements
LOOKS_AGAIN = timedelta(minutes=1)
"""A request that began under the labels of before has ended by then; the job looks once more for what it left."""
COPIED = (
    "item_id",
    "also",
    "method",
    "quality",
    "votes",
    "evaluation",
    "signal_id",
    "reliability_version",
    "resolved_by_id",
)


@dataclass(frozen=True)
class _Pass:
    """One kind of row: which are left, what is done to a page of their ids, and how many come in a transaction."""

    count: str
    words: str
    left: QuerySet[Any]
    act: Callable[[Sequence[int]], int]
    size: int = 0  # 0 is ROWS


def run_change(attempt: Attempt, change: LabelChange, *, at: datetime) -> None:
    """Change what is left to change; doing it again changes nothing more."""
    if change.is_undone:
        return
    passes = _passes(change, at)
    total, done = max(sum(one.left.count() for one in passes), 1), 0
    for one in passes:
        for ids in _pages(one.left, one.size or ROWS):
            done += len(ids)
            _change_page(attempt, change, one, ids, min(done / total, 0.99))
    ends = change.finished_at is None
    with attempt.commit(labels=change.labels, resolutions=change.resolutions, disputes=change.disputes):
        LabelChange.objects.filter(pk=change.pk, finished_at=None).update(finished_at=at, error="")
        if ends:
            label_changes.request_job(change, by=change.created_by, at=at, due_at=at + LOOKS_AGAIN)


def note_failure(job: Job, why: str) -> None:
    """Keep the reason, also for when the job is forgotten."""
    LabelChange.objects.filter(job=job, finished_at=None).update(error=why)


def _passes(change: LabelChange, at: datetime) -> list[_Pass]:
    if change.follows:
        replace = partial(_replaced, change)
        holds = holds_label(change.project, change.sources)
        given = Label.objects.filter(holds, project=change.project_id, state=LabelState.GIVEN)
        agreed = _agreed(change).filter(holds)
        return [
            _Pass("labels", "labels", given, partial(_revise, change, replace, at)),
            _Pass("resolutions", "agreed labels", agreed, partial(_supersede, change, replace, at)),
            _Pass("disputes", "disputes", disputes_of(change), partial(settle_disputes, change, at), SETTLED),
        ]
    if change.act == LabelAct.SPLIT:
        waited = RoutedItem.objects.filter(queue=change.queue, item=OuterRef("item"))
        agreed = _agreed(change).filter(holds_label(change.project, change.sources), ~Exists(waited))
        return [_Pass("asked", "items", agreed, partial(_ask_again, change, at))]
    if change.undoes and change.undoes.act == LabelAct.MERGE:
        return _restoring(change, change.undoes, at)
    asked = RoutedItem.objects.filter(queue=change.queue_id, state=RoutedState.OPEN)
    return [_Pass("asked", "items", asked, partial(_withdraw, change, at))]


def _restoring(change: LabelChange, undone: LabelChange, at: datetime) -> list[_Pass]:
    """What the undone merge changed, and nobody has changed since."""
    holds = holds_label(change.project, undone.targets)
    merged = _agreed(change).filter(holds, schema_version=undone.schema_version)
    by_dispute = Exists(settled_disputes(OuterRef("item"), OuterRef("resolved_at"))) & Q(resolved_at=F("changed_at"))
    return [
        _Pass(
            "labels", "labels", _merged_labels(undone), partial(_revise, change, partial(_values_before, undone), at)
        ),
        _Pass("disputes", "disputes", merged.filter(by_dispute), partial(dispute_again, at), SETTLED),
        _Pass(
            "resolutions",
            "agreed labels",
            merged.filter(~by_dispute),
            partial(_supersede, change, partial(_agreed_before, undone), at),
        ),
        _Pass(
            "resolutions", "agreed labels", _agreed_since(change, undone), partial(_supersede, change, _said_now, at)
        ),
    ]


def _agreed_since(change: LabelChange, undone: LabelChange) -> QuerySet[Resolution]:
    """What was agreed after the merge by answers that named one of its labels and say so again; nobody says another."""
    labels = Label.objects.filter(item=OuterRef("item"), state=LabelState.GIVEN, extra=False)
    restored = LabelRevision.objects.filter(label=OuterRef("pk"), schema_version=change.schema_version)
    said = labels.order_by("value").values("value").distinct()
    return _agreed(change).filter(
        Exists(labels.filter(Exists(restored))),
        ~Exists(labels.exclude(value=Subquery(said[:1]))),
        ~Exists(labels.filter(value=OuterRef("value"))),
        holds_label(change.project, undone.targets),
        schema_version=None,
    )


def _merged_labels(undone: LabelChange) -> QuerySet[Label]:
    """The labels that the merge revised, but for those that their people revised since."""
    revised = LabelRevision.objects.filter(label=OuterRef("label"), schema_version=undone.schema_version)
    since = LabelRevision.objects.filter(label=OuterRef("pk"), schema_version=None)
    since = since.filter(number__gt=Subquery(revised.order_by("-number").values("number")[:1]))
    mine = LabelRevision.objects.filter(label=OuterRef("pk"), schema_version=undone.schema_version)
    given = Label.objects.filter(project=undone.project_id, state=LabelState.GIVEN)
    return given.filter(holds_label(undone.project, undone.targets), Exists(mine), ~Exists(since))


def _agreed(change: LabelChange) -> QuerySet[Resolution]:
    return Resolution.objects.current().filter(project=change.project_id)


def _pages(left: QuerySet[Any], size: int) -> Iterator[list[int]]:
    """Ids of what is left, in order; a row that comes behind the page is left to the job's second look."""
    last = 0
    while ids := list(left.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:size]):
        yield ids
        last = ids[-1]


@retry_conflicts
def _change_page(attempt: Attempt, change: LabelChange, one: _Pass, ids: Sequence[int], share: float) -> None:
    with attempt.step(share, f"Changing {one.words}"):
        rows = one.left.model._default_manager.filter(pk__in=ids)
        lock_items(rows.values_list("item", flat=True))
        still = list(one.left.filter(pk__in=ids).values_list("pk", flat=True))  # others may have been quicker
        n = one.act(still)
        LabelChange.objects.filter(pk=change.pk).update(**{one.count: F(one.count) + n})
    setattr(change, one.count, getattr(change, one.count) + n)


@dataclass(frozen=True)
class _NewValue:
    """The value that a row gets, and the version of the label schema that changed it; None: a person said so."""

    value: Any
    schema_version: int | None


Replacement = Callable[[QuerySet[Any]], Mapping[int, _NewValue]]
"""Id of each row to what it gets."""


def _replaced(change: LabelChange, rows: QuerySet[Any]) -> dict[int, _NewValue]:
    kind = kinds.of_project(change.project)
    return {
        pk: _NewValue(kind.replace_labels(value, change.follows), change.schema_version)
        for pk, value in rows.values_list("pk", "value")
    }


def _values_before(undone: LabelChange, labels: QuerySet[Label]) -> dict[int, _NewValue]:
    """What each label said before the change revised it last."""
    rows = LabelRevision.objects.filter(label__in=labels.values("pk")).order_by("label", "number")
    found: dict[int, _NewValue] = {}
    before: Any = None
    for pk, version, value in rows.values_list("label_id", "schema_version", "value"):
        if version == undone.schema_version:
            found[pk] = _NewValue(before, undone.schema_version)
        before = value
    return found


def _agreed_before(undone: LabelChange, rows: QuerySet[Resolution]) -> dict[int, _NewValue]:
    """What each of these superseded, which an earlier change may have written."""
    earlier = Resolution.objects.filter(item=OuterRef("item"), superseded_at__isnull=False)
    earlier = earlier.filter(holds_label(undone.project, undone.sources)).order_by("-pk")
    found = rows.annotate(
        before=Subquery(earlier.values("value")[:1]), before_version=Subquery(earlier.values("schema_version")[:1])
    )
    return {pk: _NewValue(value, version) for pk, value, version in found.values_list("pk", "before", "before_version")}


def _said_now(rows: QuerySet[Resolution]) -> dict[int, _NewValue]:
    """What people say of each item, who all say the same."""
    items = dict(rows.values_list("item", "pk"))
    labels = Label.objects.filter(item__in=items, state=LabelState.GIVEN, extra=False)
    return {items[item]: _NewValue(value, None) for item, value in labels.values_list("item", "value")}


def _revise(change: LabelChange, replace: Replacement, at: datetime, ids: Sequence[int]) -> int:
    rows = Label.objects.filter(pk__in=ids)
    new, numbers = replace(rows), dict(rows.values_list("pk", "revision"))
    also = dict(rows.values_list("pk", "also"))
    for group in _by_value(new).values():
        rows.filter(pk__in=group).update(value=new[group[0]].value, revision=F("revision") + 1)
    columns = {
        "label_id": list(new),
        "number": [numbers[pk] + 1 for pk in new],
        "value": [one.value for one in new.values()],
        "also": [also[pk] for pk in new],
    }
    constants = {"state": LabelState.GIVEN, "body_hash": "", "by_id": change.created_by_id, "at": at}
    insert_new(LabelRevision, columns, schema_version=change.schema_version, **constants)
    return len(new)


def _by_value(values: Mapping[int, _NewValue]) -> dict[str, list[int]]:
    """Ids of the rows that get one value."""
    found: dict[str, list[int]] = defaultdict(list)
    for pk, new in values.items():
        found[json_text(new.value)].append(pk)
    return found


def _supersede(change: LabelChange, replace: Replacement, at: datetime, ids: Sequence[int]) -> int:
    """End what was agreed, and agree on the other value in the same words: by whom, when and how."""
    rows = Resolution.objects.filter(pk__in=ids)
    new = replace(rows)
    kept = {row[0]: row[1:] for row in rows.values_list("pk", "resolved_at", *COPIED)}
    rows.update(superseded_at=at)
    columns = {name: [kept[pk][place] for pk in new] for place, name in enumerate(("resolved_at", *COPIED))}
    columns |= {name: [getattr(one, name) for one in new.values()] for name in ("value", "schema_version")}
    insert_new(Resolution, columns, project_id=change.project_id, changed_at=at)
    return len(new)


def _ask_again(change: LabelChange, at: datetime, ids: Sequence[int]) -> int:
    """Let the items wait in the queue of the split; one that waits elsewhere is asked there."""
    if change.queue is None:
        return 0
    entry = partial(
        Entry,
        reason=f"{change.sources[0]} was split into {', '.join(change.targets)}"[:300],
        numbers={},
        inclusion_probability=1.0,
        priority=0.5,
        strategy="split",
    )
    items = Resolution.objects.filter(pk__in=ids).order_by("pk").values_list("item_id", flat=True)
    return queues.add_entries(change.queue, [entry(item_id=pk) for pk in items], at=at).created


def _withdraw(change: LabelChange, at: datetime, ids: Sequence[int]) -> int:
    """Take back what nobody has answered or holds."""
    items = list(RoutedItem.objects.filter(pk__in=ids).values_list("item_id", flat=True))
    return sum(queues.withdraw(change.project, item_ids=chunk, at=at) for chunk in chunks(items))
