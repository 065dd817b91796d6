"""A fitted estimator as bytes and back, without ever running what the bytes bring along.

skops trusts hundreds of types by default and checks only the rest. Here every node of a file, trusted or not, must be
one that this family's own models consist of: the lists below are fixed and were read off models fitted here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import skops.io
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

MOST_BYTES = 512 * 2**20  # unpacked; the largest model fitted here is a tenth of this
MOST_MEMBERS = 100_000


class UntrustedArtifact(ValueError):
    """These bytes are not an artifact of the stated family, so nothing was loaded."""


def _objects(module: str, *names: str) -> set[tuple[str, str]]:
    return {(f"{module}.{name}", "ObjectNode") for name in names}


_PLAIN = {
    ("builtins.dict", "DictNode"),
    ("builtins.list", "ListNode"),
    ("builtins.tuple", "TupleNode"),
    ("builtins.slice", "SliceNode"),
    ("builtins.str", "JsonNode"),
    *((f"builtins.{name}", "TypeNode") for name in ("str", "int", "float")),
    *((f"numpy.{name}", "TypeNode") for name in ("float64", "int64", "object_")),
    *((f"numpy.{name}", "NdArrayNode") for name in ("ndarray", "float64", "int64", "uint64")),
    ("numpy.dtype", "DTypeNode"),
}
_CALIBRATION = {
    *_objects("sklearn.calibration", "CalibratedClassifierCV", "_CalibratedClassifier"),
    *_objects("sklearn.calibration", "_SigmoidCalibration", "_TemperatureScaling"),
    *_objects("sklearn.isotonic", "IsotonicRegression"),
    *_objects("sklearn.frozen._frozen", "FrozenEstimator"),
}
_FEATURES = {
    *_objects("sklearn.pipeline", "Pipeline", "FeatureUnion"),
    *_objects("sklearn.compose._column_transformer", "ColumnTransformer"),
    *_objects("sklearn.feature_extraction.text", "HashingVectorizer", "TfidfTransformer"),
    *_objects("sklearn.feature_selection._variance_threshold", "VarianceThreshold"),
    *_objects("sklearn.impute._base", "MissingIndicator", "SimpleImputer"),
    *_objects("sklearn.preprocessing._data", "StandardScaler"),
    *_objects("sklearn.preprocessing._encoders", "OneHotEncoder"),
    *_objects("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
}
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting"
_MODELS: dict[str, set[tuple[str, str]]] = {
    "linear": _objects("sklearn.linear_model._logistic", "LogisticRegression"),
    "bayes": _objects("sklearn.naive_bayes", "MultinomialNB"),
    "svm": _objects("sklearn.svm._classes", "SVC"),
    "tree": {
        *_objects(f"{_BOOSTING}.gradient_boosting", "HistGradientBoostingClassifier"),
        *_objects(f"{_BOOSTING}.binning", "_BinMapper"),
        *_objects(f"{_BOOSTING}.predictor", "TreePredictor"),
        *_objects("sklearn._loss.link", "Interval", "LogitLink", "MultinomialLogit"),
        *_objects("sklearn._loss.loss", "HalfBinomialLoss", "HalfMultinomialLoss"),
        *_objects("sklearn.preprocessing._label", "LabelEncoder"),
        ("sklearn._loss._loss.CyHalfBinomialLoss", "LossNode"),
        ("sklearn._loss._loss.CyHalfMultinomialLoss", "LossNode"),
        ("numpy.random._generator.Generator", "RandomGeneratorNode"),
    },
    "forest": {
        *_objects("sklearn.ensemble._forest", "RandomForestClassifier"),
        *_objects("sklearn.tree._classes", "DecisionTreeClassifier"),
        ("sklearn.tree._tree.Tree", "TreeNode"),
    },
    "naive": _objects("sklearn.dummy", "DummyClassifier"),
}
ALLOWED = {family: frozenset(_PLAIN | _CALIBRATION | _FEATURES | model) for family, model in _MODELS.items()}


def dump(estimator: ClassifierMixin) -> bytes:
    """The estimator in skops's format, compressed. Two dumps of one are equivalent, not equal byte by byte."""
    result: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    return result


def load(data: bytes, *, family: str) -> ClassifierMixin:
    """The fitted classifier in `data`; raises Refused for anything but a fitted classifier of this family.

    The caller has checked the signature before: this is the second lock, not the first. Everything is vetted before
    the first object is made: sizes, array headers, and the type and loader of every node.
    """
    if family not in ALLOWED:
        raise UntrustedArtifact(f"{family!r} is not a family of models that may be loaded.")
    try:
        _vet(data, ALLOWED[family])
        trusted = sorted(name for name, _ in ALLOWED[family])
        return _fitted_classifier(skops.io.loads(data, trusted=trusted))
    except UntrustedArtifact:
        raise
    except Exception as error:  # whatever a crafted file can make the readers raise, it is refused
        raise UntrustedArtifact(f"The artifact cannot be read: {type(error).__name__}: {error}") from error


def _vet(data: bytes, allowed: frozenset[tuple[str, str]]) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > MOST_BYTES:
            raise UntrustedArtifact("The artifact unpacks to more than a model of this kind ever needs.")
        for member in members:
            if member.filename != "schema.json":
                _vet_array(archive, member)
        for name, loader in _nodes(json.loads(archive.read("schema.json"))):
            if (name, loader) not in allowed:
                raise UntrustedArtifact(
                    f"The artifact holds {name} ({loader}), which a model of this family never does."
                )


def _vet_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """An array file must be a plain array that is as large as its header says."""
    if not member.filename.endswith(".npy"):
        raise UntrustedArtifact(f"The artifact holds the file {member.filename!r}, which is no array.")
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        claimed = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or claimed != member.file_size - file.tell():
            raise UntrustedArtifact(f"The artifact's array {member.filename!r} is not what its header says.")


def _nodes(schema: Any) -> Iterator[tuple[str, str]]:
    """Type and loader of every node, found wherever in the file a loader is named."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "__loader__" in part:
                yield f"{part.get('__module__')}.{part.get('__class__')}", str(part["__loader__"])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _fitted_classifier(loaded: Any) -> ClassifierMixin:
    if not isinstance(loaded, Pipeline | CalibratedClassifierCV) or not hasattr(loaded, "predict_proba"):
        raise UntrustedArtifact(f"The artifact holds a {type(loaded).__name__}, not a classifier with probabilities.")
    check_is_fitted(loaded)
    if not np.issubdtype(np.asarray(loaded.classes_).dtype, np.integer):
        raise UntrustedArtifact("The artifact's classes are not class codes.")
    return loaded
