"""Evaluation samples: the labelled items that may judge a version, with their inclusion probabilities, as arrays."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis import evaluation_design
from analysis.evaluation_design import (
    answered_by,
    by_day,
    counts,
    design_rows,
    effective_probabilities,
    in_window,
)
from analysis.item_arrays import input_groups, score_matrix
from analysis.metrics.core.design import Design, design
from analysis.traffic_scores import TrafficScores, traffic_scores
from annotation import kinds
from annotation.models import Prediction, Resolution
from annotation.score_order import ScoreOrder
from projects.chunks import chunks
from projects.models import Project


@dataclass(frozen=True)
class ClassCodes:
    """Truth and prediction (n,) as codes of the classes; probabilities (n, k), or None where one has a label only."""

    names: tuple[str, ...]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None

    @property
    def confidence(self) -> NDArray[np.float64]:
        """The probability (n,) of each prediction, NaN without probabilities."""
        if self.probabilities is None:
            return np.full(self.predicted.size, np.nan)
        found: NDArray[np.float64] = self.probabilities[np.arange(self.predicted.size), self.predicted]
        return found


@dataclass(frozen=True)
class EvaluationSample:
    """n labelled items that may judge one version, in time order.

    truths, answers: values of the task kind, n each. score (n,): how right each answer is, 0 to 1, by the kind. codes:
    the same as codes of classes, None for a kind without classes. inclusion_probability (n,) in (0, 1], with the
    answered share of its part multiplied in. audit (n,): drawn by the audit, with audit_probability (n,), that draw's
    alone, whatever else asked the item. population: items of the window that they stand for.
    """

    version: str
    item_ids: NDArray[np.int64]
    truths: tuple[Any, ...]
    answers: tuple[Any, ...]
    score: NDArray[np.float64]
    codes: ClassCodes | None
    inclusion_probability: NDArray[np.float64]
    audit: NDArray[np.bool_]
    audit_probability: NDArray[np.float64]
    load_groups: Callable[[], NDArray[np.int64]]
    at: tuple[datetime, ...]
    population: int
    waiting: int
    load_traffic: Callable[[], TrafficScores | None] = field(default=lambda: None)

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Group numbers (n,): items with equal or near-equal inputs share one. Read when first asked for."""
        return self.load_groups()

    @cached_property
    def traffic(self) -> TrafficScores | None:
        """The version's scores of all items that these stand for; None where they may not be used. Read when asked."""
        return self.load_traffic()

    def design(self, part: NDArray[np.bool_] | None = None) -> Design:
        """How the items of a part (n,) were chosen, all of them where absent."""
        rows = slice(None) if part is None else part
        return design(self.inclusion_probability[rows], groups=self.groups[rows])

    @property
    def hash(self) -> str:
        """Equal content, equal hash."""
        names = self.codes.names if self.codes else ()
        values = json.dumps([self.version, names, self.population, self.waiting, self.truths, self.answers])
        parts = (self.item_ids, np.round(self.inclusion_probability, 12))
        return hashlib.sha256(values.encode() + b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass(frozen=True)
class _VersionAnswer:
    """What a version said of an item last."""

    value: Any
    scores: bytes | None


def live(project: Project, version: str, *, at: datetime, days: int = 0) -> EvaluationSample:
    """What judges this version, or all that was served then (AS_SERVED), over the last `days` (0 is all time)."""
    judged = evaluation_design.design_of(project, version, in_window(days, at=at))
    chosen = design_rows(judged.chosen())
    population = by_day(judged.population())  # after `chosen`: what is captured meanwhile has its day
    judging = set(judged.judging().values_list("pk", flat=True))
    effective = effective_probabilities(chosen, judging, population, judged.until)
    rows = [row for row in chosen if row.pk in judging]
    ids = [row.pk for row in rows]
    answers, truth = _answers(project, version, ids), _truth(project, ids)
    kind, names = kinds.of_project(project), kinds.class_names(project)
    item_ids = np.array(ids, dtype=np.int64)
    inclusion = np.array([effective[pk] for pk in ids], dtype=np.float64)
    return EvaluationSample(
        version=version,
        item_ids=item_ids,
        truths=tuple(truth[pk] for pk in ids),
        answers=tuple(answers[pk].value for pk in ids),
        score=np.array([kind.score(truth[pk], answers[pk].value) for pk in ids], dtype=np.float64),
        codes=_codes(names, [truth[pk] for pk in ids], [answers[pk] for pk in ids]),
        inclusion_probability=inclusion,
        audit=np.array([row.is_drawn for row in rows], dtype=bool),
        audit_probability=np.array([row.audit_probability or np.nan for row in rows], dtype=np.float64),
        load_groups=partial(input_groups, project, ids),
        at=tuple(row.at for row in rows),
        population=sum(population.values()),
        waiting=sum(row.pk not in judging for row in chosen if counts(row, judged.until)),
        load_traffic=partial(traffic_scores, judged, names, item_ids, inclusion),
    )


def _codes(names: tuple[str, ...], truths: list[Any], answers: list[_VersionAnswer]) -> ClassCodes | None:
    if not names:
        return None
    codes = {name: code for code, name in enumerate(names)}
    return ClassCodes(
        names=names,
        truth=np.array([codes[value] for value in truths], dtype=np.int64),
        predicted=np.array([codes[answer.value] for answer in answers], dtype=np.int64),
        probabilities=score_matrix([answer.scores for answer in answers], len(names)),
    )


def _answers(project: Project, version: str, ids: list[int]) -> dict[int, _VersionAnswer]:
    """Item to what the version says of it, the newest answer."""
    found: dict[int, _VersionAnswer] = {}
    order = ScoreOrder(project)
    for chunk in chunks(ids):
        rows = Prediction.objects.of_items(chunk).filter(answered_by(version, order.names)).order_by("at", "pk")
        fields = ("item_id", "label", "value", "scores", "schema_version")
        for item_id, label, value, scores, schema in rows.values_list(*fields):
            found[item_id] = _VersionAnswer(order.counted(label or value), order.scores(scores, schema))
    return found


def _truth(project: Project, ids: list[int]) -> dict[int, Any]:
    found: dict[int, Any] = {}
    for chunk in chunks(ids):
        rows = Resolution.objects.current().filter(project=project, item__in=chunk)
        found |= dict(rows.by_people().values_list("item_id", "value"))
    order = ScoreOrder(project)  # a merge may be under way
    return {pk: order.counted(value) for pk, value in found.items()}
