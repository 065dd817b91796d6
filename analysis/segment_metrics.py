"""Metrics of one version in one segment, computed when they are asked for: reports cover all items only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from analysis import samples
from analysis.class_performance import measure_classes
from analysis.evaluation_design import in_segment, represented_items
from analysis.metrics.core import weighted
from analysis.metrics.core.weighted import Estimate
from analysis.metrics.performance import classification
from analysis.samples import EvaluationSample
from annotation.models import Item
from projects.chunks import chunks
from projects.models import Project
from validation import InvalidInput


class BadSegment(InvalidInput):
    """A segment that is not written as name=value."""


@dataclass(frozen=True)
class SegmentMetrics:
    """n labels judge the version in this segment, `audit` of them were drawn; `measured` is None without classes."""

    n: int
    audit: int
    items: int
    score: Estimate
    measured: classification.Performance | None


def segment_metrics(project: Project, version: str, segment: str, *, days: int, at: datetime) -> SegmentMetrics:
    """Metrics over the items whose segment is `name=value`, weighted as those of all items are.

    Inclusion probabilities are those of the whole sample: the segment is a domain of it, and the estimate a ratio.
    """
    name, equals, value = segment.partition("=")
    if not equals or not name or "\x00" in segment:
        raise BadSegment("segment takes name=value, such as channel=app.")
    sample = samples.live(project, version, at=at, days=days)
    inside = _inside(sample, name, value)
    count = in_segment(represented_items(project, version, at=at, days=days), name, value).count()
    score = weighted.undefined(weighted.NO_ITEMS)
    if inside.any():
        score = weighted.score(sample.score, sample.inclusion_probability, domain=inside, groups=sample.groups)
    measured = measure_classes(sample, inside) if inside.any() else None
    return SegmentMetrics(int(inside.sum()), int(sample.audit[inside].sum()), count, score, measured)


def _inside(sample: EvaluationSample, name: str, value: str) -> Any:
    """Which rows of the sample lie in the segment, (n,)."""
    known: dict[int, Any] = {}
    for chunk in chunks(sample.item_ids.tolist()):
        known |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "segment"))
    return np.array([str(known[pk].get(name, "")) == value for pk in sample.item_ids.tolist()], dtype=bool)
