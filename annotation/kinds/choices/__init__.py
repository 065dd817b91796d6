"""Choices: any number of labels out of a list, also none of them. A value is the sorted list of the
labels, so that it stays the same where the schema is put in another order.

Two values agree by their Jaccard index, the labels in both over the labels in either (Jaccard 1912; as a distance of
sets of labels Passonneau 2006).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from annotation.kinds.base import AnswerKeys, InvalidLabel, Labels, SettledValue, TaskKind, settle_where_equal
from annotation.kinds.choice import label_buttons, listed, title
from annotation.kinds.choice.shortcuts import answer_keys, keys_of

NONE = "none of them"
NONE_KEY = "n"


class SeveralLabels(TaskKind):
    """Any number of the schema's labels."""

    name = "choices"
    title = "Several labels"
    place = 2
    distance_words = "1 less the Jaccard index"
    template = "annotation/kinds/choices.html"
    review_template = "annotation/kinds/choices_review.html"
    desk_module = "js/desk/choices.js"

    def validate(self, value: Any, labels: Labels) -> list[str]:
        """The labels sorted, each once."""
        values = [label["value"] for label in labels]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise InvalidLabel("A list of labels is expected; the empty list says that none of them fits.")
        for one in value:
            if one not in values:
                raise InvalidLabel(f'"{one[:60]}" is not one of the labels: {listed(values)}.')
        if twice := [one for one, count in Counter(value).items() if count > 1]:
            raise InvalidLabel(f'"{twice[0][:60]}" stands in the list twice.')
        return sorted(value)

    def replace_labels(self, value: Any, by: Mapping[str, str]) -> Any:
        """Sorted again, each label once, so that equal answers stay equal."""
        replaced = super().replace_labels(value, by)
        return sorted(replaced) if replaced != value else value

    def describe(self, value: Any, labels: Labels) -> str:
        known = [title(label) for label in labels if label["value"] in value]
        gone = [one for one in value if one not in {label["value"] for label in labels}]
        return ", ".join(known + gone) or NONE

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        """Each label that more than half of the votes have; where half of them have one, nothing is settled."""
        if not values:
            return None
        if equal := settle_where_equal(values):
            return equal
        counts = Counter(label for value in values for label in value)
        if any(2 * count == len(values) for count in counts.values()):
            return None
        settled = sorted(label for label, count in counts.items() if 2 * count > len(values))
        if not settled and 2 * values.count([]) <= len(values):  # most chose something, and no label is of most
            return None
        return SettledValue(settled, "majority", sum(value == settled for value in values) / len(values))

    def score(self, truth: Any, predicted: Any) -> float:
        """The Jaccard index; 1 for two empty lists."""
        either = set(truth) | set(predicted)
        return len(set(truth) & set(predicted)) / len(either) if either else 1.0

    def form(self, labels: Labels) -> dict[str, Any]:
        buttons = label_buttons(labels)
        key = "" if NONE_KEY in {button["key"] for button in buttons} else NONE_KEY
        return {"buttons": buttons, "searchable": len(buttons) > 10, "none_key": key, "none_words": NONE}

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        if not hasattr(given, "getlist"):
            return given.get("value")
        return [] if given.get("none") == "yes" else _some(given.getlist("value"))

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        rows = [AnswerKeys(row.words.replace("Answer with", "Choose or drop"), row.runs) for row in answer_keys(labels)]
        rows.append(AnswerKeys("Send what is chosen", (("Enter", "Enter"),)))
        if NONE_KEY not in keys_of(labels):
            rows.append(AnswerKeys("Answer that none of them fits", ((NONE_KEY.upper(), NONE_KEY.upper()),)))
        return tuple(rows)


def _some(chosen: list[str]) -> list[str]:
    if not chosen:
        raise InvalidLabel("No label is chosen; choose one or more, or say that none of them fits.")
    return chosen


KIND = SeveralLabels()
