"""The frame: one row per item, each input by its type, bad columns named."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inputs.frame import LARGEST_SIDE, column_shapes, part_names, to_frame
from inputs.values import MISSING, InvalidColumns
from tests.retraining.learning.data import ALL_TYPES, mixed

grey = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


def test_the_frame_has_the_columns_that_the_pipeline_asks_for() -> None:
    columns, _ = mixed(12)
    sizes = column_shapes(columns, ALL_TYPES)
    frame = to_frame(columns, ALL_TYPES, shapes=sizes)
    wanted = [part for name in ALL_TYPES for part in part_names(name, ALL_TYPES, sizes)]
    assert list(frame.columns) == wanted
    assert len(frame) == 12


@pytest.mark.parametrize("empty", [None, "", " \n", float("nan")])
def test_a_missing_text_or_category_is_marked(empty: object) -> None:
    frame = to_frame({"t": ["a", empty], "c": [empty, "b"]}, {"t": "text", "c": "category"})
    assert frame["text:t"].tolist() == ["a", MISSING]
    assert frame["category:c"].tolist() == [MISSING, "b"]


def test_a_missing_number_or_image_is_nan() -> None:
    columns: dict[str, Any] = {
        "n": [1.5, None, float("nan")],
        "i": [np.zeros((2, 2), np.uint8), None, np.ones((2, 2), np.uint8)],
    }
    frame = to_frame(columns, {"n": "number", "i": "image"})
    assert frame["number:n"].isna().tolist() == [False, True, True]
    assert frame.filter(like="image:").isna().all(axis=1).tolist() == [False, True, False]


@given(st.lists(grey, min_size=1, max_size=3))
@settings(max_examples=40)
def test_an_image_keeps_its_range_whatever_its_size(images: list[np.ndarray]) -> None:
    frame = to_frame({"i": images}, {"i": "image"})
    height, width = column_shapes({"i": images}, {"i": "image"})["i"]
    assert 1 <= min(height, width) <= max(height, width) <= LARGEST_SIDE
    assert frame.shape == (len(images), height * width)
    for image, row in zip(images, frame.to_numpy(), strict=True):
        assert image.min() / 255 - 1e-9 <= row.min() <= row.max() <= image.max() / 255 + 1e-9


@given(grey)
@settings(max_examples=30)
def test_averaging_down_keeps_the_mean_grey(image: np.ndarray) -> None:
    frame = to_frame({"i": [image]}, {"i": "image"}, shapes={"i": (1, 1)})
    assert frame.to_numpy().item() == pytest.approx(image.mean() / 255)


def test_an_image_of_the_asked_size_is_not_touched() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    frame = to_frame({"i": [image]}, {"i": "image"}, shapes={"i": (3, 4)})
    assert (frame.to_numpy() == image.ravel() / 255).all()


def test_names_never_collide() -> None:
    types = {"a": "image", "a:0": "image"}
    images = {name: [np.full((1, 2), 7, np.uint8)] for name in types}
    assert to_frame(images, types).shape == (1, 4)


def test_columns_outside_the_contract_are_ignored() -> None:
    assert to_frame({"n": [1.0], "other": ["x", "y"]}, {"n": "number"}).shape == (1, 1)


@pytest.mark.parametrize(
    ("columns", "types", "said"),
    [
        ({}, {}, "no inputs"),
        ({"a": [1]}, {"a": "audio"}, "known are boolean, category, conversation, image, number, text, time"),
        ({"a": [1]}, {"b": "number"}, "not in the data"),
        ({"a": [1], "b": ["x", "y"]}, {"a": "number", "b": "text"}, "unequal lengths"),
        ({"a": [1.0, float("inf")]}, {"a": "number"}, "infinite in row 1"),
        ({"a": [[1.0], [2.0]]}, {"a": "number"}, "one number in each row"),
        ({"a": ["much"]}, {"a": "number"}, "should hold numbers"),
        ({"a": [np.zeros((2, 2, 3), np.uint8)]}, {"a": "image"}, "row 0: an image must be a table"),
        ({"a": [np.zeros((0, 2), np.uint8)]}, {"a": "image"}, "an image must be a table"),
        ({"a": [np.full((2, 2), np.nan)]}, {"a": "image"}, "must be finite"),
    ],
)
def test_columns_that_break_the_contract_are_named(columns: dict, types: dict, said: str) -> None:
    with pytest.raises(InvalidColumns, match=said):
        to_frame(columns, types)
