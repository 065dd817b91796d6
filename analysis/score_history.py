"""Scores of an evaluation sample by stretch of time and by value of each segment, with the interval of each."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from analysis.class_performance import PerClass, measure_classes, per_class_of
from analysis.live_estimates import labels_score
from analysis.metrics.core import weighted
from analysis.metrics.core.stored import StoredEstimate, stored_estimate
from analysis.metrics.performance.classification import OVERALL_METRICS
from analysis.samples import EvaluationSample

BINS = 10
LEAST_IN_BIN = 10
MOST_SEGMENTS = 8  # names; each with at most `changes.MOST_VALUES` values
MOST_MEASURED = 12  # values of a segment, the largest, that get a history and every metric
LEAST_MEASURED = 20  # labels of such a value


class SeriesPoint(Struct, frozen=True):
    """A stretch of time: the mean score of what was served then, and the figures of each class.

    Times in seconds since the epoch; first, last: when its first and last item happened.
    """

    start: float
    end: float
    first: float
    last: float
    score: StoredEstimate
    classes: list[PerClass] = []


class SegmentScore(Struct, frozen=True):
    """The mean score of the items with one value of a segment.

    metrics: the other metrics of a kind with classes, by name. series: what was served over time, in the stretches of
    the whole. Both are empty where too few of its items are labelled.
    """

    name: str
    value: str
    score: StoredEstimate
    metrics: dict[str, StoredEstimate] = {}
    series: list[SeriesPoint] = []


def score_series(sample: EvaluationSample) -> list[SeriesPoint]:
    """Equal stretches of time with enough labels in each."""
    return _series(sample, np.ones(len(sample), dtype=bool), classes=True) if len(sample) else []


def segment_scores(
    sample: EvaluationSample,
    segments: Mapping[str, Sequence[str]],
    served: EvaluationSample,
    served_segments: Mapping[str, Sequence[str]],
) -> list[SegmentScore]:
    """The scores of a version by each value of each segment, the largest values first, and what was served then."""
    found = []
    for name, values in list(segments.items())[:MOST_SEGMENTS]:
        column = np.asarray(values, dtype=object).astype(str)
        history = np.asarray(served_segments.get(name, []), dtype=object).astype(str)
        names, counts = np.unique(column, return_counts=True)
        for place, value in enumerate(names[np.argsort(-counts, kind="stable")].tolist()):
            inside, measured = column == value, place < MOST_MEASURED
            found.append(_of_value(sample, name, value, inside, served, history == value, measured=measured))
    return found


def _of_value(
    sample: EvaluationSample,
    name: str,
    value: str,
    inside: NDArray[np.bool_],
    served: EvaluationSample,
    then: NDArray[np.bool_],
    *,
    measured: bool,
) -> SegmentScore:
    score = stored_estimate(labels_score(sample, inside))
    if not measured or inside.sum() < LEAST_MEASURED:
        return SegmentScore(name, value, score)
    series = _series(served, then, classes=False) if then.any() else []
    return SegmentScore(name, value, score, _metrics(sample, inside), series)


def _metrics(sample: EvaluationSample, inside: NDArray[np.bool_]) -> dict[str, StoredEstimate]:
    found = measure_classes(sample, inside)
    if found is None:
        return {}
    return {name: stored_estimate(getattr(found, name)) for name in OVERALL_METRICS if name != "accuracy"}


def _series(sample: EvaluationSample, among: NDArray[np.bool_], *, classes: bool) -> list[SeriesPoint]:
    """The stretches of the whole sample; of each the rows among (n,), where they are enough."""
    stamps = np.array([moment.timestamp() for moment in sample.at])
    bins = max(1, min(BINS, len(sample) // (2 * LEAST_IN_BIN)))
    edges = np.linspace(stamps[0], stamps[-1], bins + 1)
    place = np.clip(np.searchsorted(edges, stamps, side="right") - 1, 0, bins - 1)
    parts = [(number, among & (place == number)) for number in range(bins)]
    return [
        _point(sample, stamps, part, (float(edges[number]), float(edges[number + 1])), classes=classes)
        for number, part in parts
        if part.sum() >= LEAST_IN_BIN
    ]


def _point(
    sample: EvaluationSample,
    stamps: NDArray[np.float64],
    part: NDArray[np.bool_],
    ends: tuple[float, float],
    *,
    classes: bool,
) -> SeriesPoint:
    first, last = float(stamps[part].min()), float(stamps[part].max())
    return SeriesPoint(*ends, first, last, _score_of_part(sample, part), per_class_of(sample, part) if classes else [])


def _score_of_part(sample: EvaluationSample, part: NDArray[np.bool_]) -> StoredEstimate:
    """The mean score of a part of the sample as a sample of its own, as precision and recall beside it are."""
    chance, groups = sample.inclusion_probability[part], sample.groups[part]
    return stored_estimate(weighted.score(sample.score[part], chance, groups=groups))
