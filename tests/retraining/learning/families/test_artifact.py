import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import AdaBoostClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from inputs.frame import column_shapes, to_frame
from retraining.learning.calibration import choose
from retraining.learning.families import artifact, registry
from retraining.learning.families.artifact import UntrustedArtifact, dump, load
from retraining.learning.families.pipeline import build
from retraining.learning.predict import probabilities
from tests.retraining.learning.data import ALL_TYPES, mixed
from tests.retraining.learning.families.test_pipeline import CONFIGS, CONTRACTS

FAMILIES = registry.names()
WITH_SCORES = {name for name in FAMILIES if registry.family_named(name).has_scores}
WITH_PROBABILITIES = {name for name in FAMILIES if registry.family_named(name).has_probabilities}


@lru_cache
def model(family: str, method: str = "temperature", k: int = 2) -> tuple[Any, Any]:
    """A fitted, calibrated model of this family and the frame it was fitted on."""
    columns, _ = mixed(60)
    types, codes = CONTRACTS[family], np.arange(60) % k
    sizes = column_shapes(columns, types)
    frame = to_frame(columns, types, shapes=sizes)
    fitted = build(types, {"family": family, "seed": 0, "image_size": sizes, **CONFIGS[family]}).fit(frame, codes)
    if family in WITH_SCORES:
        given_out = fitted.decision_function(frame)
        given_out = np.column_stack([-given_out / 2, given_out / 2]) if k == 2 else given_out
    else:
        given_out = fitted.predict_proba(frame)
    return choose.wrap(fitted, method, given_out, np.eye(k)[codes]), frame


def rewritten(data: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The archive with its files changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return result.getvalue()


@pytest.fixture(scope="module")
def linear() -> bytes:
    return dump(model("linear")[0])


@pytest.mark.simulation
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", choose.METHODS)
@pytest.mark.parametrize("k", [2, 3])
def test_every_model_made_here_comes_back_the_same(family: str, method: str, k: int) -> None:
    if method == "none" and family not in WITH_PROBABILITIES:
        method = "sigmoid"
    fitted, frame = model(family, method, k)
    loaded = load(dump(fitted), family=family)
    assert np.array_equal(loaded.predict_proba(frame), fitted.predict_proba(frame))
    assert loaded.classes_.tolist() == list(range(k))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_of_another_family_is_refused(family: str) -> None:
    data = dump(model(family)[0])
    for other in set(FAMILIES) - {family}:
        with pytest.raises(UntrustedArtifact, match="which a model of this family never does"):
            load(data, family=other)


def test_an_unknown_family_is_refused(linear: bytes) -> None:
    with pytest.raises(UntrustedArtifact, match="'anything' is not a family"):
        load(linear, family="anything")


class Evil:
    """Would leave a mark if anything ever ran it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("write", [pickle.dumps, skops.io.dumps], ids=["pickle", "skops"])
def test_a_payload_is_refused_and_never_run(write: Callable[[Any], bytes], tmp_path: Path) -> None:
    data = write(Evil(tmp_path / "mark"))
    for family in FAMILIES:
        with pytest.raises(UntrustedArtifact):
            load(data, family=family)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("numpy", "save"), ("scipy.special", "expit")],
)
def test_a_function_anywhere_in_the_file_is_refused(linear: bytes, module: str, name: str) -> None:
    def bury(files: dict[str, bytes]) -> None:
        schema = json.loads(files["schema.json"])
        schema["content"]["content"]["deep"] = [
            {"x": {"__class__": name, "__module__": module, "__loader__": "FunctionNode"}}
        ]
        files["schema.json"] = json.dumps(schema).encode()

    with pytest.raises(UntrustedArtifact, match=rf"{module}\.{name}"):
        load(rewritten(linear, bury), family="linear")


@pytest.mark.parametrize(
    "other",
    [
        Pipeline([("f", FunctionTransformer(os.path.join)), ("m", LogisticRegression())]),
        AdaBoostClassifier(),
        {"just": "a dict"},
        StandardScaler(),
    ],
    ids=["a function", "a trusted class of another family", "a dict", "no classifier"],
)
def test_what_skops_itself_might_trust_is_refused(other: Any) -> None:
    with pytest.raises(UntrustedArtifact):
        load(skops.io.dumps(other), family="linear")


def test_an_unfitted_model_is_refused() -> None:
    with pytest.raises(UntrustedArtifact):
        load(dump(build({"n": "number"}, {"family": "linear", "seed": 0, **CONFIGS["linear"]})), family="linear")


def test_names_instead_of_codes_are_refused() -> None:
    frame = to_frame({"n": [0.0, 1.0]}, {"n": "number"})
    named = build({"n": "number"}, {"family": "linear", "seed": 0, **CONFIGS["linear"]}).fit(frame, ["a", "b"])
    with pytest.raises(UntrustedArtifact, match="class codes"):
        load(dump(named), family="linear")


def _an_array(files: dict[str, bytes]) -> str:
    return next(name for name in files if name.endswith(".npy"))


def _huge(files: dict[str, bytes]) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    files[_an_array(files)] = header.getvalue()


def _pickled(files: dict[str, bytes]) -> None:
    array = io.BytesIO()
    np.save(array, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    files[_an_array(files)] = array.getvalue()


def _stray(files: dict[str, bytes]) -> None:
    files["../escape.py"] = b"import os"


def _cut(files: dict[str, bytes]) -> None:
    name = _an_array(files)
    files[name] = files[name][:-1]


@pytest.mark.parametrize(
    ("change", "said"),
    [(_huge, "not what its header says"), (_pickled, "not what"), (_stray, "is no array"), (_cut, "not what")],
)
def test_arrays_that_lie_are_refused_before_they_are_read(
    linear: bytes, change: Callable[[dict[str, bytes]], None], said: str
) -> None:
    with pytest.raises(UntrustedArtifact, match=said):
        load(rewritten(linear, change), family="linear")


def test_a_bomb_is_refused_unopened(linear: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact, "MOST_BYTES", 1000)
    with pytest.raises(UntrustedArtifact, match="unpacks to more"):
        load(linear, family="linear")


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(UntrustedArtifact):
        load(data, family="linear")


@given(st.data())
@settings(max_examples=40)
def test_a_damaged_file_is_refused_or_still_a_classifier(data: st.DataObject) -> None:
    whole = NAIVE
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    try:
        loaded = load(damaged, family="naive")
    except UntrustedArtifact:
        return
    assert hasattr(loaded, "predict_proba")


NAIVE = dump(model("naive", "none")[0])


def test_an_artifact_of_before_the_input_types_still_answers_the_same() -> None:
    """As they were written first: other names of the transformers, the same names of the frame's columns."""
    columns, target = mixed(80)
    shapes = column_shapes(columns, ALL_TYPES)
    frame = to_frame(columns, ALL_TYPES, shapes=shapes)
    pixels = [f"image:scan:{i}" for i in range(24)]
    numbers = Pipeline([("fill", SimpleImputer(strategy="median", add_indicator=True)), ("scale", StandardScaler())])
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50)
    parts = [
        ("numbers", numbers, ["number:amount"]),
        ("categories", one_hot, ["category:country"]),
        ("pixels", SimpleImputer(strategy="constant", fill_value=0.0), pixels),
    ]
    before = Pipeline([("inputs", ColumnTransformer(parts)), ("model", LogisticRegression())]).fit(frame, target)
    loaded = load(dump(before), family="linear")
    said = probabilities(loaded, columns, ALL_TYPES, {"image_size": {"scan": [4, 6]}}, ["a", "b"])
    np.testing.assert_allclose(said, before.predict_proba(frame))
