"""Suspected label errors as rows: found by cleanlab's method over out-of-sample scores, decided by people."""

from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from analysis.metrics.labels import label_errors
from analysis.models import Finding, FindingKind
from analysis.samples import LabelledSample
from annotation import resolution
from annotation.models import Item, Label, LabelState
from projects import audit
from projects.models import Project, User
from validation import InvalidInput

MOST = 200  # cards at once; the rest comes when these are decided
CURVE_POINTS = 60
LEAST_LABELS = 30
Decision = Finding.Decision
JUDGED = {Decision.KEPT: False, Decision.FIXED: True}


class AlreadyDecided(InvalidInput):
    """Somebody decided this finding before; the message says how."""


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
    suspects = [int(row) for row in expected.order if found.flagged[row]][:MOST]
    _store(project, frame, found, expected, suspects, at=at)
    lengths = sorted({int(m) for m in np.linspace(1, min(n, max(2 * len(suspects), 20)), CURVE_POINTS)})
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


def _store(
    project: Project, frame: LabelledSample, found: Any, expected: Any, suspects: list[int], *, at: datetime
) -> None:
    """Open findings are made anew; what a person decided stays, and is not asked again while the label stands."""
    wrong = dict(zip(expected.order.tolist(), expected.wrong.tolist(), strict=True))
    ids = [int(frame.item_ids[row]) for row in suspects]
    people = Label.objects.filter(item__in=ids, state=LabelState.GIVEN).order_by("pk")
    label_of = dict(people.values_list("item_id", "pk"))
    with transaction.atomic():
        mine = Finding.objects.filter(project=project, kind=FindingKind.LABEL_ERROR)
        asked = {(pk, str(given)) for pk, given in mine.exclude(decision=Decision.OPEN).values_list("item_id", "given")}
        mine.filter(decision=Decision.OPEN).delete()
        rows = []
        for row, item_id in zip(suspects, ids, strict=True):
            given, suggested = frame.classes[frame.given[row]], frame.classes[found.suggested[row]]
            if (item_id, given) not in asked:
                rows.append(
                    Finding(
                        project=project,
                        kind=FindingKind.LABEL_ERROR,
                        item_id=item_id,
                        label_id=label_of.get(item_id),
                        given=given,
                        suggested=suggested,
                        score=float(found.score[row]),
                        expected=float(wrong[row]),
                        details={"model": float(frame.probabilities[row][found.suggested[row]])},
                        found_at=at,
                    )
                )
        Finding.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def record_decision(finding: Finding, decision: str, *, by: User, at: datetime) -> Finding:
    """Keep the label, fix it to the model's, or call it unclear. Deciding twice the same way is no error."""
    decision = Decision(decision)
    open_ = Finding.objects.filter(pk=finding.pk, decision=Decision.OPEN)
    if not open_.update(decision=decision, decided_by=by, decided_at=at):
        finding.refresh_from_db()
        if finding.decision != decision:
            raise AlreadyDecided(f"This label was decided before: {finding.get_decision_display().lower()}.")
        return finding
    if decision == Decision.FIXED:
        resolution.resolve_by_person(Item.objects.get(pk=finding.item_id), value=finding.suggested, by=by, at=at)
    details = {"decision": decision, "given": finding.given, "suggested": finding.suggested}
    audit.record(
        "finding.decide", by=by, at=at, project=finding.project, target=f"item {finding.item_id}", details=details
    )
    finding.refresh_from_db()
    return finding
