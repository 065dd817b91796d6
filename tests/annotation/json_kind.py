"""A task kind whose values are JSON objects, as a test adds it: {"start": int, "end": int}.

Its templates and its desk module are in the folder `interval` beside this file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from annotation import kinds
from annotation.kinds import InvalidLabel, Labels, SettledValue, TaskKind

FILES = Path(__file__).parent / "interval"
SPEC = {
    "title": "Intervals",
    "kind": "interval",
    "labels": ["narrow", "wide"],  # that are no classes
    "inputs": {"text": {"type": "text"}},
    "overlap": 2,
}


class Interval(TaskKind):
    """One interval of whole numbers; two agree as far as they overlap."""

    name = "interval"
    needs_labels = False
    template = "interval/answer.html"
    review_template = "interval/review.html"
    desk_module = "interval/answer.js"

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
        return {}

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        ends = {name: given.get(name, "") for name in ("start", "end")}
        if not all(re.fullmatch(r"\d{1,9}", end) for end in ends.values()):
            raise InvalidLabel("An interval has a start and an end.")
        return {name: int(end) for name, end in ends.items()}


@contextmanager
def registered(settings: Any) -> Iterator[None]:
    """The kind with its templates and static files, as if it were installed."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [*settings.TEMPLATES[0]["DIRS"], FILES / "templates"]}]
    settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, FILES / "static"]
    kinds.register(Interval())
    try:
        yield
    finally:
        kinds.unregister("interval")
