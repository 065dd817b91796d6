"""Suspected label errors as rows: found by cleanlab's method over out-of-sample scores, decided by people."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from analysis.metrics.labels import label_errors
from analysis.models import Finding, FindingKind
from analysis.samples import LabelledSample
from annotation import resolution
from annotation.models import Item, Label, LabelState, Resolution
from projects import audit
from projects.chunks import chunks
from projects.models import Project, User
from validation import InvalidInput

MOST = 200  # new suspects that wait for a decision at once; the rest comes when these are decided
UPDATED = ("label_id", "suggested", "score", "expected", "details")  # by a refresh, where nobody has decided
CURVE_POINTS = 60
LEAST_LABELS = 30
Decision = Finding.Decision
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


def find_suspects(project: Project, frame: LabelledSample, decided: dict[int, bool], *, at: datetime) -> dict[str, Any]:
    """Score the labels, keep the suspects as open findings, and tell how far the list can be trusted."""
    n = len(frame.item_ids)
    if n < LEAST_LABELS:
        raise InvalidInput(
            f"{n} labels have an out-of-sample score so far; {LEAST_LABELS} are needed before any is doubted."
        )
    found = label_errors.suspected(frame.given, frame.probabilities, classes=frame.classes)
    place = {int(pk): row for row, pk in enumerate(frame.item_ids)}
    judged = [label_errors.SuspectDecision(place[pk], wrong) for pk, wrong in decided.items() if pk in place]
    expected = label_errors.revised_precision(judged, found.expected_precision)
    suspects = [int(row) for row in expected.order if found.flagged[row]]
    store(project, FindingKind.LABEL_ERROR, _waiting(project, _suspected(project, frame, found, expected, at=at)))
    lengths = sorted({int(m) for m in np.linspace(1, min(n, max(2 * min(len(suspects), MOST), 20)), CURVE_POINTS)})
    curve = [{"m": m, **_estimate(expected.of(m))} for m in lengths]
    return {
        "n": n,
        "flagged": int(found.flagged.sum()),
        "share": _estimate(found.estimated_share),
        "curve": curve,
        "decided": len(judged),
        "wrong": sum(one.wrong for one in judged),
        "versions": list(frame.versions),
        "method": found.method,
    }


def _estimate(given: label_errors.ShareWithInterval) -> dict[str, float]:
    return {"value": given.value, "low": given.low, "high": given.high, "n": given.n}


def _suspected(project: Project, frame: LabelledSample, found: Any, expected: Any, *, at: datetime) -> list[Finding]:
    """A finding, not yet stored, for each label that is more probably wrong than right, the most suspect first."""
    wrong = dict(zip(expected.order.tolist(), expected.wrong.tolist(), strict=True))
    rows = [int(row) for row in expected.order if found.flagged[row]]
    labels = _labels(frame.item_ids[rows].tolist())
    made = []
    for row in rows:
        item_id, given = int(frame.item_ids[row]), frame.classes[frame.given[row]]
        made.append(
            Finding(
                project=project,
                kind=FindingKind.LABEL_ERROR,
                key=key_of(item_id, given),
                item_id=item_id,
                label_id=labels.get(item_id),
                given=given,
                suggested=frame.classes[found.suggested[row]],
                score=float(found.score[row]),
                expected=float(wrong[row]),
                details={"model": float(frame.probabilities[row][found.suggested[row]])},
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
