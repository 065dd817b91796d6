"""Boxes: rectangles on one image, each with a label. A value is the sorted list of {x, y, width, height, label}.

x and y are the left and the upper edge; all four are fractions of the image, stored with six decimals. Two values agree
by the mean over the boxes of both of the best intersection over union with a box of the same label in the other
(`geometry.mean_best_overlap`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from annotation.kinds.base import AnswerKeys, InputRules, Inputs, InvalidLabel, Labels, SettledValue, TaskKind
from annotation.kinds.boxes.geometry import DECIMALS, SIDES, box_order, mean_best_overlap, settle_boxes
from annotation.kinds.choice import label_buttons, listed, title
from annotation.kinds.choice.shortcuts import answer_keys, keys_of
from projects.project_settings import BadSpec, Settings
from validation.json_values import is_finite_number

MOST = 1000  # boxes of one image
SHOWN = 6  # boxes in a sentence
COLOURS = 8  # that a label has by its place where the schema gives it none
NOTHING = "nothing marked"
NOTHING_KEY, ADD_KEY = "n", "b"
PARTS = {*SIDES, "label"}
LEAST = 10.0**-DECIMALS  # of a side, and how far rounding may put an edge outside the image


class BoxesOptions(Settings, frozen=True, kw_only=True):
    """input: the image on which boxes are drawn."""

    input: Annotated[str, Meta(max_length=200, description="the name of an input of type image")] = ""


class Boxes(TaskKind):
    """Any number of labelled boxes on an image."""

    name = "boxes"
    title = "Boxes on an image"
    place = 8
    fewest_labels = 1
    options_type = BoxesOptions
    is_about_an_input = True
    distance_words = "1 less the mean best overlap of boxes"
    template = "annotation/kinds/boxes.html"
    review_template = "annotation/kinds/boxes_review.html"
    desk_module = "js/desk/boxes.js"

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        """Without a word about it boxes are drawn on the first image."""
        options = self.parse_options(given)
        assert isinstance(options, BoxesOptions)
        images = [name for name, rule in inputs.items() if rule["type"] == "image"]
        if not images or (options.input and options.input not in images):
            raise BadSpec(f"answer.input is {options.input!r}; it takes the name of an input of type image.")
        return {"input": options.input or images[0]}

    def validate(self, value: Any, labels: Labels) -> list[dict[str, Any]]:
        if not isinstance(value, list) or len(value) > MOST:
            raise InvalidLabel(f"A list of at most {MOST:,} boxes is expected; the empty list says that none is there.")
        names = [label["value"] for label in labels]
        boxes = sorted((_box(one, names) for one in value), key=box_order)
        for one, other in zip(boxes, boxes[1:], strict=False):
            if one == other:
                raise InvalidLabel(f"The box {_words(one)} stands in the list twice.")
        return boxes

    def replace_labels(self, value: Any, by: Mapping[str, str]) -> Any:
        """Sorted again, and of two boxes that became the same one is left."""
        replaced = super().replace_labels(value, by)
        if replaced == value:
            return value
        ordered = sorted(replaced, key=box_order)
        return [box for place, box in enumerate(ordered) if not place or box != ordered[place - 1]]

    def misfit(self, value: Any, inputs: Inputs) -> str | None:
        if value and inputs.get(self.options.input) is None:
            return f"The item has no image `{self.options.input}` to mark."
        return None

    def describe(self, value: Any, labels: Labels) -> str:
        named = {label["value"]: title(label) for label in labels}
        words = [f"{named.get(one['label'], one['label'])} {_words(one)}" for one in value[:SHOWN]]
        more = [f"{len(value) - SHOWN} more"] if len(value) > SHOWN else []
        return ", ".join(words + more) or NOTHING

    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        """The boxes that more than half of the votes have; one vote, or votes that are all the same, settle alone."""
        if not values:
            return None
        if all(value == values[0] for value in values):
            return SettledValue(values[0], "single" if len(values) == 1 else "unanimous", 1.0)
        settled = settle_boxes(values)
        if settled is None:
            return None
        if not settled and 2 * values.count([]) <= len(values):  # most drew something, and no box is of most
            return None
        return SettledValue(settled, "majority", sum(self.score(settled, value) for value in values) / len(values))

    def score(self, truth: Any, predicted: Any) -> float:
        return mean_best_overlap(truth, predicted)

    @property
    def asked_input(self) -> str:
        return str(self.options.input)

    def form(self, labels: Labels) -> dict[str, Any]:
        buttons = [
            {**button, "colour": button["colour"] or str(place % COLOURS + 1)}
            for place, button in enumerate(label_buttons(labels))
        ]
        taken = {button["key"] for button in buttons}
        keys = {"none_key": NOTHING_KEY, "add_key": ADD_KEY}
        free = {name: "" if key in taken else key for name, key in keys.items()}
        given = {"none_words": NOTHING, "input": self.options.input, "sides": SIDES}
        return {"buttons": buttons, "searchable": len(buttons) > 10, **free, **given}

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        try:
            return json.loads(given.get("value", ""))
        except ValueError:
            raise InvalidLabel("Choose whose boxes are right, or draw them at the desk.") from None

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        rows = [AnswerKeys(row.words.replace("Answer with", "Draw with"), row.runs) for row in answer_keys(labels)]
        keys = keys_of(labels)
        if ADD_KEY not in keys:
            rows.append(AnswerKeys("Add a box in the middle", (("B", "B"),)))
        rows += [
            AnswerKeys("Move the chosen box, or the enlarged image", (("←", "←"), ("→", "→"), ("↑", "↑"), ("↓", "↓"))),
            AnswerKeys(
                "Make it wider, narrower, higher or lower", (("⇧←", "⇧←"), ("⇧→", "⇧→"), ("⇧↑", "⇧↑"), ("⇧↓", "⇧↓"))
            ),
            AnswerKeys("The same by a tenth of the step", (("Ctrl ←", "Ctrl ←"), ("Ctrl ⇧←", "Ctrl ⇧←"))),
            AnswerKeys("Previous or next box", (("PgUp", "PgUp"), ("PgDn", "PgDn"))),
            AnswerKeys("Remove the chosen box", (("Del", "Del"),)),
            AnswerKeys("Take the last change back", (("Ctrl Z", "Ctrl Z"),)),
            AnswerKeys("Enlarge or reduce the image", (("+", "+"), ("-", "-"))),
            AnswerKeys("Send the boxes", (("Enter", "Enter"),)),
        ]
        if NOTHING_KEY not in keys:
            rows.append(AnswerKeys("Answer that there is nothing to mark", (("N", "N"),)))
        return tuple(rows)


def _box(given: Any, names: Sequence[str]) -> dict[str, Any]:
    if not isinstance(given, dict) or set(given) != PARTS:
        raise InvalidLabel("A box has x, y, width, height and a label.")
    if not all(is_finite_number(given[side]) for side in SIDES):
        raise InvalidLabel("x, y, width and height of a box are numbers.")
    x, y, width, height = (float(given[side]) for side in SIDES)
    if x < 0 or y < 0 or width < LEAST or height < LEAST or x + width > 1 + LEAST or y + height > 1 + LEAST:
        raise InvalidLabel(
            "A box lies inside the image: x, y, width and height are fractions of it, none of them zero wide."
        )
    label = given["label"]
    if label not in names:
        shown = f'"{label[:60]}"' if isinstance(label, str) else "The label of a box"
        raise InvalidLabel(f"{shown} is not one of the labels: {listed(names)}.")
    return {**_rounded(x, y, width, height), "label": label}


def _rounded(x: float, y: float, width: float, height: float) -> dict[str, float]:
    """The sides with six decimals, none of them zero and no edge outside the image."""
    x, y = min(round(x, DECIMALS), 1 - LEAST), min(round(y, DECIMALS), 1 - LEAST)
    sizes = (min(max(round(size, DECIMALS), LEAST), 1 - edge) for size, edge in ((width, x), (height, y)))
    return dict(zip(SIDES, (round(part, DECIMALS) for part in (x, y, *sizes)), strict=True))


def _words(box: Mapping[str, Any]) -> str:
    """From where to where, in percent of the image: across × down."""
    ends = [
        f"{_percent(box[edge])}–{_percent(box[edge] + box[size])}" for edge, size in (("x", "width"), ("y", "height"))
    ]
    return f"{' × '.join(ends)} %"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}".removesuffix(".0")


KIND = Boxes()
