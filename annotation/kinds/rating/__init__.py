"""Rating: a whole number on a scale, 1 to 5 unless the project says another one.

Two ratings agree as far as they are near: 1 less their distance over the length of the scale. Votes settle on their
median, which one far vote does not move, where more than half of them are at most a point away from it.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from annotation.kinds.base import AnswerKeys, InvalidLabel, Labels, SettledValue, TaskKind, settle_where_equal
from annotation.kinds.choice.shortcuts import cap, key_runs
from projects.project_settings import BadSpec, Settings

MOST_POINTS = 11
NEAR = 1  # points from the median

WHOLE = "a whole number from −10 to 100"
WORDS = "a text of at most 60 characters"


class RatingOptions(Settings, frozen=True, kw_only=True):
    """The ends of the scale, and what they mean."""

    lowest: Annotated[int, Meta(ge=-10, le=100, title="Lowest point", description=WHOLE)] = 1
    highest: Annotated[int, Meta(ge=-10, le=100, title="Highest point", description=WHOLE)] = 5
    lowest_means: Annotated[str, Meta(max_length=60, title="What the lowest means", description=WORDS)] = ""
    highest_means: Annotated[str, Meta(max_length=60, title="What the highest means", description=WORDS)] = ""

    def validate(self, name: str) -> None:
        if not 1 <= self.highest - self.lowest < MOST_POINTS:
            raise BadSpec(
                f"{name}.lowest is below {name}.highest, with at most {MOST_POINTS} points from one to the other."
            )


class Rating(TaskKind):
    """One point of the scale."""

    name = "rating"
    title = "A rating"
    place = 3
    needs_labels = False
    options_type = RatingOptions
    alpha_level = "ordinal"
    template = "annotation/kinds/rating.html"
    review_template = "annotation/kinds/rating_review.html"
    desk_module = "js/desk/rating.js"

    @property
    def points(self) -> range:
        return range(self.options.lowest, self.options.highest + 1)

    def validate(self, value: Any, labels: Labels) -> int:
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if type(whole) is not int or whole not in self.points:
            raise InvalidLabel(f"A whole number from {self.points[0]} to {self.points[-1]} is expected.")
        return whole

    def describe(self, value: Any, labels: Labels) -> str:
        return f"{value} of {self.points[-1]}".replace("-", "−")

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        """The median, where the votes have one and more than half of them are near it."""
        if not values:
            return None
        ordered, n = sorted(values), len(values)
        if equal := settle_where_equal(ordered):
            return equal
        median = ordered[n // 2]
        if ordered[(n - 1) // 2] != median or 2 * sum(abs(value - median) <= NEAR for value in values) <= n:
            return None
        return SettledValue(median, "median", sum(self.score(median, value) for value in values) / n)

    def score(self, truth: Any, predicted: Any) -> float:
        return 1 - abs(truth - predicted) / (len(self.points) - 1)

    def form(self, labels: Labels) -> dict[str, Any]:
        points = [
            {
                "value": point,
                "key": key,
                "cap": "" if key == str(point) else cap(key),
                "words": self.describe(point, labels),
            }
            for point, key in zip(self.points, self._keys(), strict=True)
        ]
        means = (self.options.lowest_means, self.options.highest_means)
        return {"points": points, "lowest_means": means[0], "highest_means": means[1]}

    def _keys(self) -> list[str]:
        """The digit that a point is; of ten the nought where that is free, else with Shift. Below zero by place."""
        if self.points[0] < 0 or self.points[-1] > 10:
            digits = [*"1234567890", "+0"]
            return digits[: len(self.points)]
        ten = "0" if self.points[0] > 0 else "+0"
        return [ten if point == 10 else str(point) for point in self.points]

    def parse_form(self, given: Any) -> Any:
        text = given.get("value", "").replace("−", "-")
        return int(text) if text.removeprefix("-").isdecimal() and len(text) < 5 else None

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        return (AnswerKeys("Answer with a rating", tuple(key_runs(self._keys()))),)

    def filter_values(self, labels: Labels) -> dict[str, int]:
        return {str(point): point for point in self.points}


KIND = Rating()
