"""Spans: stretches of one text, each with a label. A value is the sorted list of {start, end, label}.

Start and end count Unicode code points, the end is the first one that is not inside. Two values agree by the F1 of the
characters that they label, 2·both / (one + other), which needs no count of what could have been labelled (Hripcsak and
Rothschild 2005).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

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
from annotation.kinds.choice import label_buttons, listed, title
from annotation.kinds.choice.shortcuts import answer_keys, keys_of
from annotation.kinds.spans.settling import settle_spans
from projects.project_settings import BadSpec, Settings

MOST = 1000  # spans of one text
SHOWN = 6  # spans in a sentence
COLOURS = 8  # that a label has by its place where the schema gives it none
NOTHING = "nothing marked"
NOTHING_KEY = "n"
OVERLAPPING = {"any": "may overlap", "nested": "only one inside another", "no": "are refused"}
PARTS = {"start", "end", "label"}


class SpansOptions(Settings, frozen=True, kw_only=True):
    """input: the text that is marked; overlapping: whether two spans may share characters."""

    input: Annotated[
        str,
        Meta(
            max_length=200,
            title="Text that is marked",
            description="the name of an input of type text",
            extra={"input_types": ("text",)},
        ),
    ] = ""
    overlapping: Annotated[
        Literal["any", "nested", "no"],
        Meta(title="Spans that share characters", description="any, nested or no", extra={"words": OVERLAPPING}),
    ] = "any"


class Spans(TaskKind):
    """Any number of labelled spans of a text."""

    name = "spans"
    title = "Spans of a text"
    place = 5
    fewest_labels = 1
    options_type = SpansOptions
    is_about_an_input = True
    distance_words = "1 less the F1 of labelled characters"
    template = "annotation/kinds/spans.html"
    review_template = "annotation/kinds/spans_review.html"
    desk_module = "js/desk/spans.js"

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        """Without a word about it the first text is marked."""
        options = self.parse_options(given)
        assert isinstance(options, SpansOptions)
        texts = [name for name, rule in inputs.items() if rule["type"] == "text"]
        if not texts or (options.input and options.input not in texts):
            raise BadSpec(f"answer.input is {options.input!r}; it takes the name of an input of type text.")
        return {"input": options.input or texts[0], "overlapping": options.overlapping}

    def validate(self, value: Any, labels: Labels) -> list[dict[str, Any]]:
        if not isinstance(value, list) or len(value) > MOST:
            raise InvalidLabel(f"A list of at most {MOST:,} spans is expected; the empty list says that none is there.")
        names = [label["value"] for label in labels]
        spans = sorted((_span(one, names) for one in value), key=_order)
        self._check_overlaps(spans)
        return spans

    def _check_overlaps(self, spans: Sequence[Mapping[str, Any]]) -> None:
        """Raise InvalidLabel where two of the sorted spans share characters that may not."""
        for place, one in enumerate(spans):
            for other in spans[place + 1 :]:
                if other["start"] >= one["end"]:
                    break
                self._check_together(one, other)

    def _check_together(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
        """Raise InvalidLabel where two spans that share characters may not; `one` begins first or is the longer."""
        ends = f"{_ends(one)} and {_ends(other)}"
        if one == other:
            raise InvalidLabel(f"The span {_ends(one)} stands in the list twice.")
        if self.options.overlapping == "no":
            raise InvalidLabel(f"The spans {ends} overlap, which no two may here.")
        if self.options.overlapping == "nested" and other["end"] > one["end"]:
            raise InvalidLabel(f"The spans {ends} cross; one may only lie inside another here.")

    def _may_stand(self, spans: Sequence[Mapping[str, Any]]) -> bool:
        try:
            self._check_overlaps(spans)
        except InvalidLabel:
            return False
        return True

    def replace_labels(self, value: Any, by: Mapping[str, str]) -> Any:
        """Sorted again, and of two spans that became the same one is left."""
        replaced = super().replace_labels(value, by)
        if replaced == value:
            return value
        ordered = sorted(replaced, key=_order)
        return [span for place, span in enumerate(ordered) if span not in ordered[:place]]

    def misfit(self, value: Any, inputs: Inputs) -> str | None:
        text, name = inputs.get(self.options.input), self.options.input
        length = len(text) if isinstance(text, str) else 0
        last = max((span["end"] for span in value), default=0)
        return f"A span goes to {last}, and `{name}` has {length} characters." if last > length else None

    def describe(self, value: Any, labels: Labels) -> str:
        named = {label["value"]: title(label) for label in labels}
        words = [f"{named.get(one['label'], one['label'])} {_ends(one)}" for one in value[:SHOWN]]
        more = [f"{len(value) - SHOWN} more"] if len(value) > SHOWN else []
        return ", ".join(words + more) or NOTHING

    def describe_beside(self, value: Any, labels: Labels, inputs: Inputs) -> str:
        """The spans with the characters that they cover."""
        text = inputs.get(self.options.input)
        if not isinstance(text, str) or not value:
            return self.describe(value, labels)
        named = {label["value"]: title(label) for label in labels}
        words = [
            f"{named.get(one['label'], one['label'])} “{text[one['start'] : one['end']]}” {_ends(one)}" for one in value
        ]
        return ", ".join(words)

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        """The spans that more than half of the votes have; one vote, or votes that are all the same, settle alone."""
        if not values:
            return None
        if equal := settle_where_equal(values):
            return equal
        settled = settle_spans(values)
        if settled is None or not self._may_stand(settled):
            return None
        if not settled and 2 * values.count([]) <= len(values):  # most marked something, and no span is of most
            return None
        return SettledValue(settled, "majority", sum(self.score(settled, value) for value in values) / len(values))

    def score(self, truth: Any, predicted: Any) -> float:
        """F1 of labelled characters; 1 for two empty lists."""
        one, other = _characters(truth), _characters(predicted)
        total = sum(map(len, one.values())) + sum(map(len, other.values()))
        both = sum(len(characters & other.get(label, set())) for label, characters in one.items())
        return 2 * both / total if total else 1.0

    @property
    def asked_input(self) -> str:
        return str(self.options.input)

    def about(self, inputs: Inputs) -> Any:
        return inputs.get(self.asked_input)

    def form(self, labels: Labels) -> dict[str, Any]:
        buttons = [
            {**button, "colour": button["colour"] or str(place % COLOURS + 1)}
            for place, button in enumerate(label_buttons(labels))
        ]
        key = "" if NOTHING_KEY in {button["key"] for button in buttons} else NOTHING_KEY
        given = {"none_key": key, "none_words": NOTHING, "overlapping": self.options.overlapping}
        return {"buttons": buttons, "searchable": len(buttons) > 10, "input": self.options.input, **given}

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        try:
            return json.loads(given.get("value", ""))
        except ValueError:
            raise InvalidLabel("Choose whose spans are right, or mark the text at the desk.") from None

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        rows = [AnswerKeys(row.words.replace("Answer with", "Mark with"), row.runs) for row in answer_keys(labels)]
        rows += [
            AnswerKeys("Previous or next word", (("←", "←"), ("→", "→"))),
            AnswerKeys("One word more or less", (("⇧←", "⇧←"), ("⇧→", "⇧→"))),
            AnswerKeys("One character more or less", (("Ctrl ←", "Ctrl ←"), ("Ctrl →", "Ctrl →"))),
            AnswerKeys("Previous or next span", (("↑", "↑"), ("↓", "↓"))),
            AnswerKeys("Remove the chosen span", (("Del", "Del"),)),
            AnswerKeys("Take the last change back", (("Ctrl Z", "Ctrl Z"),)),
            AnswerKeys("Send the spans", (("Enter", "Enter"),)),
        ]
        if NOTHING_KEY not in keys_of(labels):
            rows.append(AnswerKeys("Answer that there is nothing to mark", (("N", "N"),)))
        return tuple(rows)


def _span(given: Any, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) != PARTS:
        raise InvalidLabel("A span has a start, an end and a label.")
    start, end, label = given["start"], given["end"], given["label"]
    if type(start) is not int or type(end) is not int or not 0 <= start < end:
        raise InvalidLabel("Start and end of a span are whole numbers from 0 on, the start first.")
    if label not in names:
        shown = f'"{label[:60]}"' if isinstance(label, str) else "The label of a span"
        raise InvalidLabel(f"{shown} is not one of the labels: {listed(names)}.")
    return {"start": start, "end": end, "label": label}


def _ends(span: Mapping[str, Any]) -> str:
    return f"{span['start']} to {span['end']}"


def _order(span: Mapping[str, Any]) -> tuple[int, int, str]:
    return span["start"], -span["end"], span["label"]


def _characters(spans: Sequence[Mapping[str, Any]]) -> dict[str, set[int]]:
    """Label to the places of the characters that have it."""
    found: dict[str, set[int]] = {}
    for span in spans:
        found.setdefault(span["label"], set()).update(range(span["start"], span["end"]))
    return found


KIND = Spans()
