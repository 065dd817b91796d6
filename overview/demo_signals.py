"""What simulated users said of the demo's digits, each right as often as is stated here, and late outcomes.

Thumbs, corrections and overrides are about digits that Bea labelled afterwards, so that they ask nobody again.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from annotation.models import Prediction, Resolution, Source
from annotation.signals import capture
from projects.models import Project

THUMBS = {"mia": 0.9, "tom": 0.55}  # user to how often a thumb is right
CORRECTION, WRONG_CORRECTION, CORRECTED = 0.8, 0.05, 0.95  # of wrong answers, of right ones; to the right label
OVERRIDDEN = 0.3  # of wrong answers, always to the right label
OUTCOMES, OUTCOME_RIGHT = 0.4, 0.99
BEFORE_LABELS = timedelta(hours=8)

Row = dict[str, Any]


def send(project: Project, truth: Mapping[str, str], confused: Mapping[str, str], *, at: datetime) -> int:
    """Capture all of it as of its own time; returns how many. `truth` is by key, `confused` a wrong label of each."""
    rng, early = np.random.default_rng(7), at - BEFORE_LABELS
    served = Prediction.objects.filter(project=project, source=Source.SERVED).order_by("item")
    labelled = set(Resolution.objects.current().filter(project=project).values_list("item__key", flat=True))
    reactions, outcomes = list[Row](), list[Row]()
    for key, label, when in served.values_list("item__key", "label", "at"):
        if key in labelled and when < early:
            reactions += _reactions(key, label, truth[key], confused, when, rng)
        outcomes += _outcome(key, truth[key], confused, when, at, rng)
    sent = capture.capture_signals(project, reactions, at=early).created
    return sent + capture.capture_signals(project, outcomes, at=at).created


def _reactions(
    key: str, label: str, truth: str, confused: Mapping[str, str], when: datetime, rng: np.random.Generator
) -> Iterator[Row]:
    wrong, moment = label != truth, when + timedelta(minutes=20)
    for actor, right in THUMBS.items():
        if rng.random() < 0.6:
            objects = wrong == (rng.random() < right)
            yield _row(key, "thumbs_down" if objects else "thumbs_up", actor, moment)
    if rng.random() < (CORRECTION if wrong else WRONG_CORRECTION):
        value = truth if wrong and rng.random() < CORRECTED else confused[truth]
        yield _row(key, "correction", "counter-2", moment, value)
    if wrong and rng.random() < OVERRIDDEN:
        yield _row(key, "override", "supervisor", moment, truth)


def _outcome(
    key: str, truth: str, confused: Mapping[str, str], when: datetime, at: datetime, rng: np.random.Generator
) -> Iterator[Row]:
    """What happened, some days later, where that is not still to come."""
    comes, delay = rng.random() < OUTCOMES, timedelta(days=float(rng.gamma(2.0, 1.2)))
    value = truth if rng.random() < OUTCOME_RIGHT else confused[truth]
    if comes and when + delay < at:
        yield _row(key, "outcome", "post office", when + delay, value)


def _row(key: str, kind: str, actor: str, when: datetime, value: str | None = None) -> Row:
    row = {"id": f"{kind} {actor} {key}", "key": key, "kind": kind, "at": when.isoformat(), "actor": actor}
    return row if value is None else {**row, "value": value}
