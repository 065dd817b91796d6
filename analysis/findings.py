"""Suspected label errors as rows: found by cleanlab's method over out-of-sample scores, decided by people."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
from django.db import connection, transaction
from msgspec import Struct

from analysis.labelled_samples import LabelledSample
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.labels import label_errors
from analysis.metrics.labels.expected_precision import SuspectDecision, revised_precision
from analysis.models import Finding, FindingKind
from annotation import resolution
from annotation.models import Item, Label, LabelState, Resolution
from projects import audit
from projects.chunks import chunks
from projects.locks import retry_conflicts
from projects.models import Project, User
from validation import InvalidInput

MOST = 200  # new suspects that wait for a decision at once; the rest comes when these are decided
UPDATED = ("label_id", "suggested", "score", "expected", "details")  # by a refresh, where nobody has decided
CURVE_POINTS = 60
LEAST_LABELS = 30
Decision = Finding.Decision
Problem = Literal["", "no_classes", "few_labels", "one_class", "no_signal"]
JUDGED = {Decision.KEPT: False, Decision.FIXED: True}


class AlreadyDecided(InvalidInput):
    """Somebody decided this finding before; the message says how."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"This label was decided before: {finding.get_decision_display().lower()}.")


class LabelChanged(InvalidInput):
    """The item has another label than the one that the finding is about."""


def decisions(project: Project) -> dict[int, bool]:
    """Item to whether its label was wrong, by what people decided."""
    rows = Finding.objects.filter(project=project, kind=FindingKind.LABEL_ERROR, decision__in=JUDGED)
    return {pk: JUDGED[Decision(made)] for pk, made in rows.order_by("decided_at").values_list("item_id", "decision")}


class PrecisionAt(Struct, frozen=True):
    """The expected share of wrong labels among the `length` most suspect ones."""

    length: int
    precision: StoredEstimate


class LabelQualityBody(Struct, frozen=True, tag_field="version", tag=2):
    """What a label quality report stores. n: labels with an out-of-sample score; `versions` gave these scores.

    problem: why the labels cannot be judged. flagged: labels unlike what the model expects; share: the estimated
    share of wrong labels among all; curve: expected precision by the length of the list of
    those that nobody has decided about; decided, wrong: suspects that
    people decided about, and those of them whose label was wrong.
    """

    n: int
    problem: Problem = ""
    flagged: int = 0
    share: StoredEstimate | None = None
    curve: list[PrecisionAt] = []
    decided: int = 0
    wrong: int = 0
    versions: list[str] = []


def find_suspects(
    project: Project, sample: LabelledSample, decided: dict[int, bool], *, at: datetime
) -> LabelQualityBody:
    """Score the labels, keep the suspects as open findings, and say how far the list can be trusted."""
    n = len(sample.item_ids)
    if problem := _problem(sample):
        return LabelQualityBody(n, problem)
    found = label_errors.suspected(sample.given, sample.probabilities, classes=sample.classes, groups=sample.groups)
    place = {int(pk): row for row, pk in enumerate(sample.item_ids)}
    judged = [SuspectDecision(place[pk], wrong) for pk, wrong in decided.items() if pk in place]
    found_wrong = sum(one.wrong for one in judged)
    if not found.signal:
        store(project, FindingKind.LABEL_ERROR, [])
        return LabelQualityBody(n, "no_signal", decided=len(judged), wrong=found_wrong, versions=list(sample.versions))
    expected = revised_precision(judged, found.expected_precision)
    still_open = revised_precision(judged, found.expected_precision, open_only=True)
    suspects = _suspected(project, sample, found, expected, at=at)
    store(project, FindingKind.LABEL_ERROR, _waiting(project, suspects))
    longest = min(still_open.n, max(2 * min(len(suspects), MOST), 20))
    lengths = sorted({int(m) for m in np.linspace(1, longest, CURVE_POINTS)}) if longest else []
    return LabelQualityBody(
        n=n,
        flagged=int(found.unlike.sum()),
        share=stored_estimate(found.estimated_share),
        curve=[PrecisionAt(length, stored_estimate(still_open.of(length))) for length in lengths],
        decided=len(judged),
        wrong=found_wrong,
        versions=list(sample.versions),
    )


def _problem(sample: LabelledSample) -> Problem:
    if not sample.classes:
        return "no_classes"
    if len(sample.item_ids) < LEAST_LABELS:
        return "few_labels"
    return "one_class" if len(np.unique(sample.given)) == 1 else ""


def _suspected(project: Project, sample: LabelledSample, found: Any, expected: Any, *, at: datetime) -> list[Finding]:
    """A finding, not yet stored, for each label unlike what the model expects, the most suspect first."""
    wrong = dict(zip(expected.order.tolist(), expected.wrong.tolist(), strict=True))
    rows = [int(row) for row in expected.order if found.unlike[row]]
    labels = _labels(sample.item_ids[rows].tolist())
    made = []
    for row in rows:
        item_id, given = int(sample.item_ids[row]), sample.classes[sample.given[row]]
        made.append(
            Finding(
                project=project,
                kind=FindingKind.LABEL_ERROR,
                key=key_of(item_id, given),
                item_id=item_id,
                label_id=labels.get(item_id),
                given=given,
                suggested=sample.classes[found.suggested[row]],
                score=float(found.score[row]),
                expected=float(wrong[row]),
                details={"model": float(sample.probabilities[row][found.suggested[row]])},
                found_at=at,
            )
        )
    return made


def _labels(item_ids: list[int]) -> dict[int, int]:
    """Item to its newest label that was given."""
    found: dict[int, int] = {}
    for chunk in chunks(item_ids):
        rows = Label.objects.filter(item__in=chunk, state=LabelState.GIVEN).order_by("pk")
        found |= dict(rows.values_list("item_id", "pk"))
    return found


def _waiting(project: Project, found: Sequence[Finding]) -> list[Finding]:
    """Those to ask about: not decided, the first MOST of them, and what waits already."""
    rows = Finding.objects.filter(project=project, kind=FindingKind.LABEL_ERROR)
    stored = dict(rows.values_list("key", "decision"))
    open_ = [one for one in found if stored.get(one.key, Decision.OPEN) in Finding.UNDECIDED]
    return open_[:MOST] + [one for one in open_[MOST:] if stored.get(one.key) == Decision.OPEN]


def key_of(item_id: int, given: Any) -> str:
    """The identity of a suspected label: the item and the value that it was given."""
    value = json.dumps(given, sort_keys=True, ensure_ascii=False)
    return f"{item_id}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"


@transaction.atomic
def store(project: Project, kind: FindingKind, found: Sequence[Finding]) -> None:
    """Make, update and reopen what is found now, and close as gone what is open and is not.

    What a person decided is not touched, also where the decision came while this was computed.
    """
    keys = [one.key for one in found]
    Finding.objects.bulk_create(found, ignore_conflicts=True)
    stored = Finding.objects.filter(project=project, kind=kind)
    locked = stored.select_for_update(no_key=True) if connection.features.has_select_for_update else stored
    undecided = {row.key: row for row in locked.filter(decision__in=Finding.UNDECIDED).order_by("pk")}
    for one in found:
        if row := undecided.get(one.key):
            for name in UPDATED:
                setattr(row, name, getattr(one, name))
            row.decision = Decision.OPEN
    Finding.objects.bulk_update([undecided[key] for key in keys if key in undecided], [*UPDATED, "decision"])
    gone = [row.pk for key, row in undecided.items() if key not in set(keys) and row.decision == Decision.OPEN]
    for chunk in chunks(gone):
        Finding.objects.filter(pk__in=chunk).update(decision=Decision.GONE)


@retry_conflicts
@transaction.atomic
def record_decision(finding: Finding, decision: str, *, by: User, at: datetime, value: Any = None) -> Finding:
    """Keep the label, fix it, or call it unclear. Deciding twice the same way is no error.

    `value` is what a fix sets, as the person saw it; the suggestion of the last refresh where it is absent. Raises
    AlreadyDecided where somebody decided otherwise, LabelChanged where the item has another label by now.
    """
    decision = Decision(decision)
    undecided = Finding.objects.filter(pk=finding.pk, decision__in=Finding.UNDECIDED)
    if not undecided.update(decision=decision, decided_by=by, decided_at=at):
        finding.refresh_from_db()
        if finding.decision != decision:
            raise AlreadyDecided(finding)
        return finding
    finding.refresh_from_db()
    if decision == Decision.FIXED:
        _fix(finding, finding.suggested if value is None else value, by=by, at=at)
    details = {"decision": decision, "given": finding.given, "suggested": finding.suggested}
    audit.record(
        "finding.decide", by=by, at=at, project=finding.project, target=f"item {finding.item_id}", details=details
    )
    return finding


def _fix(finding: Finding, value: Any, *, by: User, at: datetime) -> None:
    current = Resolution.objects.current().filter(item=finding.item_id).first()
    if current and current.value not in (finding.given, value):
        raise LabelChanged("This label was changed since; the page shows it as it is now.")
    if finding.suggested != value:
        finding.suggested = value
        finding.save(update_fields=["suggested"])
    resolution.resolve_by_person(Item.objects.get(pk=finding.item_id), value=value, by=by, at=at)
