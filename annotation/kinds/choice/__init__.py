"""Choice: one label out of a list. A value is the label's own text."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from annotation.kinds.base import (
    AnswerKeys,
    InvalidLabel,
    Labels,
    SettledValue,
    TaskKind,
    offered,
    settle_by_majority,
    successors,
)
from annotation.kinds.choice.shortcuts import answer_keys, cap, keys_of

SHOWN = 12  # labels named in a refusal
FEW_LABELS, SHORT_TITLE = 10, 2  # so few and short that they are shown as large digits


class Choice(TaskKind):
    """One label out of the schema's list."""

    name = "choice"
    title = "One label"
    place = 1
    alpha_level = "nominal"
    template = "annotation/kinds/choice.html"
    review_template = "annotation/kinds/choice_review.html"
    desk_module = "js/desk/labels.js"

    def validate(self, value: Any, labels: Labels) -> str:
        values = [label["value"] for label in labels]
        if isinstance(value, str) and value in values:
            return value
        shown = listed(values)
        if value is None:
            raise InvalidLabel(f"No label is given; the labels are {shown}.")
        given = f'"{value[:60]}"' if isinstance(value, str) else "The value"
        raise InvalidLabel(f"{given} is not one of the labels: {shown}.")

    def describe(self, value: Any, labels: Labels) -> str:
        found = next((label for label in labels if label["value"] == value), None)
        return title(found) if found else str(value)

    def agreement(self, values: Sequence[Any]) -> float | None:
        n = len(values)
        if n < 2:
            return None
        return sum(count * (count - 1) for count in Counter(values).values()) / (n * (n - 1))

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        return settle_by_majority(values)

    def score(self, truth: Any, predicted: Any) -> float:
        return float(truth == predicted)

    def form(self, labels: Labels) -> dict[str, Any]:
        """The buttons in the schema's order, with keys that never change while a person works."""
        buttons = label_buttons(labels)
        short = len(buttons) <= FEW_LABELS and all(len(button["title"]) <= SHORT_TITLE for button in buttons)
        return {"buttons": buttons, "short": short, "searchable": len(buttons) > FEW_LABELS}

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        return answer_keys(labels)

    def classes(self, labels: Labels) -> tuple[str, ...]:
        return tuple(label["value"] for label in labels)

    def filter_values(self, labels: Labels) -> dict[str, str]:
        """A merged label finds what it counts as now, so that a view that names it goes on."""
        by = successors(labels)
        return {name: by.get(name, name) for name in self.classes(labels)}

    def training_target(self, value: Any, labels: Labels) -> str | None:
        value = self.replace_labels(value, successors(labels))
        return value if value in self.classes(offered(labels)) else None


def label_buttons(labels: Labels) -> list[dict[str, Any]]:
    """A button for each label that is offered: its value, what people read, and its key with the cap."""
    return [
        {
            "value": label["value"],
            "title": title(label),
            "hint": label.get("hint", ""),
            "colour": label.get("colour", ""),
            "key": key,
            "cap": cap(key),
        }
        for label, key in zip(labels, keys_of(labels), strict=True)
        if not label.get("retired")
    ]


def listed(values: Sequence[str]) -> str:
    """The first labels in a sentence, and how many more there are."""
    rest = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
    return f"{', '.join(values[:SHOWN])}{rest}"


def title(label: dict[str, Any]) -> str:
    return label.get("title") or label["value"]


KIND = Choice()
