"""Which input moved: named, in words that are true, and quiet where nothing did."""

from typing import Any

import numpy as np
import pytest

from annotation.sampling.design.input_shift import Summary, find_shifts, summarise

RECENT = np.arange(600) >= 400


def shifts(values: np.ndarray, **segments: np.ndarray) -> list:
    return find_shifts([Summary("amount", values)], RECENT, segments)


@pytest.mark.simulation
def test_alarms_on_at_most_two_of_a_hundred_stable_windows() -> None:
    alarms = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        summaries = [Summary(f"x{column}", rng.normal(size=600)) for column in range(12)]
        alarms += bool(find_shifts(summaries, RECENT, {"s A": rng.random(600) < 0.5}))
    assert alarms <= 2


@pytest.mark.parametrize(("shift", "words"), [(3.1, "mean amount 3.1 SD higher"), (-2.0, "mean amount 2.0 SD lower")])
def test_says_by_how_much_and_which_way_a_mean_moved(shift: float, words: str) -> None:
    values = np.random.default_rng(1).normal(size=600)
    values[:400] = (values[:400] - values[:400].mean()) / values[:400].std()
    values[400:] += shift - values[400:].mean()
    (found,) = shifts(values)
    assert found.words == words
    assert RECENT[found.rows].all()
    assert len(found.rows) > 150


def test_says_otherwise_where_only_the_spread_moved() -> None:
    values = np.random.default_rng(1).normal(size=600) * np.where(RECENT, 5, 1)
    (found,) = shifts(values)
    assert found.words.startswith("amount spread otherwise than before, distance 0.")


def test_names_the_segment_where_only_that_moved() -> None:
    rng = np.random.default_rng(1)
    part = rng.random(600) < 0.4
    values = rng.normal(size=600) + 3 * (part & RECENT)
    first = find_shifts([Summary("amount", values)], RECENT, {"sensor B": part, "sensor A": ~part})[0]
    assert first.segment == "sensor B"
    assert first.words.endswith("SD higher, in sensor B")


def test_names_no_segment_where_all_moved_alike() -> None:
    rng = np.random.default_rng(1)
    part = rng.random(600) < 0.5
    found = find_shifts([Summary("amount", rng.normal(size=600) + 3 * RECENT)], RECENT, {"sensor B": part})
    assert [shift.segment for shift in found] == [""]


def test_a_share_is_reported_as_two_shares() -> None:
    values = np.where(RECENT, np.arange(600) % 2 == 0, np.arange(600) % 20 == 0).astype(float)
    (found,) = find_shifts([Summary("country DE", values, is_share=True)], RECENT, {})
    assert found.words == "country DE in 50 % of items, 5 % before"


def test_few_rows_say_nothing() -> None:
    values = np.where(RECENT, 9.0, 0.0)
    assert find_shifts([Summary("amount", values[355:450])], RECENT[355:450], {}) == []


def test_every_type_of_input_has_numbers_with_names() -> None:
    image = np.full((4, 4), 100, dtype=np.uint8)
    columns: dict[str, Any] = {
        "n": [1, None, float("nan")],
        "t": ["ab", None, ""],
        "c": ["x", "y", None],
        "i": [image, None, image],
    }
    types = {"n": "number", "t": "text", "c": "category", "i": "image"}
    found = {summary.name: summary.values.tolist() for summary in summarise(columns, types)}
    assert found["n"][0] == 1 and np.isnan(found["n"][1:]).all()
    assert found["length of t"][0] == 2 and np.isnan(found["length of t"][1])
    assert found["c x"] == [1, 0, 0]
    assert found["brightness"][0] == 100 and found["contrast"][0] == 0
