"""Ratings: the scale, when votes settle, and the key of each point."""

from typing import Any

import pytest

from annotation.kinds import InvalidLabel, SettledValue
from annotation.kinds.rating import KIND, Rating
from projects.project_settings import BadSpec


def scale(lowest: int, highest: int, **more: Any) -> Rating:
    return KIND.with_options({"lowest": lowest, "highest": highest, **more})


@pytest.mark.parametrize(("given", "stored"), [(1, 1), (5, 5), (4.0, 4)])
def test_a_point_of_the_scale_is_taken(given: object, stored: int) -> None:
    assert KIND.validate(given, []) == stored and type(KIND.validate(given, [])) is int


@pytest.mark.parametrize("value", [0, 6, 4.5, True, "4", None, [4], float("nan")])
def test_anything_else_is_refused_with_the_scale(value: object) -> None:
    with pytest.raises(InvalidLabel, match="A whole number from 1 to 5 is expected"):
        KIND.validate(value, [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lowest": 5}, "answer.lowest is below answer.highest"),
        ({"highest": 50}, "at most 11 points"),
        ({"highest": "5"}, "answer.highest is '5'; it takes a whole number"),
        ({"steps": 3}, "it does not take steps"),
        ([], r"answer is \[\]; it takes an object"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(options: Any, said: str) -> None:
    with pytest.raises(BadSpec, match=said):
        KIND.complete_options(options, {})


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], None),
        ([2], SettledValue(2, "single", 1.0)),
        ([2, 2], SettledValue(2, "unanimous", 1.0)),
        ([3, 4], None),  # no median
        ([3, 4, 4], SettledValue(4, "median", 11 / 12)),
        ([5, 4, 1], SettledValue(4, "median", (3 / 4 + 1 + 1 / 4) / 3)),
        ([1, 3, 5], None),  # most are far from it
        ([1, 3, 3, 5], None),  # half of them are far from it
    ],
)
def test_votes_settle_on_a_median_that_most_are_near(votes: list[int], settled: SettledValue | None) -> None:
    found = KIND.resolve(votes)
    assert (found is None) == (settled is None)
    if found and settled:
        assert (found.value, found.rule) == (settled.value, settled.rule)
        assert found.quality == pytest.approx(settled.quality)


def test_the_score_falls_with_the_distance_over_the_scale() -> None:
    assert [KIND.score(1, value) for value in (1, 2, 5)] == [1, 0.75, 0]
    assert scale(0, 10).score(0, 5) == 0.5


@pytest.mark.parametrize(
    ("lowest", "highest", "keys"),
    [
        (1, 5, ["1", "2", "3", "4", "5"]),
        (1, 10, [*"1234567890"]),
        (0, 10, [*"0123456789", "+0"]),
        (-2, 2, ["1", "2", "3", "4", "5"]),
    ],
)
def test_the_digit_of_a_point_answers_with_it(lowest: int, highest: int, keys: list[str]) -> None:
    assert [point["key"] for point in scale(lowest, highest).form([])["points"]] == keys


def test_words_of_a_negative_point_have_a_real_minus() -> None:
    assert scale(-2, 2).describe(-1, []) == "−1 of 2"
