"""Pair: which of two inputs is better, a or b, or a tie, or neither is good enough.

Two answers agree where they are the same; votes settle by majority.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from annotation.kinds.base import (
    AnswerKeys,
    InputRules,
    InvalidLabel,
    Labels,
    SettledValue,
    TaskKind,
    settle_by_majority,
)
from projects.project_settings import BadSpec, Settings

WORDS = {"a": "A is better", "tie": "A tie", "neither": "Neither is good", "b": "B is better"}
KEYS = {"a": "a", "tie": "t", "neither": "n", "b": "b"}
COMPARED = ("text", "conversation", "image")  # types of inputs that a person can hold against each other


class PairOptions(Settings, frozen=True, kw_only=True):
    """between: the inputs that are called A and B."""

    between: Annotated[
        list[str],
        Meta(
            max_length=2,
            title="What is compared",
            description="the names of two inputs of type text, conversation or image",
            extra={"input_types": COMPARED, "each": ("A is", "B is")},
        ),
    ] = []


class Pair(TaskKind):
    """One of a, b, tie and neither."""

    name = "pair"
    title = "Comparison of two"
    place = 6
    needs_labels = False
    options_type = PairOptions
    alpha_level = "nominal"
    template = "annotation/kinds/pair.html"
    review_template = "annotation/kinds/pair_review.html"
    desk_module = "js/desk/pair.js"

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        """Without a word about it the last two inputs that can be compared: what was asked stands before them."""
        options = self.parse_options(given)
        assert isinstance(options, PairOptions)
        fitting = [name for name, rule in inputs.items() if rule["type"] in COMPARED]
        between = options.between or fitting[-2:]
        if len(set(between)) != 2 or not set(between) <= set(fitting):
            raise BadSpec(f"answer.between takes two inputs of type {', '.join(COMPARED[:-1])} or {COMPARED[-1]}.")
        return {"between": between}

    def validate(self, value: Any, labels: Labels) -> str:
        if not isinstance(value, str) or value not in WORDS:
            raise InvalidLabel("One of a, b, tie and neither is expected.")
        return value

    def describe(self, value: Any, labels: Labels) -> str:
        return WORDS.get(value, str(value))

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        return settle_by_majority(values)

    def score(self, truth: Any, predicted: Any) -> float:
        return float(truth == predicted)

    def form(self, labels: Labels) -> dict[str, Any]:
        buttons = [{"value": value, "title": words, "key": KEYS[value]} for value, words in WORDS.items()]
        return {"buttons": buttons, "between": self.options.between}

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        letters = tuple((KEYS[value].upper(), KEYS[value].upper()) for value in WORDS)
        return (
            AnswerKeys("A is better, a tie, neither is good, B is better", letters),
            AnswerKeys("The one at the left or at the right is better", (("←", "←"), ("→", "→"))),
        )

    def filter_values(self, labels: Labels) -> dict[str, str]:
        return {value: value for value in WORDS}


KIND = Pair()
