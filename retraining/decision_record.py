"""Why one prediction was decided as it was: what it saw, what was in force, which model said it, what came after."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from annotation import blinding, kinds
from annotation.models import Item, Label, Prediction, Resolution, RoutedItem, Signal, Source
from projects.formatting import number
from projects.models import AuditEvent, InputContract, Project, User
from retraining import registry
from retraining.models import DatasetRow, ModelVersion, Release

MOST_FACTS = 200  # of each kind that came after
BY_CALLER = "as its caller sent it"


@dataclass(frozen=True)
class ScoredLabel:
    """One label with its score; the largest is what the rule in force answers."""

    label: str
    score: float
    chosen: bool


@dataclass(frozen=True)
class ModelFacts:
    """The model behind the prediction, where it was trained here; trained_on: whether this item was in its dataset."""

    version: ModelVersion
    trained_on: bool


@dataclass(frozen=True)
class DecisionRecord:
    """All that is known of one prediction. release: the act by which the version of that time served."""

    prediction: Prediction
    inputs: list[tuple[str, str, object]]
    scores: list[ScoredLabel]
    rule: str
    model: ModelFacts | None
    release: Release | None
    in_force: str
    signals: list[Signal]
    routings: list[RoutedItem]
    labels: list[Label]
    resolutions: list[Resolution]
    audit: list[AuditEvent]


def decision_record(prediction: Prediction, item: Item, *, viewer: User) -> DecisionRecord | None:
    """The record; None where this person may not see what was said of the item, because they may still label it."""
    if not blinding.may_see(item, viewer):
        return None
    project, scores = item.project, _scores(prediction, item.project)
    released = _release_at(project, prediction.at)
    return DecisionRecord(
        prediction=prediction,
        inputs=_inputs(item),
        scores=scores,
        rule=_rule(prediction, scores, project),
        model=_model(project, prediction),
        release=released,
        in_force=_in_force(prediction, released),
        signals=list(item.signals.order_by("at", "pk")[:MOST_FACTS]),
        routings=list(item.routed_items.select_related("queue").order_by("routed_at", "pk")[:MOST_FACTS]),
        labels=list(item.labels.select_related("user").order_by("created_at", "pk")[:MOST_FACTS]),
        resolutions=list(item.resolutions.select_related("resolved_by").order_by("resolved_at", "pk")[:MOST_FACTS]),
        audit=list(AuditEvent.objects.of(project).filter(target=item.uid).order_by("pk")[:MOST_FACTS]),
    )


def _inputs(item: Item) -> list[tuple[str, str, object]]:
    """Name, type and value of each input, by the contract that the item was captured under."""
    types = InputContract.objects.get(project=item.project, version=item.contract_version).types()
    return [(name, kind, item.inputs.get(name)) for name, kind in types.items()]


def _scores(prediction: Prediction, project: Project) -> list[ScoredLabel]:
    """All scores, the largest first, by the label schema of that time."""
    if prediction.scores is None:
        return []
    schema = project.schema()
    if schema.version != prediction.schema_version:
        schema = project.label_schemas.get(version=prediction.schema_version)
    scores = np.frombuffer(bytes(prediction.scores), dtype="<f4").astype(float)
    pairs = sorted(zip(schema.values(), scores.tolist(), strict=False), key=lambda pair: -pair[1])
    return [ScoredLabel(schema.title_of(label), score, label == prediction.label) for label, score in pairs]


def _rule(prediction: Prediction, scores: list[ScoredLabel], project: Project) -> str:
    """The comparison that made the answer, in words."""
    answer = kinds.of_project(project).describe(prediction.predicted_value, project.schema().labels)
    if prediction.degraded and not scores:
        return f"No version could answer; {answer} is the project's safe default, and a person decides."
    if not scores:
        return f"{answer} was captured without scores: what it was compared with is not known here."
    first = scores[0]
    second = f"; the next, {scores[1].label}, has {number(scores[1].score, 3)}" if len(scores) > 1 else ""
    if first.chosen:
        largest = f"{answer} has the largest score, {number(first.score, 3)}{second}."
        if prediction.threshold_version:
            return f"{largest} Threshold {prediction.threshold_version} was in force, {BY_CALLER}."
        return f"{largest} No threshold was in force: the largest score decides."
    own = next((one.score for one in scores if one.chosen), None)
    has = f"has the score {number(own, 3)}" if own is not None else "has no score"
    threshold = prediction.threshold_version or "a rule that was not named"
    largest = f"{first.label} has {number(first.score, 3)}"
    return f"{answer} {has}, not the largest: {largest}. Decided by {threshold}, {BY_CALLER}."


def _model(project: Project, prediction: Prediction) -> ModelFacts | None:
    try:
        version = registry.version_by_tag(project, prediction.model_version)
    except registry.UnknownModelVersion:
        return None
    in_training = DatasetRow.objects.filter(
        dataset=version.run.dataset_id, item=prediction.item_id, split=DatasetRow.Split.TRAIN
    )
    return ModelFacts(version, in_training.exists())


def _release_at(project: Project, at: datetime) -> Release | None:
    """The newest act until then that changed what serves."""
    acts = Release.objects.filter(project=project, at__lte=at).of_what_serves()
    acts = acts.select_related("version", "previous", "by")
    return acts.order_by("-at", "-pk").first()


def _in_force(prediction: Prediction, released: Release | None) -> str:
    """Which part this version had when it answered, in words."""
    if prediction.source == Source.OUT_OF_FOLD:
        return "It was made while the version was trained, and served nobody."
    if prediction.source == Source.RESCORED:
        return "It was scored again afterwards, and served nobody."
    if released is None:
        return "Nothing that was trained here served then: the answer was captured from elsewhere."
    tag = released.tag
    if tag == prediction.model_version:
        return f"{tag} was the champion."
    said = prediction.model_version or "an unnamed version"
    if prediction.degraded:
        return f"{said} answered in place of {tag}, the champion, which could not be loaded."
    return f"{said} answered; {tag} was the champion here."
