"""Merges, new stored values and splits of labels: the label schema that each makes, and the undoing of one.

The schema changes at once: from then on an answer with a label that was merged counts as what it was merged into. A job
then carries the change over to labels given, agreed labels and queues (annotation.label_change_jobs).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.text import Truncator

from annotation import kinds, label_schemas, queues
from annotation.label_schemas import Schema
from annotation.label_values import is_made_of_labels
from annotation.models import Cause, LabelAct, LabelChange, Queue
from jobs import queue as jobs
from projects import members
from projects.locks import retry_conflicts
from projects.models import LabelSchema, Project, User
from projects.project_settings import BadSpec
from projects.settings_versions import check_base, check_reason, fingerprint

KIND = "annotation.label_change"
MOVED = ("title", "hint", "key", "colour")  # what a label's new value takes over


@dataclass(frozen=True)
class ChangeRequest:
    """What is asked: `sources` are labels that are no longer offered, `targets` what takes their place.

    `undoes` is the version of the label schema that an undone change made.
    """

    act: str
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    undoes: int | None = None


def why_not(project: Project) -> str:
    """Why labels of the project are not merged, split or renamed, in a sentence; "" where they can be."""
    if is_made_of_labels(project):
        return ""
    title = kinds.of_project(project).title.lower()
    return f"Answers of this project ({title}) are not made of labels, so there are none to merge, split or rename."


def labels_after(project: Project, asked: ChangeRequest) -> list[dict[str, Any]]:
    """The label schema that the change would make. Raises BadSpec where it cannot be made."""
    labels = project.schema().labels
    if not is_made_of_labels(project):
        raise BadSpec(why_not(project))
    if asked.act == LabelAct.UNDO:
        return _undone(labels, find_change(project, asked.undoes))
    known = {label["value"]: label for label in labels}
    for value in asked.sources:
        if value not in known or known[value].get("retired"):
            raise BadSpec(f"Label {value!r} is not offered.")
    for value in asked.targets:
        if value in asked.sources:
            raise BadSpec(f"Label {value!r} cannot take its own place.")
        if known.get(value, {}).get("retired"):
            raise BadSpec(f"Label {value!r} is retired; choose one that is offered, or a new value.")
    _check_numbers(asked, known)
    after = _placed(labels, asked)
    label_schemas.check_schema(project, after)
    return after


def _check_numbers(asked: ChangeRequest, known: dict[str, Any]) -> None:
    sources, targets = len(asked.sources), len(set(asked.targets))
    if asked.act == LabelAct.MERGE and (sources < 1 or targets != 1):
        raise BadSpec("A merge takes one or more labels, and the one label that they become.")
    if asked.act == LabelAct.RENAME and (sources != 1 or targets != 1):
        raise BadSpec("A new stored value takes one label and its new value.")
    if asked.act == LabelAct.RENAME and asked.targets[0] in known:
        raise BadSpec(f"There is a label {asked.targets[0]!r}; merge into it instead.")
    if asked.act == LabelAct.SPLIT and (sources != 1 or targets < 2):
        raise BadSpec("A split takes one label, and two or more labels that people choose from instead.")


def _placed(labels: Schema, asked: ChangeRequest) -> list[dict[str, Any]]:
    """The labels with new ones where the first source stands, and the sources marked."""
    known = {label["value"]: label for label in labels}
    new: list[dict[str, Any]] = [{"value": value} for value in dict.fromkeys(asked.targets) if value not in known]
    gone = dict.fromkeys(asked.sources, _mark(asked))
    if asked.act == LabelAct.RENAME:
        source = known[asked.sources[0]]
        new = [{"value": asked.targets[0], **{name: source[name] for name in MOVED if name in source}}]
    after: list[dict[str, Any]] = []
    for label in labels:
        if asked.sources and label["value"] == asked.sources[0]:
            after += new
        kept = {"value": label["value"]} if asked.act == LabelAct.RENAME and label["value"] in gone else label
        after.append({**kept, **gone.get(label["value"], {})})
    return after


def _mark(asked: ChangeRequest) -> dict[str, Any]:
    if asked.act == LabelAct.SPLIT:
        return {"retired": True, "split_into": list(dict.fromkeys(asked.targets))}
    return {"retired": True, "merged_into": asked.targets[0]}


def find_change(project: Project, version: int | None) -> LabelChange:
    """The change that made this version of the label schema, if it can be undone. Raises BadSpec."""
    rows = LabelChange.objects.filter(project=project).exclude(act=LabelAct.UNDO).select_related("undone_by", "job")
    found = rows.filter(schema_version=version or 0).first()
    if found is None:
        raise BadSpec("There is no such change of labels.")
    if found.is_undone:
        raise BadSpec("This change is undone already.")
    if found.is_open:
        raise BadSpec("This change is still under way; undo it when it has ended.")
    mine = {*found.sources, *found.targets}
    for later in rows.filter(schema_version__gt=found.schema_version).order_by("-schema_version"):
        if not later.is_undone and mine & {*later.sources, *later.targets}:
            raise BadSpec(f"A later change is about the same labels; undo it first: {later}.")
    return found


def _undone(labels: Schema, change: LabelChange) -> list[dict[str, Any]]:
    """The labels with the sources offered again; a new stored value becomes the old one again."""
    marks = {"retired", "merged_into", "split_into"}
    if change.act != LabelAct.RENAME:
        return [
            {name: part for name, part in label.items() if name not in marks or label["value"] not in change.sources}
            for label in labels
        ]
    old, new = change.sources[0], change.targets[0]
    moved = {name: part for label in labels if label["value"] == new for name, part in label.items() if name in MOVED}
    back = {old: {"value": old, **moved}, new: {"value": new, "retired": True, "merged_into": old}}
    return [back.get(label["value"], label) for label in labels]


@retry_conflicts
@transaction.atomic
def start_change(
    project: Project, asked: ChangeRequest, *, base: str, reason: str, by: User, at: datetime
) -> LabelChange:
    """Put the new label schema in force and let a job carry the change over; the same request twice is one change.

    Raises StaleSettings where something else than `base` is in force, and BadSpec.
    """
    reason = check_reason(reason)
    members.lock(project)
    now = Project.objects.get(pk=project.pk)
    if same := started(now, asked, base=base):
        return same
    last = now.schema()
    check_base(last.labels, base, last, "the labels")
    after = labels_after(now, asked)
    undoes = find_change(now, asked.undoes) if asked.act == LabelAct.UNDO else None
    asked = _of_undone(asked, undoes)
    details = {name: value for name, value in asdict(asked).items() if value and name != "act"}
    made = label_schemas.put_in_force(
        now, after, action=f"labels.{asked.act}", details=details, reason=reason, by=by, at=at
    )
    change = LabelChange.objects.create(
        project=now,
        act=asked.act,
        sources=list(asked.sources),
        targets=list(asked.targets),
        schema_version=made.version,
        undoes=undoes,
        queue=_queue(now, asked, undoes, by=by, at=at),
        created_by=by,
        created_at=at,
    )
    request_job(change, by=by, at=at)
    return change


def started(project: Project, asked: ChangeRequest, *, base: str) -> LabelChange | None:
    """The newest change where it is this one, made of the same labels: a form that was sent twice."""
    last = LabelChange.objects.filter(project=project).select_related("undoes").order_by("-schema_version").first()
    if last is None or last.act != asked.act:
        return None
    undone = last.undoes.schema_version if last.undoes else None
    same = (
        asked.undoes == undone
        if undone
        else (list(asked.sources), list(asked.targets))
        == (
            last.sources,
            last.targets,
        )
    )
    before = LabelSchema.objects.filter(project=project, version=last.schema_version - 1).first()
    return last if same and before and fingerprint(before.labels) == base else None


def _of_undone(asked: ChangeRequest, change: LabelChange | None) -> ChangeRequest:
    """The labels of an undone change, the other way round."""
    if change is None:
        return asked
    return ChangeRequest(asked.act, tuple(change.targets), tuple(change.sources), asked.undoes)


def _queue(
    project: Project, asked: ChangeRequest, undoes: LabelChange | None, *, by: User, at: datetime
) -> Queue | None:
    """Where a split asks again what was agreed."""
    if asked.act == LabelAct.SPLIT:
        title = Truncator(f"Split of {asked.sources[0]}").chars(100)
        return queues.create(project, title=title, cause=Cause.SLICE, by=by, at=at)
    return undoes.queue if undoes else None


def request_job(change: LabelChange, *, by: User | None, at: datetime, due_at: datetime | None = None) -> None:
    """Enqueue the job of the change; one that is due later looks once more for what came meanwhile."""
    again = ":again" if due_at else ""
    job, _ = jobs.enqueue(
        KIND,
        key=f"labels:{change.pk}{again}",
        project=change.project,
        payload={"change": change.pk},
        by=by,
        at=at,
        due_at=due_at,
    )
    if not due_at:
        LabelChange.objects.filter(pk=change.pk).update(job=job, error="")
        change.job, change.error = job, ""


def changes_of(project: Project, most: int) -> Sequence[LabelChange]:
    """The newest changes with what undid them."""
    rows = LabelChange.objects.filter(project=project).select_related("undone_by", "undoes", "job", "created_by")
    return list(rows.select_related("queue").order_by("-schema_version")[:most])
