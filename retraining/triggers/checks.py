"""Look at the trigger rules of a project: begin a run where one is due, and keep in words why, or why not."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from msgspec.structs import replace

from jobs import queue, registry
from jobs.execution import Attempt
from projects.models import Project
from projects.project_settings import RetrainingSettings
from retraining import datasets, new_labels, run_records, training
from retraining.models import TrainingRun, TriggerCheck
from retraining.run_records import TriggerEvidence
from retraining.triggers.history import RunHistory, load_history, pause
from retraining.triggers.registry import RuleFinding, TriggerRule, rules

CLOCK_SKEW = timedelta(seconds=5)
HELD_BY_DATASET = ("unchanged", "one_class")


@dataclass(frozen=True)
class DatasetFacts:
    """What only the labels say: the run that learnt from the same dataset, and how many classes there are."""

    same_as_run: int | None
    classes: int


@dataclass(frozen=True)
class TriggerDecision:
    """Whether a run should begin. `code` names the reason; `words` says it."""

    code: str
    words: str

    @property
    def fires(self) -> bool:
        return self.code == "fires"


@dataclass(frozen=True)
class RuleAnswer:
    """A rule with what it says of a project now."""

    rule: TriggerRule
    finding: RuleFinding
    words: str


def decide_trigger(
    finding: RuleFinding,
    history: RunHistory,
    settings: RetrainingSettings,
    *,
    at: datetime,
    dataset: DatasetFacts | None = None,
) -> TriggerDecision:
    """Why a run begins now, or why not. Reads nothing; `dataset` is None where nobody has looked at the labels."""
    if history.in_flight:
        words = f"Run {history.in_flight} is in flight; {finding.lead} for the next one so far."
        return TriggerDecision("in_flight", words)
    if not finding.due:
        return TriggerDecision(finding.code, finding.words)
    ends = _pause_ends(history, settings, at)
    if ends > at:
        return _paused(finding, history, ends, at)
    if dataset and dataset.same_as_run:
        words = f"nothing would change: the labels agree with the dataset of run {dataset.same_as_run}."
        return TriggerDecision("unchanged", f"{finding.lead}, but {words}")
    if dataset and dataset.classes < 2:
        words = "all labels are alike; a model needs labels of at least two kinds."
        return TriggerDecision("one_class", f"{finding.lead}, but {words}")
    return TriggerDecision("fires", finding.words)


def _pause_ends(history: RunHistory, settings: RetrainingSettings, at: datetime) -> datetime:
    """A run that ended in the future ended before the clock was set back, and holds nothing up."""
    if history.last_ended_at is None or history.last_ended_at > at + CLOCK_SKEW:
        return at
    return history.last_ended_at + pause(settings, history.failures)


def _paused(finding: RuleFinding, history: RunHistory, ends: datetime, at: datetime) -> TriggerDecision:
    time = f"{ends:%H:%M}" if ends.date() == at.date() else f"{ends:%-d %b %H:%M}"
    if not history.failures:
        words = f"run {history.last} has just ended; a run starts at {time} UTC."
        return TriggerDecision("cooldown", f"{finding.lead}, but {words}")
    before = f", as did {history.failures - 1:,} before it" if history.failures > 1 else ""
    words = f"run {history.last} failed{before}; it is tried again at {time} UTC."
    return TriggerDecision("failed", f"{finding.lead}, but {words}")


def load_dataset_facts(project: Project, *, at: datetime) -> DatasetFacts:
    """Plan the dataset that a run would freeze now. Takes long where there are many labels."""
    planned = datasets.plan_dataset(project, at=at)
    learnt = TrainingRun.objects.filter(project=project, dataset__isnull=False, state__in=new_labels.LEARNT)
    last = learnt.order_by("-number").select_related("dataset").first()
    same = last.number if last and last.dataset and last.dataset.hash == planned.hash else None
    return DatasetFacts(same, len(planned.train_labels()))


def find(project: Project, rule: TriggerRule, history: RunHistory) -> RuleFinding:
    """What the rule says of the project now; where no model can be trained on its answers, no rule begins a run."""
    if datasets.is_trainable(project):
        return rule.find(project, history)
    return RuleFinding(due=False, code="not_trainable", lead=datasets.NOT_TRAINABLE, words=datasets.NOT_TRAINABLE)


def current_answers(project: Project, *, at: datetime) -> list[RuleAnswer]:
    """What each rule says now, by a few indexed queries, or what a close look said of exactly these figures."""
    history, settings = load_history(project), project.retraining_settings()
    return [_rule_answer(project, rule, history, settings, at) for rule in rules()]


def _rule_answer(
    project: Project, rule: TriggerRule, history: RunHistory, settings: RetrainingSettings, at: datetime
) -> RuleAnswer:
    finding, last = find(project, rule, history), newest_check(project, rule)
    decision = decide_trigger(finding, history, settings, at=at)
    if decision.fires and last and _is_known(last, _evidence(finding, decision, history)):
        return RuleAnswer(rule, finding, last.words)
    return RuleAnswer(rule, finding, decision.words)


def run_if_due(project: Project, *, at: datetime) -> list[TriggerCheck]:
    """Begin a run where a rule says so, and keep the answer of each rule with its evidence."""
    history, settings = load_history(project), project.retraining_settings()
    findings = {rule: find(project, rule, history) for rule in rules()}
    due = any(decide_trigger(finding, history, settings, at=at).fires for finding in findings.values())
    dataset = load_dataset_facts(project, at=at) if due else None
    kept = []
    for rule, finding in findings.items():
        decision = decide_trigger(finding, history, settings, at=at, dataset=dataset)
        kept.append(_act(project, rule, decision, _evidence(finding, decision, history), at))
    return kept


def _act(
    project: Project, rule: TriggerRule, decision: TriggerDecision, evidence: TriggerEvidence, at: datetime
) -> TriggerCheck:
    """Begin the run of a decision that fires, unless another one has begun meanwhile, and keep the decision."""
    if not decision.fires:
        return _store_check(project, rule, decision, evidence, None, at=at)
    try:
        run = training.open_run(project, reason=decision.words, evidence=evidence, by=None, at=at)
    except training.RunInFlight as why:
        late = TriggerDecision("in_flight", str(why))
        return _store_check(project, rule, late, replace(evidence, code=late.code), None, at=at)
    return _store_check(project, rule, decision, evidence, run, at=at)


def check_all_projects(*, at: datetime) -> None:
    """Look at every project; where it seems time, a job looks closely, for that may take long."""
    training.reconcile(at=at)
    registry.for_each_project("retraining.triggers", _check_project, at=at)


def _check_project(project: Project, at: datetime) -> None:
    history, settings = load_history(project), project.retraining_settings()
    for rule in rules():
        finding = find(project, rule, history)
        decision = decide_trigger(finding, history, settings, at=at)
        evidence = _evidence(finding, decision, history)
        if not decision.fires:
            _store_check(project, rule, decision, evidence, None, at=at)
        elif not _is_known(newest_check(project, rule), evidence):
            queue.enqueue("retraining.check", key=f"check:{project.pk}", project=project, at=at)


def perform_check(attempt: Attempt, *, at: datetime) -> None:
    """The job of a close look."""
    project = attempt.job.project
    assert project is not None  # a look is always enqueued for one
    run_if_due(project, at=at)


def newest_check(project: Project, rule: TriggerRule) -> TriggerCheck | None:
    return TriggerCheck.objects.filter(project=project, trigger=rule.name).order_by("-at", "-pk").first()


def _is_known(last: TriggerCheck | None, evidence: TriggerEvidence) -> bool:
    """A close look has answered for exactly these figures: looking again would say the same."""
    known = last.load_evidence() if last else None
    held = known is not None and known.code in HELD_BY_DATASET
    return held and known is not None and replace(known, code="") == replace(evidence, code="")


def _evidence(finding: RuleFinding, decision: TriggerDecision, history: RunHistory) -> TriggerEvidence:
    return TriggerEvidence(code=decision.code, figures=finding.evidence, last_run=history.last)


@transaction.atomic
def _store_check(
    project: Project,
    rule: TriggerRule,
    decision: TriggerDecision,
    evidence: TriggerEvidence,
    run: TrainingRun | None,
    *,
    at: datetime,
) -> TriggerCheck:
    """A new row where the answer is another one; where only its figures moved, the newest row moves with them."""
    last = newest_check(project, rule)
    known = last.load_evidence() if last else None
    if last is None or last.fired or run or known is None or known.code != decision.code:
        return TriggerCheck.objects.create(
            project=project,
            trigger=rule.name,
            fired=run is not None,
            words=decision.words,
            evidence=run_records.dump(evidence),
            run=run,
            at=at,
            changed_at=at,
        )
    if (last.words, known) != (decision.words, evidence):
        last.words, last.evidence, last.changed_at = decision.words, run_records.dump(evidence), at
        last.save(update_fields=["words", "evidence", "changed_at"])
    return last
