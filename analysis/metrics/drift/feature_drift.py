"""The drift of one column, and that of a text whose vectors by a text encoder stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.metrics.drift.column_tests import cauchy_combination
from inputs.encoders.columns import vector_name
from inputs.registry import is_read_as_text


@dataclass(frozen=True)
class FeatureDrift:
    """Drift test of one column. `p`, `p_adjusted`, `effect` are None where undefined, and `words` says why.

    p_adjusted: Benjamini–Hochberg over the columns, small = differs. effect: in the unit of `effect_name`, 0 = same.
    dependent: the p is taken from the stream's own past windows, since its rows are not independent.
    """

    name: str
    kind: str
    p: float | None
    p_adjusted: float | None
    effect: float | None
    effect_name: str
    drifted: bool
    n_reference: int
    n_current: int
    words: str
    dependent: bool = False
    score: bool = False


def with_their_vectors(features: Sequence[FeatureDrift]) -> list[FeatureDrift]:
    """The features, those of a text and of its vectors by a text encoder (`with_vectors`) as one, the text's.

    Its p combines both by Cauchy's rule; effect and words are of the one that moved more clearly.
    """
    by_name = {feature.name: feature for feature in features}
    encoded = {vector_name(feature.name): feature.name for feature in features if is_read_as_text(feature.kind)}
    return [
        _combined(feature, by_name.get(vector_name(feature.name)))
        for feature in features
        if feature.name not in encoded
    ]


def _combined(text: FeatureDrift, vectors: FeatureDrift | None) -> FeatureDrift:
    tested = [one for one in (text, vectors) if one is not None and one.p is not None]
    if not tested:
        return text
    clearest = min(tested, key=lambda one: one.p or 0.0)
    return replace(
        clearest,
        name=text.name,
        kind=text.kind,
        p=cauchy_combination([one.p for one in tested if one.p is not None]) if len(tested) > 1 else tested[0].p,
        words=clearest.words.replace(f"{vector_name(text.name)}: directions", f"{text.name}: meanings", 1),
        dependent=any(one.dependent for one in tested),
    )
