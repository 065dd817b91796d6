"""A new input type is one module: found, taken by a spec, captured, shown, encoded and learnt from like the others."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.metrics.drift.encoding import encoder
from analysis.metrics.labels.out_of_sample import out_of_sample
from annotation import capture, media
from annotation.item_display import display_item
from annotation.models import Item
from annotation.sampling import vectorise
from inputs import registry
from inputs.encoding import column_transformer
from inputs.frame import column_shapes, to_frame
from inputs.registry import INPUT_TYPES
from inputs.types.base import IncompleteEncoder, Purpose
from projects.specs import BadSpec, create_project
from retraining.learning import dump, fit, load, probabilities
from retraining.learning.model_selection.fitting import ModelSearch
from tests.factories import NOW

COLOUR = '''
"""Colour: red, green and blue, written as #rrggbb."""

import re

import numpy as np

from inputs.types.base import Features, InputType, InvalidValue
from inputs.types.number import filled, held_in, scaled
from inputs.types.base import Purpose
from inputs.values import is_missing


class Colour(InputType):
    """Three shares of light."""

    name = "colour"
    features = Features.VALUES

    def validate(self, name, value, rule, budget):
        if not isinstance(value, str) or not re.fullmatch("#[0-9a-f]{6}", value):
            raise InvalidValue(f"`{name}` is no colour such as #ff8800.")
        return value

    def part_names(self, name, shape):
        return [f"colour:{name}:{light}" for light in ("red", "green", "blue")]

    def frame_columns(self, name, values, shape):
        rows = [[np.nan] * 3 if is_missing(v) else [int(v[i : i + 2], 16) / 255 for i in (1, 3, 5)] for v in values]
        return dict(zip(self.part_names(name, shape), np.array(rows, dtype=float).reshape(-1, 3).T, strict=True))

    def encoder(self, purpose, settings):
        return {Purpose.TREES: filled, Purpose.LABEL_ERRORS: held_in}.get(purpose, scaled)()

    def format(self, value):
        return f"colour {value}"
'''
TYPES = {"paint": "colour"}
COLUMN = [("#ff0000", "#00ff00")[row % 2] if row % 7 else None for row in range(60)]


@pytest.fixture
def colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "extra_inputs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "colour.py").write_text(COLOUR)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.discover("extra_inputs")
    yield
    INPUT_TYPES.unregister("colour")
    for module in ("extra_inputs", "extra_inputs.colour"):
        sys.modules.pop(module, None)


def test_the_types_are_those_of_the_package() -> None:
    assert INPUT_TYPES.names() == ["boolean", "category", "conversation", "image", "number", "text", "time", "vector"]


@pytest.mark.django_db
def test_a_project_takes_captures_and_shows_it(colour: None) -> None:
    spec = {"title": "Paint", "kind": "choice", "labels": ["warm", "cold"], "inputs": {"paint": {"type": "colour"}}}
    project = create_project("paint", spec, by=None, at=NOW)
    rows = [{"key": key, "inputs": {"paint": given}} for key, given in (("a", "#ff8800"), ("b", "orange"))]

    captured = capture.capture_rows(project, rows, at=NOW)

    item = Item.objects.get()
    assert (captured.created, captured.refused[0].error) == (1, "`paint` is no colour such as #ff8800.")
    assert display_item(project, item).facts == (("paint", "colour #ff8800"),)
    assert media.columns(project, [item.inputs], TYPES) == {"paint": ["#ff8800"]}


def test_sampling_drift_and_label_errors_read_it(colour: None) -> None:
    vectors = vectorise({"paint": COLUMN}, TYPES, seed=0)
    assert len(np.unique(vectors.round(4), axis=0)) == 3
    assert set(encoder({"paint": COLUMN}, TYPES).owners) == {"paint"}
    made = out_of_sample({"paint": COLUMN}, TYPES, np.arange(60) % 2, seed=0)
    known = [row for row, value in enumerate(COLUMN) if value]
    assert (made.probabilities.argmax(axis=1) == np.arange(60) % 2)[known].all()


def test_a_model_learns_from_it_and_its_artifact_loads(colour: None) -> None:
    model = fit(
        {"paint": COLUMN}, TYPES, np.arange(60) % 2, classes=["warm", "cold"], search=ModelSearch(budget=60, seed=0)
    )
    loaded = load(dump(model.estimator), family=model.family)
    said = probabilities(loaded, {"paint": ["#ff0000", "#00ff00"]}, TYPES, model.frame_parameters, model.classes)
    assert said.argmax(axis=1).tolist() == [0, 1]


@pytest.mark.django_db
def test_a_spec_takes_only_types_that_there_are() -> None:
    spec = {"title": "Paint", "kind": "choice", "labels": ["a", "b"], "inputs": {"paint": {"type": "sound"}}}
    known = "boolean, category, conversation, image, number, text, time, vector"
    with pytest.raises(BadSpec, match=f"needs a type: one of {known}"):
        create_project("paint", spec, by=None, at=NOW)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("kind", INPUT_TYPES.names())
def test_every_type_is_complete(kind: str, purpose: Purpose) -> None:
    """Each has an encoder for each purpose that takes missing values and rows it was not fitted on."""
    column: Any = {
        "boolean": [True, False, None, True],
        "category": ["a", "b", None, "a"],
        "conversation": [
            [{"role": "user", "content": said}] if said else None for said in ("a card", "my card", "", "x y")
        ],
        "image": [np.eye(3, dtype=np.uint8), np.zeros((4, 2), np.uint8), None, np.full((3, 3), 200, np.uint8)],
        "number": [1.0, 2.5, None, -4],
        "text": ["a card", "my card", None, "my euro"],
        "vector": [[1.0, 2.0], [0.5, -1.0], None, [1, 2]],
        "time": ["2026-01-01", "2026-01-02T10:00:00Z", None, "2026-03-02T10:00:00+02:00"],
    }[kind]
    types = {"x": kind}
    shapes = column_shapes({"x": column}, types)
    frame = to_frame({"x": column}, types, shapes=shapes)
    try:
        encoder = column_transformer(types, purpose, shapes=shapes, each=True, dense=True)
    except IncompleteEncoder:
        pytest.fail(f"{kind} has no encoder for {purpose}")
    features = encoder.fit_transform(frame)
    assert features.shape[0] == 4
    np.testing.assert_allclose(encoder.transform(frame.iloc[[3, 0]]), features[[3, 0]], atol=1e-5)
    missing = to_frame({"x": [None]}, types, shapes=shapes)
    assert encoder.transform(missing).shape == (1, features.shape[1])
