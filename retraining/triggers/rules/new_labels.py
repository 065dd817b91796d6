"""New labels: a run begins when enough were resolved since the last run that learnt."""

from typing import Annotated

from msgspec import Meta

from projects.models import Project
from projects.project_settings import Settings
from retraining import new_labels
from retraining.new_labels import NewLabels
from retraining.triggers.history import RunHistory
from retraining.triggers.registry import RuleFinding, TriggerRule, register


class NewLabelsSettings(Settings, frozen=True, kw_only=True):
    """How many new labels begin a run."""

    after_labels: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            title="New labels that begin a run",
            description="a whole number from 1 to 10,000,000",
            extra={"help": "Counted since the last run that learnt from labels."},
        ),
    ] = 50


def labels_needed(project: Project) -> int:
    """How many new labels begin a run of this project."""
    return project.retraining_part(NewLabelsSettings).after_labels


def find(project: Project, history: RunHistory) -> RuleFinding:
    since_stop = None
    if history.stopped_since:
        waiting = new_labels.waiting(project, history.runs)
        since_stop = waiting.filter(resolved_at__gt=history.stopped_since).count()
    return assess(new_labels.count(project, history.runs), labels_needed(project), history, since_stop=since_stop)


def assess(counts: NewLabels, needed: int, history: RunHistory, *, since_stop: int | None = None) -> RuleFinding:
    """`since_stop` counts the labels since the last run began, where a person stopped that run. Reads nothing."""
    lead = f"{counts.total:,} of {needed:,} new labels"
    since = f" since run {history.last} began" if history.last and not history.failures and since_stop is None else ""
    due, code, words = True, "fires", f"{counts.total:,} new labels{since}; a run starts at {needed:,}."
    if counts.total < needed:
        due, code, words = False, "too_few", f"{lead}; a run starts at {needed:,}."
    elif since_stop is not None and since_stop < needed:
        more = f"a run starts by itself after {needed - since_stop:,} more."
        due, code, words = False, "stopped", f"{lead}, but run {history.last} was stopped; {more}"
    evidence = {"training": counts.training, "evaluation": counts.evaluation}
    return RuleFinding(due, code, lead, words, evidence, have=counts.total, needed=needed)


RULE = register(TriggerRule("new_labels", "New labels", find, NewLabelsSettings))
