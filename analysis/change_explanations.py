"""What explains a change of what was served: the same parts on every page that shows it."""

import numpy as np
from msgspec import Struct

from analysis.changes import StoredChange
from analysis.metrics.core.stored import StoredEstimate
from analysis.metrics.performance.change_explanation import ChangePart, explain_change
from analysis.samples import EvaluationSample
from analysis.slice_filters import inputs_of
from annotation import media
from annotation.sampling.design.input_shift import summarise
from projects.models import Project


class StoredExplanation(Struct, frozen=True):
    """The parts of a change of the mean score; they add up to `difference`, and with the segment's mix to its table.

    mix: other shares of traffic; inputs: other inputs within the values of the segment, by these named numbers; rest:
    the same inputs, other scores; unseen: values that were not there before.
    """

    difference: float
    mix: StoredEstimate
    inputs: StoredEstimate
    rest: StoredEstimate
    unseen: StoredEstimate
    features: list[str]

    @property
    def points(self) -> float:
        """The difference in hundredths of the score."""
        return 100 * self.difference


def find_explanation(
    project: Project, sample: EvaluationSample, segments: dict[str, list[str]], change: StoredChange
) -> StoredExplanation | None:
    """The parts of this change of the sample; None with too few labels on one side."""
    late = np.arange(len(sample)) >= change.row
    types = project.contract().types()
    summaries = summarise(media.columns(project, inputs_of(sample), types), types)
    features = np.column_stack([one.values for one in summaries]) if summaries else np.zeros((len(sample), 0))
    found = explain_change(
        sample.score,
        sample.inclusion_probability,
        late,
        features,
        segment=segments.get(change.segment),
        groups=sample.groups,
    )
    if found is None:
        return None

    def stored(part: ChangePart) -> StoredEstimate:
        return StoredEstimate(part.value, part.low, part.high, len(sample))

    parts = {name: stored(getattr(found, name)) for name in ("mix", "inputs", "rest", "unseen")}
    return StoredExplanation(found.difference, **parts, features=[one.name for one in summaries])
