"""Everything that is known of one item, and where it stands on its way to a label."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import models

from annotation import blinding
from annotation.models import Item, Label, LabelState, Prediction, Resolution, RoutedItem, RoutedState
from projects.bulk_insert import json_text
from projects.models import Project, User

MOST_OF_A_STORY = 200  # of each kind of fact about one item, the newest


class ItemStatus(models.TextChoices):
    """How far an item is. `IN_REVIEW` waits for a reviewer, `LABELLED` for more labels, `WAITING` for the first."""

    RESOLVED = "resolved"
    NO_LABEL = "no label fits"
    IN_REVIEW = "in review"
    LABELLED = "labelled"
    SKIPPED = "skipped"
    WAITING = "waiting"
    NEVER_ASKED = "never asked"


def story(item: Item, *, viewer: User | None = None) -> dict[str, Any]:
    """What is known of one item, in the order in which it became known; of each kind of fact the newest.

    What models and others said of it, and why it is asked, is left out, and `blind` is true, where `viewer` may not see
    it.
    """
    known = _all_known(item)
    routings = known["routings"]
    wanted = item.is_drawn or any(blinding.asks_for_evaluation(routed) for routed in routings)
    blind = (wanted or len(routings) == MOST_OF_A_STORY) and not blinding.may_see(item, viewer)
    return known | {"blind": blind} | (_without_what_was_said() if blind else {})


def _without_what_was_said() -> dict[str, Any]:
    """Why it is asked is left out as well: a reason can name what a model says, and a cause that the audit drew it.

    So is where it stands: that others labelled it, or could not agree, says how hard it was.
    """
    facts = ("predictions", "signals", "routings", "labels", "resolutions", "findings", "flagged_by")
    none: dict[str, Any] = dict.fromkeys(facts, [])
    return none | {"none_fits": None, "comments": {}, "signals_in_all": 0, "given": 0, "standing": None, "votes": []}


def _all_known(item: Item) -> dict[str, Any]:
    none_fits = item.no_label_decisions.filter(withdrawn_at=None).select_related("decided_by").first()
    predictions = _newest(item.predictions, "at")
    values = _label_orders(item.project, {row.schema_version for row in predictions})
    routings = _newest(item.routed_items.select_related("queue"), "routed_at")
    labels = _newest(item.labels.select_related("user").prefetch_related("revisions"), "created_at")
    resolutions = _newest(item.resolutions.select_related("resolved_by", "signal"), "resolved_at")
    signals = _newest(item.signals, "at")
    return {
        "predictions": [(row, top_scores(row, values.get(row.schema_version, []))) for row in predictions],
        "signals": signals,
        "signals_in_all": len(signals) if len(signals) < MOST_OF_A_STORY else item.signals.count(),
        "routings": routings,
        "labels": labels,
        "comments": {label.pk: comments(label) for label in labels},
        "resolutions": resolutions,
        "given": sum(label.state == LabelState.GIVEN for label in labels),
        "votes": count_votes(labels),
        "standing": ItemStatus.NO_LABEL if none_fits else item_status(routings, labels, resolutions),
        "none_fits": none_fits,
        "flagged_by": [label.user for label in labels if label.flagged and label.state != LabelState.UNDONE],
        "findings": _newest(item.findings.select_related("decided_by"), "found_at"),
        "inputs": [(name, kind, item.inputs.get(name)) for name, kind in item.project.contract().types().items()],
        "violations": list(item.violations.order_by("pk")),
    }


def _label_orders(project: Project, wanted: set[int]) -> dict[int, list[str]]:
    """The labels of these versions of the schema, in the order of stored scores."""
    schema = project.schema()  # which the page needs as well
    others = project.label_schemas.filter(version__in=wanted - {schema.version}) if wanted - {schema.version} else []
    return {one.version: one.values() for one in (schema, *others)}


def item_status(
    routings: Sequence[RoutedItem], labels: Sequence[Label], resolutions: Sequence[Resolution]
) -> ItemStatus:
    if any(row.state == RoutedState.REVIEW for row in routings):
        return ItemStatus.IN_REVIEW
    if any(row.superseded_at is None for row in resolutions):
        return ItemStatus.RESOLVED
    states = {label.state for label in labels}
    if LabelState.GIVEN in states:
        return ItemStatus.LABELLED
    if LabelState.SKIPPED in states:
        return ItemStatus.SKIPPED
    waits = any(row.state == RoutedState.OPEN for row in routings)
    return ItemStatus.WAITING if waits else ItemStatus.NEVER_ASKED


def count_votes(labels: Sequence[Label]) -> list[tuple[Any, int]]:
    """Each value that people gave with how many gave it, the most frequent first."""
    given = [label.value for label in labels if label.state == LabelState.GIVEN]
    counts = Counter(json_text(value) for value in given)
    values = {json_text(value): value for value in given}
    return [(values[text], n) for text, n in counts.most_common()]


def comments(label: Label) -> list[str]:
    """What its person wrote, the oldest first. The label needs its revisions."""
    return [revision.comment for revision in label.revisions.all() if revision.comment]


def _newest(facts: Any, time: str) -> list[Any]:
    return list(reversed(facts.order_by(f"-{time}", "-pk")[:MOST_OF_A_STORY]))


def top_scores(row: Prediction, values: list[str]) -> list[tuple[str, float]]:
    """The three largest scores with their labels."""
    if row.scores is None:
        return []
    scores = np.frombuffer(bytes(row.scores), dtype="<f4")
    return [(values[i], float(scores[i])) for i in np.argsort(-scores)[:3] if i < len(values)]
