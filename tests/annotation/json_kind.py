"""A task kind whose values are JSON objects, as a test adds it: {"start": int, "end": int}."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from annotation.kinds import InvalidLabel, Labels, SettledValue, TaskKind


class Interval(TaskKind):
    """One interval of whole numbers; two agree as far as they overlap."""

    name = "interval"
    needs_labels = False
    template = "annotation/kinds/choice.html"
    review_template = "annotation/kinds/choice_review.html"
    desk_module = "js/desk/labels.js"

    def validate(self, value: Any, labels: Labels) -> dict[str, int]:
        if not isinstance(value, dict) or set(value) != {"start", "end"}:
            raise InvalidLabel("An interval has a start and an end.")
        if not all(type(end) is int for end in value.values()) or not value["start"] < value["end"]:
            raise InvalidLabel("Start and end are whole numbers, the start first.")
        return {"start": value["start"], "end": value["end"]}

    def describe(self, value: Any, labels: Labels) -> str:
        return f"{value['start']} to {value['end']}"

    def agreement(self, values: Sequence[Any]) -> float | None:
        pairs = list(combinations(values, 2))
        return sum(self.score(a, b) for a, b in pairs) / len(pairs) if pairs else None

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        if not values or any(value != values[0] for value in values):
            return None
        return SettledValue(values[0], "single" if len(values) == 1 else "unanimous", 1.0)

    def score(self, truth: Any, predicted: Any) -> float:
        overlap = min(truth["end"], predicted["end"]) - max(truth["start"], predicted["start"])
        union = max(truth["end"], predicted["end"]) - min(truth["start"], predicted["start"])
        return max(overlap, 0) / union

    def form(self, labels: Labels) -> dict[str, Any]:
        return {"buttons": [], "short": False, "searchable": False}
