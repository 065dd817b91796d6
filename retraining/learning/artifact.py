"""A fitted estimator as bytes and back, without ever running code that the bytes bring along."""

from __future__ import annotations

import zipfile
from typing import Any

import skops.io
from sklearn.base import ClassifierMixin


class Refused(ValueError):
    """These bytes are not an artifact of the stated family, so nothing was loaded."""


_CALIBRATORS = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
)
# what skops would not trust by itself, per family; the list is fixed here and never read from a file
TRUSTED: dict[str, tuple[str, ...]] = {
    "linear": (*_CALIBRATORS, "numpy.dtype"),
    "svm": (*_CALIBRATORS, "numpy.dtype"),
    "tree": (*_CALIBRATORS, "numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"),
    "naive": ("numpy.dtype",),
}


def dump(estimator: ClassifierMixin) -> bytes:
    """The estimator in skops's format, compressed. The same estimator gives an equivalent artifact, not equal bytes."""
    return skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED, compresslevel=6)


def load(data: bytes, *, family: str) -> ClassifierMixin:
    """The classifier in `data`; raises Refused for anything but a fitted classifier of this family.

    The caller has checked the signature before: this is the second lock, not the first.
    """
    if family not in TRUSTED:
        raise Refused(f"{family!r} is not a family of models that may be loaded.")
    try:
        loaded = skops.io.loads(data, trusted=list(TRUSTED[family]))
    except Exception as error:
        raise Refused(f"The artifact was refused: {error}") from error
    return _classifier(loaded)


def _classifier(loaded: Any) -> ClassifierMixin:
    if not hasattr(loaded, "predict_proba") or not hasattr(loaded, "classes_"):
        raise Refused(f"The artifact holds a {type(loaded).__name__}, not a fitted classifier.")
    return loaded
