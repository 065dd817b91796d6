"""Which rows of a project its archive holds, and which it leaves out and why.

A model of a project that is new belongs into one of the two lists; a test says so. For ARCHIVED, give the path of
lookups from the model to its project, and say in `adjust` where a JSON value or a text holds the id of a row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from analysis.models import Finding, QueueRule, QueueRuleAction, Report, SavedView
from annotation import models as annotation
from jobs import models as jobs
from projects import models as projects
from retraining import models as retraining

NewId = Callable[[type[models.Model], int], int]
"""The id that a row of the archive has here. Raises BadArchive for one that the archive does not hold."""


def _unchanged(row: Any, new_id: NewId) -> None:
    """Nothing but foreign keys names a row."""


def _finding(row: Any, new_id: NewId) -> None:
    """Its key begins with the id of the item."""
    item, _, rest = row.key.partition(":")
    row.key = f"{new_id(annotation.Item, int(item))}:{rest}"


def _disagreement_sample(row: Any, new_id: NewId) -> None:
    """The window names the items that were drawn."""
    for drawn in row.window.get("drawn", []):
        drawn["item"] = new_id(annotation.Item, drawn["item"])


@dataclass(frozen=True)
class ArchivedModel:
    """A model whose rows the archive holds.

    path: lookups that lead to the project. public: a field that is unique in a whole installation, with the prefix of
    its values: one that is taken where the archive arrives is made anew.
    """

    model: type[models.Model]
    path: str = "project"
    public: tuple[str, str] | None = None
    adjust: Callable[[Any, NewId], None] = _unchanged

    @property
    def name(self) -> str:
        """Such as annotation.item."""
        return self.model._meta.label_lower

    @property
    def fields(self) -> list[Any]:
        """The columns that the archive holds: all but the project, which is the archive's own."""
        return [field for field in self.model._meta.concrete_fields if field.remote_field is None or not _owns(field)]


def _owns(field: Any) -> bool:
    return field.remote_field.model is projects.Project


ARCHIVED: tuple[ArchivedModel, ...] = (
    ArchivedModel(projects.LabelSchema),
    ArchivedModel(projects.InputContract),
    ArchivedModel(projects.SettingsVersion),
    ArchivedModel(annotation.Guideline),
    ArchivedModel(annotation.AuditSetting),
    ArchivedModel(SavedView),
    ArchivedModel(annotation.Queue),
    ArchivedModel(annotation.QueueBreach),
    ArchivedModel(QueueRule),
    ArchivedModel(QueueRuleAction, path="rule__project"),
    ArchivedModel(annotation.Media),
    ArchivedModel(annotation.Item, public=("uid", "item")),
    ArchivedModel(annotation.ImportedRecord),
    ArchivedModel(annotation.ItemTag),
    ArchivedModel(annotation.ContractViolation),
    ArchivedModel(annotation.RefusedRowCount),
    ArchivedModel(annotation.MovedProbability, path="item__project"),
    ArchivedModel(annotation.Prediction),
    ArchivedModel(annotation.Signal),
    ArchivedModel(annotation.SignalReliability),
    ArchivedModel(annotation.RoutedItem),
    ArchivedModel(annotation.Slot),
    ArchivedModel(annotation.Lease, public=("token", "lease")),
    ArchivedModel(annotation.Label),
    ArchivedModel(annotation.LabelRevision, path="label__project"),
    ArchivedModel(annotation.Resolution),
    ArchivedModel(annotation.LabelChange),
    ArchivedModel(annotation.NoLabelDecision),
    ArchivedModel(Finding, adjust=_finding),
    ArchivedModel(retraining.Dataset),
    ArchivedModel(retraining.DatasetRow, path="dataset__project"),
    ArchivedModel(retraining.TrainingRun),
    ArchivedModel(retraining.ModelVersion),
    ArchivedModel(retraining.Judgement, path="version__project"),
    ArchivedModel(retraining.EvaluatedItem, path="judgement__version__project"),
    ArchivedModel(retraining.DisagreementSample, path="version__project", adjust=_disagreement_sample),
    ArchivedModel(retraining.TriggerCheck),
    ArchivedModel(retraining.DecisionRule),
    ArchivedModel(retraining.Rollout),
    ArchivedModel(retraining.RolloutLook, path="rollout__project"),
    ArchivedModel(retraining.Release),
)

LEFT_OUT: dict[type[models.Model], str] = {
    projects.Membership: "rights are given where the project arrives",
    projects.ApiKey: "rights are given where the project arrives",
    projects.StoredAnswer: "answers to calls of a key",
    annotation.FeedbackKey: "rights are given where the project arrives",
    annotation.FeedbackCount: "how often a key was used within minutes",
    annotation.SearchText: "made again from the items",
    annotation.TextVector: "made again from the items by a job",
    annotation.EncodingProgress: "how far that job is",
    annotation.MLBackend: "set up where the project arrives; passwords are of one installation",
    annotation.StreamProgress: "where a consumer of this installation is",
    annotation.SupplyMark: "written by the next round of routing",
    annotation.DataImport: "what became of files here; the rows that they brought are items",
    annotation.RefusedImportRow: "what became of files here",
    annotation.DataExport: "files that were made here",
    Report: "computed again from the rows",
    jobs.Job: "work of the installation; a run that was in flight is stopped",
    jobs.WebhookEndpoint: "set up where the project arrives; secrets are of one installation",
    jobs.WebhookEvent: "what happened here has been sent from here",
    jobs.WebhookDelivery: "what happened here has been sent from here",
    jobs.WebhookAttempt: "what happened here has been sent from here",
    retraining.Backtest: "of a person, on a file of theirs",
    retraining.LoadFailure: "of the installation's own try to load a version",
}

TO_NULL: tuple[type[models.Model], ...] = (jobs.Job,)
"""Foreign keys to these are empty in an archive."""


def models_of_a_project() -> set[type[models.Model]]:
    """Every model that leads to a project by foreign keys, directly or over others."""
    found: set[type[models.Model]] = {projects.Project}
    while True:
        more = {model for model in apps.get_models(include_auto_created=True) if _parents(model) & found} - found
        if not more:
            return found - {projects.Project}
        found |= more


def _parents(model: type[models.Model]) -> set[Any]:
    return {field.related_model for field in model._meta.concrete_fields if field.is_relation}
