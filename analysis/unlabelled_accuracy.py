"""Accuracy of a version over the items of a window that it answered, from its scores of them, without their labels."""

from datetime import datetime, timedelta

import numpy as np
from django.db.models import QuerySet
from msgspec import Struct
from numpy.typing import NDArray

from analysis.item_arrays import score_matrix, uniform_sample
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.estimates.answer_accuracy import (
    Undefined,
    accuracy_without_labels,
    undefined_words,
    why_undefined,
)
from analysis.samples import EvaluationSample
from annotation import versions
from annotation.models import Prediction, Source
from annotation.score_order import ScoreOrder
from projects.models import Project

MOST_ANSWERS = 20_000  # that are read; a window of more is estimated from a uniform sample of so many


class UnlabelledAccuracy(Struct, frozen=True):
    """What a report stores. accuracy: of n answers that were read; None where `undefined` says why.

    calibrated_on: labelled answers that say how often a score is right; of a window of days those before it.
    """

    accuracy: StoredEstimate
    calibrated_on: int
    undefined: Undefined | None = None

    @property
    def why(self) -> str:
        """Why there is no estimate, in words."""
        return undefined_words(self.undefined, self.calibrated_on, self.accuracy.n) if self.undefined else ""


def unlabelled_accuracy(
    project: Project, everything: EvaluationSample, *, at: datetime, days: int
) -> UnlabelledAccuracy:
    """The estimate of the last `days` (0 is all time); `everything`: the version's labelled answers of all time."""
    codes = everything.codes
    if codes is None:
        return _nothing(Undefined.NO_CLASSES)
    begin = at - timedelta(days=days)
    before = np.array([not days or moment < begin for moment in everything.at], dtype=bool)
    right = codes.truth[before] == codes.predicted[before]
    now = answer_scores(project, everything.version, at=at, days=days)
    scored = np.isfinite(now)
    if (now.size and not scored.any()) or (codes.probabilities is None and right.size):
        return _nothing(Undefined.NO_SCORES, right.size)
    now = now[scored]
    if why := why_undefined(right, now.size):
        return _nothing(why, right.size, now.size)
    then = codes.confidence[before]
    return UnlabelledAccuracy(
        stored_estimate(accuracy_without_labels(then, right, everything.design(before), now)), right.size
    )


def answer_scores(project: Project, version: str, *, at: datetime, days: int) -> NDArray[np.float64]:
    """(m,) the score of each answer in the window, NaN where it has none, of items that the version did not learn from.

    At most about MOST_ANSWERS rows are read: of more answers a uniform sample by id, which the index counts.
    """
    order = ScoreOrder(project)
    given = Prediction.objects.filter(project=project, model_version__in=versions.stored_as(version))
    sampled = _sampled(given, at, days)
    answers = {item: (label, scores, schema) for item, label, scores, schema in sampled if label in order.names}
    found = [
        _score(order.names.index(order.counted(label)), order.scores(scores, schema), len(order.names))
        for label, scores, schema in answers.values()
    ]
    return np.array(found, dtype=np.float64)


def _score(code: int, scores: bytes | None, k: int) -> float:
    matrix = score_matrix([scores], k)
    return float("nan") if matrix is None else float(matrix[0, code])


def _sampled(
    given: QuerySet[Prediction], at: datetime, days: int
) -> QuerySet[Prediction, tuple[int, str, bytes | memoryview | None, int]]:
    """Item, label, scores and their schema version, of the answers of the window, each item's newest answer last."""
    begin = at - timedelta(days=days)
    if days:
        given = given.filter(at__gte=begin)  # nothing is answered before it is captured
    given = uniform_sample(given, given.count(), MOST_ANSWERS)
    if days:
        given = given.filter(item__at__range=(begin, at))
    seen = given.filter(out_of_sample=True).exclude(source=Source.OUT_OF_FOLD)
    return seen.order_by("at", "pk").values_list("item_id", "label", "scores", "schema_version")


def _nothing(why: Undefined, calibrated_on: int = 0, n: int = 0) -> UnlabelledAccuracy:
    return UnlabelledAccuracy(StoredEstimate(None, None, None, n), calibrated_on, why)
