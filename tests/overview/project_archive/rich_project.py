"""A project with rows in every table that an archive holds, and what of them an import must bring back."""

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from analysis import queue_rules
from analysis.models import Finding, FindingKind, SavedView
from annotation import guidelines, labels, leases, media
from annotation.capture.storage import capture_rows
from annotation.models import (
    Cause,
    ContractViolation,
    ImportedRecord,
    Item,
    ItemTag,
    Label,
    LabelChange,
    MovedProbability,
    NoLabelDecision,
    QueueBreach,
    RefusedRowCount,
    Signal,
)
from annotation.signals import reliability
from annotation.signals.capture import capture_signals
from annotation.signals.reliability import ReliabilityBody, SignalRate
from jobs.models import Job
from overview.project_archive.tables import ARCHIVED, ArchivedModel
from projects import audit, settings_versions
from projects.models import AuditEvent, Membership, Project, Role, User
from projects.settings_versions import ROUTING, fingerprint
from retraining import bodies, rollout, rule_release
from retraining.learning.decision_rules import ThresholdBody
from retraining.models import (
    DisagreementSample,
    EvaluatedItem,
    RolloutLook,
    RolloutMode,
    RunState,
    TrainingRun,
    TriggerCheck,
)
from retraining.release_record import ReleaseAct
from retraining.window_bodies import DrawnBody, WindowBody
from tests import pictures
from tests.factories import NOW, make_user
from tests.retraining import scenarios

SPEC = {
    "title": "Größen & mehr",
    "kind": "choice",
    "labels": ["ham", {"value": "spam", "title": "Spam!", "hint": "unwanted"}],
    "inputs": {"x": {"type": "number"}, "y": {"type": "number"}, "scan": {"type": "image", "required": False}},
    "segments": ["channel"],
    "costs": {"false_positive": 1, "false_negative": 20, "review": 0.5},
    "positive": "spam",
    "also_ask": [{"name": "sure", "kind": "rating", "when": ["ham"]}],
    "guideline": "First text.",
}


def make_rich_project(slug: str = "rich") -> Project:
    at = timezone.now()
    project = guidelines.create_project(slug, SPEC, by=None, at=at)
    ada, bo = make_user(f"ada-{slug}", first_name="Ada"), make_user(f"bo-{slug}")
    for person, role in ((ada, Role.ADMIN), (bo, Role.ANNOTATOR)):
        Membership.objects.create(project=project, user=person, role=role, created_at=NOW)
    guidelines.publish(project, text="Second text.", by=ada, at=at)
    routing = ROUTING.value(project)
    changed = routing | {"routing": {**project.routing, "batch": 30}}
    settings_versions.change(project, ROUTING, changed, base=fingerprint(routing), reason="slow", by=ada, at=at)
    project.refresh_from_db()
    image = pictures.encoded(pictures.grey())
    rows = [
        {
            "key": f"k{number}",
            "inputs": {"x": number / 4, "y": 1e-3, **({"scan": image} if number == 3 else {})},
            "scores": {"ham": 0.25, "spam": 0.75},
            "model_version": "external-1",
            "segment": {"channel": "Äpp"},
        }
        for number in range(20)
    ]
    found = capture_rows(project, rows, at=at)
    assert not found.refused, found.refused
    signals = [
        {"id": "s1", "key": "k1", "kind": "thumbs_down"},
        {"id": "s2", "key": "later", "kind": "comment", "value": "?"},
    ]
    assert not capture_signals(project, signals, at=at).refused
    scenarios.learn(project, 30)
    scenarios.learn(project, 8, evaluation=True, seed=1)
    scenarios.make_champion(project)
    candidate = scenarios.make_version(project)
    _label(project, ada, bo)
    item = Item.objects.filter(project=project).first()
    MovedProbability.objects.create(item=item, raised_to=0.5, thinned_by=0.25)
    record = {"labels": [], "predictions": [], "extra": {"inner_id": 3}, "at": None}
    ImportedRecord.objects.create(project=project, item=item, format="label_studio", record=record, imported_at=NOW)
    LabelChange.objects.create(
        project=project, act="merge", sources=["junk"], targets=["spam"], schema_version=1, created_at=NOW, labels=2
    )
    ItemTag.objects.create(project=project, item=item, name="odd", tagged_by=ada, tagged_at=NOW)
    SavedView.objects.create(project=project, owner=ada, name="Odd ones", query="tag=odd", created_at=NOW)
    ContractViolation.objects.create(project=project, item=item, input="x", rule="type", given="much", at=NOW)
    RefusedRowCount.objects.create(project=project, hour=NOW, contract_version=1, input="x", rule="min", rows=3)
    NoLabelDecision.objects.create(project=project, item=item, reason="torn", decided_by=bo, decided_at=NOW)
    Finding.objects.create(
        **{"project": project, "kind": FindingKind.LABEL_ERROR, "item": item, "label": Label.objects.last()},
        **{"key": f"{item.pk}:{hashlib.sha256(b'x').hexdigest()[:32]}", "given": "ham", "suggested": "spam"},
        **{"score": 0.1, "expected": 0.5, "found_at": NOW},
    )
    window = WindowBody(
        rows=9,
        disagreements=1,
        slices={},
        learnt=0,
        copies=0,
        drawn=[DrawnBody(item=item.pk, champion="ham", candidate="spam")],
    )
    DisagreementSample.objects.create(
        **{"version": candidate, "against": "v1", "seed": -7, "window": bodies.dump(window)},
        **{"made_at": NOW, "judged_at": NOW},
    )
    EvaluatedItem.objects.create(
        **{"judgement": candidate.judgement, "item": item, "truth": "ham", "label": "spam", "confidence": 0.5},
        **{"champion_label": "ham", "inclusion_probability": 0.5},
    )
    run = scenarios.open_run(project)
    assert run.state == RunState.WAITING and Job.objects.filter(project=project).exists()
    TriggerCheck.objects.create(
        **{"project": project, "trigger": "after_labels", "fired": True, "words": "31", "run": run},
        **{"at": NOW, "changed_at": NOW},
    )
    wanted = queue_rules.RuleSettings("Thumbs down", Cause.SLICE, "signal=thumbs_down", rate=0.5)
    rule = queue_rules.create_rule(project, wanted, by=ada, at=NOW - timedelta(days=1))
    queue_rules.apply_rule(rule, since=NOW - timedelta(days=9), at=timezone.now())
    QueueBreach.objects.create(
        project=project, queue=project.queues.earliest("pk"), due_at=NOW, late=2, noticed_at=NOW, ended_at=NOW
    )
    rollout.end(
        rollout.begin(project, candidate.tag, RolloutMode.CANARY, ReleaseAct(ada, "a try", NOW)),
        ReleaseAct(ada, "enough", NOW),
    )
    RolloutLook.objects.create(rollout=project.rollouts.get(), at=NOW, body={"rules": [], "ratio": {}})
    rule_release.release_rule(project, ThresholdBody({"spam": 0.4}), by=ada, reason="fewer misses", at=NOW)
    audit.record("queue.create", by=ada, at=NOW, project=project, target="q", details={"cause": Cause.GOLD})
    project.refresh_from_db()
    return project


def _label(project: Project, ada: User, bo: User) -> None:
    at = timezone.now()
    for lease in leases.claim(project, by=ada, count=3, at=at):
        said: dict[str, Any] = {"value": "ham", "also": {"sure": 4}, "comment": "naïve", "seconds": 1.5}
        assert labels.submit(project, lease.token, **said, by=ada, at=at).status == "created"
    labels.revise(Label.objects.filter(project=project).latest("pk"), value="spam", by=ada, at=at)
    taken = leases.claim(project, by=bo, count=2, at=at + timedelta(seconds=1))
    labels.submit(project, taken[0].token, skip=True, by=bo, at=at)
    assert Signal.objects.filter(project=project, item=None).count() == 1
    reliability.store(project, ReliabilityBody(kinds=[SignalRate("correction", "", 0.9, 0.8, 0.95, 40)]), at=NOW)


def meaning(project: Project, *, uids: bool) -> dict[str, Any]:
    """Everything that an archive promises of a project, with each row named by its place in place of its id.

    `uids`: also the public names, which stay only where nobody has them.
    """
    places = {model.model: _places(model, project) for model in ARCHIVED}
    found: dict[str, Any] = {model.name: _rows(model, project, places, uids=uids) for model in ARCHIVED}
    found["project"] = {
        field.attname: getattr(project, field.attname)
        for field in Project._meta.concrete_fields
        if field.attname not in ("id", "slug", "audit_slug")
    }
    events = AuditEvent.objects.of(project).order_by("sequence").exclude(action="project.import")
    found["audit"] = [(event.at, event.actor, event.action, event.target, _details(event)) for event in events]
    found["images"] = [media.read_image(project, sha256) for sha256 in project.media.values_list("sha256", flat=True)]
    return found


def _details(event: AuditEvent) -> dict[str, Any]:
    return {name: value for name, value in event.details.items() if name != "archived_event"}


def _places(model: ArchivedModel, project: Project) -> dict[int, int]:
    ids = model.model._default_manager.filter(**{model.path: project}).order_by("pk").values_list("pk", flat=True)
    return {pk: place for place, pk in enumerate(ids)}


def _rows(model: ArchivedModel, project: Project, places: dict[Any, dict[int, int]], *, uids: bool) -> list[Any]:
    rows = model.model._default_manager.filter(**{model.path: project}).order_by("pk")
    return [_row(model, row, places, uids=uids) for row in rows]


def _row(model: ArchivedModel, row: Any, places: dict[Any, dict[int, int]], *, uids: bool) -> dict[str, Any]:
    values = {}
    for field in model.fields:
        value = getattr(row, field.attname)
        if field.related_model is User:
            value = value and User.objects.get(pk=value).username
        elif field.related_model in places:
            value = value and places[field.related_model][value]
        elif field.related_model is Job or field.primary_key:
            value = None
        values[field.attname] = bytes(value) if isinstance(value, memoryview) else value
    if model.public and not uids:
        values.pop(model.public[0])
    if isinstance(row, Finding):
        item, _, rest = row.key.partition(":")
        values["key"] = (places[Item][int(item)], rest)
    if isinstance(row, DisagreementSample):
        values["window"] = [places[Item][drawn["item"]] for drawn in row.window["drawn"]]
    if isinstance(row, TrainingRun) and row.state in (RunState.WAITING, RunState.STOPPED):
        values |= dict.fromkeys(("state", "error", "finished_at"))
    values.pop("signature", None)
    return values
