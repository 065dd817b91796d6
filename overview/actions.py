"""What to do next: at most five actions, the one that unblocks most first."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from analysis.reports.kinds.performance import ENOUGH_AUDITED, PerformanceBody
from overview.links import project_url
from overview.loop import LoopFacts
from projects.formatting import number
from projects.models import Project
from retraining.triggers.rules.new_labels import labels_needed

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Action:
    """Something to do next: what, because, what it is expected to gain, and where."""

    words: str
    because: str
    gain: str
    button: str
    url: str


def actions(project: Project, facts: LoopFacts, body: PerformanceBody | None = None) -> list[Action]:
    """At most five, the one that unblocks most first; to capture predictions where nothing was captured.

    body: the performance of the version that serves, None where nothing is labelled.
    """
    if not facts.newest:
        return [_capture(project)]
    return [
        *_decisions(project, facts),
        *_labelling(project, facts),
        *_auditing(project, facts, body),
        *_checks(project, facts),
    ][:5]


def _capture(project: Project) -> Action:
    because = "Nothing has been captured yet. Everything else begins with what your model said."
    how = project_url("overview:overview", project) + "#first-prediction"
    return Action("Capture predictions", because, NOT_KNOWN, "Show how", how)


def _decisions(project: Project, facts: LoopFacts) -> Iterator[Action]:
    if facts.candidate:
        because = "It is trained and judged, and serves nobody until you decide."
        url = reverse("retraining:compare", args=[project.slug, facts.candidate.number])
        yield Action(f"Decide on {facts.candidate.tag}", because, NOT_KNOWN, "Compare", url)
    if facts.review:
        url = project_url("annotation:review", project)
        because = "Their labels count for nothing until then."
        yield Action(f"Resolve {_n(facts.review, 'dispute')}", because, NOT_KNOWN, "Open disputes", url)
    if facts.failed_run:
        url = reverse("retraining:run", args=[project.slug, facts.failed_run.number])
        because = f"{facts.failed_run.error[:120]} Its labels still count as new."
        yield Action(f"Look at run {facts.failed_run.number}, which failed", because, NOT_KNOWN, "Open run", url)
    if facts.run:
        because = (facts.run.job and facts.run.job.stage) or "It waits for a worker."
        yield Action(
            "Watch the run", because, "a new candidate", "Open run", project_url("retraining:run-list", project)
        )


def _labelling(project: Project, facts: LoopFacts) -> Iterator[Action]:
    desk, after = project_url("annotation:desk", project), labels_needed(project)
    needed = after - facts.trigger_new
    if facts.waiting and needed > 0 and facts.trainable and not facts.run:
        yield _label_for_a_run(facts, desk, needed, after)
    elif facts.waiting:
        because = "Each says why it was chosen."
        yield Action(f"Label {_n(facts.waiting, 'waiting item')}", because, NOT_KNOWN, "Label", desk)


def _auditing(project: Project, facts: LoopFacts, body: PerformanceBody | None) -> Iterator[Action]:
    audited = body.audit if body else facts.audited
    if needed := body.audit_needed if body else max(ENOUGH_AUDITED - audited, 0):
        because = f"{number(audited)} so far; about {number(needed)} more give an interval of ±10 points."
        words = f"Label {_n(needed, 'more audit item')}"
        yield Action(words, because, "a narrower interval", "Label", project_url("annotation:desk", project))


def _label_for_a_run(facts: LoopFacts, desk: str, needed: int, after: int) -> Action:
    """Label what waits, and whether that is enough for the next training run."""
    so_far = f"{number(facts.trigger_new)} of {number(after)} new labels"
    if facts.waiting >= needed:
        words = f"Label {_n(needed, 'item')}"
        return Action(words, f"{so_far}; then a training run starts.", "a new candidate", "Label", desk)
    because = f"{so_far}; a training run needs {number(needed - facts.waiting)} more than wait now."
    return Action(f"Label {_n(facts.waiting, 'item')}", because, "none by itself", "Label", desk)


def _checks(project: Project, facts: LoopFacts) -> Iterator[Action]:
    if facts.findings:
        url, because = project_url("analysis:label-quality", project), "The model, which never saw them, disagrees."
        yield Action(f"Check {_n(facts.findings, 'suspected label')}", because, NOT_KNOWN, "Open", url)


def _n(count: int, noun: str) -> str:
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")
