"""How often is a version right on items that nobody labelled? From its scores of them, calibrated on labelled ones."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from analysis.metrics.core.design import Design
from analysis.metrics.estimates import label_free
from analysis.metrics.estimates.label_free import CBPE, LabelFreeEstimate
from analysis.metrics.estimates.label_shift import MIN_ROWS
from validation import arrays


class Undefined(StrEnum):
    """Why there is no estimate."""

    NO_CLASSES = "no_classes"
    NO_SCORES = "no_scores"
    FEW_LABELS = "few_labels"
    ONE_OUTCOME = "one_outcome"
    FEW_ANSWERS = "few_answers"


def accuracy_without_labels(
    confidence: npt.ArrayLike, right: npt.ArrayLike, drawn: Design, confidence_now: npt.ArrayLike, *, seed: int = 0
) -> LabelFreeEstimate:
    """Accuracy over a window's answers from the score of each, without their labels.

    confidence (n,): the scores of answers that were labelled, right (n,): whether they were, drawn: how these n items
    were chosen. confidence_now (m,): the scores of the window's answers, all of them or a uniform sample. Each is the
    probability that the version gave its own answer. An isotonic map of the labelled answers says how often an answer
    of such a score is right, and its mean over the window is the estimate (confidence-based performance estimation,
    CBPE, of NannyML), for any number of classes. low, high: limits at 95 % of what the window's labels would show.

    Right while a score means what it meant on the labelled answers: blind to concept drift. Undefined under 30 labelled
    or 30 window answers, and where all labelled ones are right, or all wrong; `why` says which. InvalidInput: arrays
    that do not fit.
    """
    known = arrays.booleans("right", right, drawn.n)
    then = arrays.unit_interval("confidence", arrays.vector("confidence", confidence, drawn.n))
    now = arrays.unit_interval("confidence_now", arrays.vector("confidence_now", confidence_now))
    if why := why_undefined(known, now.size):
        words = undefined_words(why, known.size, now.size)
        return LabelFreeEstimate("accuracy", None, None, None, None, now.size, drawn.effective_n, CBPE, words)
    of_right = np.ones(drawn.n, dtype=np.int64)
    past = label_free.reference(then, known.astype(np.int64), drawn=drawn, predicted=of_right)
    found = label_free.cbpe(past, now, predicted=np.ones(now.size, dtype=np.int64), seed=seed)
    return found["accuracy"]


def why_undefined(right: npt.NDArray[np.bool_], window: int) -> Undefined | None:
    """Why labelled answers, right or wrong (n,), and this many answers of a window give no estimate; None: they do."""
    if right.size < MIN_ROWS:
        return Undefined.FEW_LABELS
    if right.all() or not right.any():
        return Undefined.ONE_OUTCOME
    return Undefined.FEW_ANSWERS if window < MIN_ROWS else None


def undefined_words(why: Undefined, labelled: int, window: int) -> str:
    sentences = {
        Undefined.NO_CLASSES: "its answers are not classes",
        Undefined.NO_SCORES: "the version sends no scores with its answers",
        Undefined.FEW_LABELS: f"{labelled} labelled answers where {MIN_ROWS} are needed",
        Undefined.ONE_OUTCOME: f"all {labelled} labelled answers are right, or all are wrong",
        Undefined.FEW_ANSWERS: f"{window} answers with scores in the window where {MIN_ROWS} are needed",
    }
    return f"Undefined: {sentences[why]}."
