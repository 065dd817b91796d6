"""Which given labels are probably wrong, what they should be, and how far that list can be trusted.

Each row is scored by its posterior probability of being right under a model of label noise (`label_noise`). A model
that does not beat the base rate can accuse no label, and where the labels show no errors beyond the model's
uncertainty, there may be none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import ArrayLike

from analysis.metrics.core.design import equal_parts
from analysis.metrics.labels import expected_precision, label_noise
from analysis.metrics.labels.expected_precision import ExpectedPrecision, ShareWithInterval
from analysis.metrics.labels.signal import beats_base_rate
from validation import InvalidInput, arrays
from validation.arrays import Bools, Floats, Ints, numbers
from validation.probabilities import check_probabilities

LEAST_ROWS = 10
SPREAD_WITHOUT_EVIDENCE = 3.0  # in log odds, see `expected_precision.SPREAD`
SPREAD_WITHOUT_SIGNAL = 6.0  # anything is possible until people decide
NO_SIGNAL = "The inputs tell nothing about the labels: the model does not beat the base rate, so no label is suspected."
NO_EVIDENCE = "Normalised margin: the labels show no more errors than the model's uncertainty explains."


@dataclass(frozen=True)
class LabelErrors:
    """What is suspected of n given labels.

    `score` (n,) in 0..1, low = most suspect; `suggested` (n,) the likeliest other class, what the label would be if it
    is wrong; `flagged` (n,) more probably wrong than right, the head of the list by score; `expected_precision` of that
    list, by the same model; `estimated_share` of wrong labels among all; `method` how it was scored and why, in words.
    `unlike` (n,): labels that differ from what the model expects, to be checked first: those flagged, or, where errors
    are not evident, those of confident learning. `signal`: whether the probabilities know anything of the labels;
    without, nothing is flagged and the share has no value.
    """

    score: Floats
    suggested: Ints
    flagged: Bools
    expected_precision: ExpectedPrecision
    estimated_share: ShareWithInterval
    method: str
    unlike: Bools
    signal: bool = True


def suspected(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
) -> LabelErrors:
    """Score each given label by the probability that it is right.

    `labels` (n,): codes 0..k-1. `probabilities` (n, k): **out of sample**, rows that sum to 1; in-sample ones hide
    every error. `classes`: k names, for messages. `groups` (n,): copies of one row share one (`inputs.groups`) and
    count as one row together where errors are estimated and in intervals.

    Where the labels show no more errors than the model's uncertainty explains, the score is cleanlab's normalised
    margin (Northcutt, Jiang and Chuang 2021), nothing is flagged, and the expected precision is wide, down to 0; also
    where the probabilities do not beat the base rate (`signal`).
    Raises InvalidInput on input that cannot be judged.
    """
    given, pred_probs = _checked(labels, probabilities, classes)
    group = arrays.groups_of(groups, given.size)
    noise = label_noise.fit(given, pred_probs, equal_parts(group, given.size))
    others = pred_probs.copy()
    others[np.arange(given.size), given] = -1
    signal = _has_signal(given, pred_probs, group)
    evident = signal and noise.evident
    flagged = (noise.right < 0.5) & evident
    score = noise.right if evident else get_label_quality_scores(given, pred_probs, method="normalized_margin")
    order = np.argsort(score, kind="stable")
    expected = expected_precision.initial_precision(
        order, noise.right, expected_precision.SPREAD if evident else _wide_spread(signal), group
    )
    if not evident:
        expected = replace(expected, low=np.zeros(given.size))
    share = expected.of(expected.n)
    if not signal:
        share = ShareWithInterval(None, 0.0, 1.0, given.size, NO_SIGNAL)
    method = label_noise.describe(noise) if evident else NO_EVIDENCE if signal else NO_SIGNAL
    unlike = flagged if evident else _confidently_unlike(given, pred_probs) & signal
    return LabelErrors(score, others.argmax(axis=1), flagged, expected, share, method, unlike, signal)


def _confidently_unlike(given: Ints, pred_probs: Floats) -> Bools:
    """Confident learning; a prefork worker may not have children, so cleanlab may not start any."""
    return np.asarray(find_label_issues(given, pred_probs, filter_by="low_normalized_margin", n_jobs=1))


def _wide_spread(signal: bool) -> float:
    return SPREAD_WITHOUT_EVIDENCE if signal else SPREAD_WITHOUT_SIGNAL


def _has_signal(given: Ints, pred_probs: Floats, group: Ints | None) -> bool:
    """Of the copies of one row the first counts."""
    first = np.arange(given.size) if group is None else np.unique(group, return_index=True)[1]
    return beats_base_rate(given[first], pred_probs[first])


def _checked(labels: ArrayLike, probabilities: ArrayLike, classes: Sequence[str] | None) -> tuple[Ints, Floats]:
    given, pred_probs = np.asarray(labels), numbers("probabilities", probabilities)
    if pred_probs.ndim != 2 or given.ndim != 1 or given.shape[0] != pred_probs.shape[0]:
        raise InvalidInput(f"Labels {given.shape} need probabilities (n, k), not {pred_probs.shape}.")
    if given.size < LEAST_ROWS:
        raise InvalidInput(f"{given.size} rows are too few to judge labels by; {LEAST_ROWS} is the least.")
    if not np.issubdtype(given.dtype, np.integer):
        raise InvalidInput("Labels must be whole-number codes 0..k-1.")
    k = pred_probs.shape[1]
    if classes is not None and len(classes) != k:
        raise InvalidInput(f"There are {k} columns of probabilities for {len(classes)} classes.")
    outside = given[(given < 0) | (given >= k)]
    if outside.size:
        raise InvalidInput(f"Label code {outside[0]} has no column among {k} classes.")
    if (given == given[0]).all():
        name = given[0] if classes is None else classes[given[0]]
        raise InvalidInput(f"All labels are {name}: with one class only there are no errors to find.")
    return given.astype(np.int64), check_probabilities(pred_probs)
