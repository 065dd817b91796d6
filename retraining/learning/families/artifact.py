"""Serialise a fitted estimator with skops and load it without running code from the file.

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
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from retraining.learning.families import registry
from retraining.learning.families.base import Node, objects
from validation import InvalidInput

MOST_BYTES = 512 * 2**20  # unpacked; the largest model fitted here is a tenth of this
MOST_MEMBERS = 100_000


class UntrustedArtifact(InvalidInput):
    """These bytes are not an artifact of the stated family, so nothing was loaded."""


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
    *objects("sklearn.calibration", "CalibratedClassifierCV", "_CalibratedClassifier"),
    *objects("sklearn.calibration", "_SigmoidCalibration", "_TemperatureScaling"),
    *objects("sklearn.isotonic", "IsotonicRegression"),
    *objects("sklearn.frozen._frozen", "FrozenEstimator"),
}
_FEATURES = {
    *objects("sklearn.pipeline", "Pipeline", "FeatureUnion"),
    *objects("sklearn.compose._column_transformer", "ColumnTransformer"),
    *objects("sklearn.feature_extraction.text", "HashingVectorizer", "TfidfTransformer"),
    *objects("sklearn.feature_selection._variance_threshold", "VarianceThreshold"),
    *objects("sklearn.impute._base", "MissingIndicator", "SimpleImputer"),
    *objects("sklearn.preprocessing._data", "Normalizer", "StandardScaler"),
    *objects("sklearn.preprocessing._encoders", "OneHotEncoder"),
    *objects("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
}


def allowed_nodes(family: str) -> frozenset[Node]:
    """Everything that an artifact of this family may contain. Raises InvalidInput for an unknown family."""
    return frozenset(_PLAIN | _CALIBRATION | _FEATURES | registry.family_named(family).nodes)


def dump(estimator: ClassifierMixin) -> bytes:
    """The estimator in skops's format, compressed. Two dumps of one are equivalent, not equal byte by byte."""
    import skops.io  # here, for it imports all of scikit-learn: .4 s of every command that loads no model

    result: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED, compresslevel=6)
    return result


def load(data: bytes, *, family: str) -> ClassifierMixin:
    """The fitted classifier in `data`; raises UntrustedArtifact for anything but a fitted classifier of this family.

    The caller has checked the signature before: this is the second lock, not the first. Everything is vetted before
    the first object is made: sizes, array headers, and the type and loader of every node.
    """
    if family not in registry.names():
        raise UntrustedArtifact(f"{family!r} is not a family of models that may be loaded.")
    import skops.io

    allowed = allowed_nodes(family)
    try:
        _vet(data, allowed)
        trusted = sorted(name for name, _ in allowed)
        return _fitted_classifier(skops.io.loads(data, trusted=trusted))
    except UntrustedArtifact:
        raise
    except Exception as error:  # whatever a crafted file can make the readers raise, it is refused
        raise UntrustedArtifact(f"The artifact cannot be read: {type(error).__name__}: {error}") from error


def _vet(data: bytes, allowed: frozenset[Node]) -> None:
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
