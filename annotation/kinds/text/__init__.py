"""Text: written by a person, or one of the item's inputs corrected. A value is the text without space around it.

Two texts agree as far as one need not be edited to become the other: 1 less their edit distance over the length of the
longer one (Levenshtein 1966). Votes that are not all the same wait for a reviewer.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta

from annotation.kinds.base import (
    AnswerKeys,
    InputRules,
    Inputs,
    InvalidLabel,
    Labels,
    SettledValue,
    TaskKind,
    settle_where_equal,
)
from annotation.kinds.text.edit_distance import edit_distance
from projects.project_settings import BadSpec, Settings
from validation.json_values import is_storable_text

SHOWN = 80  # characters of a text in a sentence


class TextOptions(Settings, frozen=True, kw_only=True):
    """corrects: the input that people correct, "" where they write; longest: characters of an answer at most."""

    corrects: Annotated[
        str,
        Meta(
            max_length=200,
            title="Text that is corrected",
            description="the name of an input of type text",
            extra={"input_types": ("text",), "none": "none: people write"},
        ),
    ] = ""
    longest: Annotated[
        int,
        Meta(
            ge=1,
            le=20_000,
            title="Characters at most",
            description="a whole number of characters from 1 to 20,000",
        ),
    ] = 4000


class WrittenText(TaskKind):
    """One text."""

    name = "text"
    title = "A text, written or corrected"
    place = 4
    needs_labels = False
    options_type = TextOptions
    distance_words = "edit distance over the longer length"
    template = "annotation/kinds/text.html"
    review_template = "annotation/kinds/text_review.html"
    desk_module = "js/desk/text.js"

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        options = self.parse_options(given)
        assert isinstance(options, TextOptions)
        if options.corrects and inputs.get(options.corrects, {}).get("type") != "text":
            raise BadSpec(f"answer.corrects is {options.corrects!r}; it takes the name of an input of type text.")
        return dict(given)

    def validate(self, value: Any, labels: Labels) -> str:
        text = value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        if not text or not is_storable_text(text):
            raise InvalidLabel("A text is expected, and it is not empty.")
        if len(text) > self.options.longest:
            raise InvalidLabel(f"The text has {len(text):,} characters; at most {self.options.longest:,} are taken.")
        return text

    def describe(self, value: Any, labels: Labels) -> str:
        text = " ".join(str(value).split())
        return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"

    def describe_beside(self, value: Any, labels: Labels, inputs: Inputs) -> str:
        return str(value)

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        return settle_where_equal(values)

    def score(self, truth: Any, predicted: Any) -> float:
        return 1 - edit_distance(truth, predicted) / max(len(truth), len(predicted), 1)

    @property
    def asked_input(self) -> str:
        return str(self.options.corrects)

    def about(self, inputs: Inputs) -> Any:
        """The text to correct."""
        return inputs.get(self.asked_input) if self.asked_input else None

    def form(self, labels: Labels) -> dict[str, Any]:
        return {"corrects": self.options.corrects, "longest": self.options.longest}

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        return (
            AnswerKeys("Send the text", (("Enter", "Enter"),)),
            AnswerKeys("New line in the text", (("⇧Enter", "⇧Enter"),)),
            AnswerKeys("Leave the text, so that letters are keys again", (("Esc", "Esc"),)),
        )


KIND = WrittenText()
