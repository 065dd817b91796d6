"""Probabilities of a fitted model for new items, in the order of the project's classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from inputs.encoders.columns import EncodedTexts, VectorsByInput, with_vectors
from inputs.frame import Columns, to_frame
from retraining.learning.fitted import Fitted
from validation import InvalidInput, arrays
from validation.arrays import Floats


@dataclass(frozen=True)
class EncoderRead:
    """A text encoder that a model reads, by name and digest, and the text inputs whose vectors it reads."""

    name: str
    digest: str
    inputs: tuple[str, ...]


def probabilities(
    fitted: Fitted | ClassifierMixin,
    columns: Columns,
    types: Mapping[str, str],
    frame_parameters: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    *,
    texts: EncodedTexts | None = None,
) -> Floats:
    """Calibrated class probabilities, shape (n, k), rows sum to 1; a class never seen in training has 0.

    `fitted` is a `Fitted`, whose own frame parameters and classes are used when none are given, or a loaded
    estimator, with which both must be given. `texts`: the vectors of the texts that `encoder_of` says it reads.
    Raises InvalidColumns when the columns break the contract, InvalidInput where vectors are missing or of another
    encoder.
    """
    estimator: ClassifierMixin = fitted.estimator if isinstance(fitted, Fitted) else fitted
    if isinstance(fitted, Fitted):
        frame_parameters = fitted.frame_parameters if frame_parameters is None else frame_parameters
        classes = fitted.classes if classes is None else classes
    if frame_parameters is None or classes is None:
        raise InvalidInput("A bare estimator needs its frame parameters and classes.")
    columns, types = with_vectors(columns, types, _vectors(frame_parameters, texts))
    frame = to_frame(columns, types, shapes=frame_parameters["image_size"])
    if not len(frame):
        return np.zeros((0, len(classes)))
    return spread(estimator.predict_proba(frame), estimator.classes_, n_classes=len(classes))


def encoder_of(frame_parameters: Mapping[str, Any]) -> EncoderRead | None:
    """The encoder whose vectors a model reads; None where it reads no vectors of texts."""
    known = frame_parameters.get("encoded")
    return EncoderRead(known["encoder"], known["digest"], tuple(known["inputs"])) if known else None


def _vectors(frame_parameters: Mapping[str, Any], texts: EncodedTexts | None) -> VectorsByInput | None:
    wanted = encoder_of(frame_parameters)
    if wanted is None:
        return None
    if texts is None or texts.digest != wanted.digest or not set(wanted.inputs) <= set(texts.vectors):
        other = "" if texts is None else f", not of {texts.encoder} {texts.digest[:8]}"
        raise InvalidInput(f"The model reads vectors of the text encoder {wanted.name} {wanted.digest[:8]}{other}.")
    return {name: texts.vectors[name] for name in wanted.inputs}


def spread(known: Floats, codes: ArrayLike, *, n_classes: int) -> Floats:
    """Columns of the classes that a model knows, spread over all classes; the others get 0.

    Rows are brought to a sum of 1. Raises InvalidInput where that cannot be: NaN, below 0, a row of zeros.
    """
    places = arrays.codes("the model's classes", codes, n_classes)
    said = arrays.numbers("the model's answers", known)
    if said.ndim != 2 or said.shape[1] != len(places) or len(set(places.tolist())) != len(places):
        raise InvalidInput(f"The model's answers have the shape {said.shape} for {len(places)} classes.")
    if not (np.isfinite(said).all() and (said >= 0).all() and (said.sum(axis=1) > 0).all()):
        raise InvalidInput("The model's answers are no probabilities: NaN, below 0, or a row of zeros.")
    result = np.zeros((len(said), n_classes))
    result[:, places] = said
    values: Floats = result / result.sum(axis=1, keepdims=True)
    return values
