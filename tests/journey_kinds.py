"""What the journey of each task kind says: its spec, its values, and what pages and forms make of them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.annotation.json_kind import SPEC
from tests.pictures import grey

TEXT = {"text": {"type": "text"}}


@dataclass(frozen=True)
class JourneyKind:
    """A project and two of its values: `right`, which the model said of every item, and `half`, which scores
    `score` against it. Two people who say the two differ, `words` are their words, `form` is how a reviewer says
    `half`.
    """

    spec: Mapping[str, Any]
    right: Any
    half: Any
    words: tuple[str, str]
    form: Mapping[str, Any]
    wrong: Any
    refusal: str
    score: float = 0.5
    said: tuple[str, str] | None = None  # the same words where the item is at hand
    also: Mapping[str, Any] = field(default_factory=dict)  # inputs beside `text`

    @property
    def name(self) -> str:
        return str(self.spec["kind"])


def spec(kind: str, labels: list[str] | None = None, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"title": "Answers", "kind": kind, "inputs": TEXT, "overlap": 2, **more}
    return given if labels is None else {**given, "labels": labels}


def box(x: float) -> dict[str, Any]:
    return {"x": x, "y": 0.1, "width": 0.4, "height": 0.4, "label": "sign"}


JOURNEYS = (
    JourneyKind(
        SPEC,
        right={"start": 1, "end": 5},
        half={"start": 1, "end": 3},
        words=("1 to 5", "1 to 3"),
        form={"start": "1", "end": "3"},
        wrong={"start": 4, "end": 1},
        refusal="Start and end are whole numbers, the start first.",
    ),
    JourneyKind(
        spec("choices", ["late", "rude", "wrong"]),
        right=["late", "rude"],
        half=["rude"],
        words=("late, rude", "rude"),
        form={"value": ["rude"]},
        wrong=["late", "lazy"],
        refusal='"lazy" is not one of the labels: late, rude, wrong.',
    ),
    JourneyKind(
        spec("rating"),
        right=4,
        half=2,
        words=("4 of 5", "2 of 5"),
        form={"value": "2"},
        wrong=6,
        refusal="A whole number from 1 to 5 is expected.",
    ),
    JourneyKind(
        spec("text"),
        right="abcd",
        half="abXY",
        words=("abcd", "abXY"),
        form={"value": "abXY"},
        wrong="  ",
        refusal="A text is expected, and it is not empty.",
    ),
    JourneyKind(
        spec("spans", ["VERB"]),
        right=[{"start": 0, "end": 4, "label": "VERB"}],
        half=[{"start": 2, "end": 6, "label": "VERB"}],
        words=("VERB 0 to 4", "VERB 2 to 6"),
        said=("VERB “mess” 0 to 4", "VERB “ssag” 2 to 6"),
        form={"value": '[{"start": 2, "end": 6, "label": "VERB"}]'},
        wrong=[{"start": 0, "end": 60, "label": "VERB"}],
        refusal="A span goes to 60, and `text` has {length} characters.",
    ),
    JourneyKind(
        spec("pair", inputs={**TEXT, "first": {"type": "text"}, "second": {"type": "text"}}),
        right="a",
        half="tie",
        words=("A is better", "A tie"),
        form={"value": "tie"},
        wrong="left",
        refusal="One of a, b, tie and neither is expected.",
        score=0.0,
        also={"first": "Yes.", "second": "No."},
    ),
    JourneyKind(
        spec(
            "ranking", inputs={**TEXT, "first": {"type": "text"}, "second": {"type": "text"}, "third": {"type": "text"}}
        ),
        right=["second", "first", "third"],
        half=["second", "third", "first"],
        words=("B, A, C", "B, C, A"),
        said=("second, first, third", "second, third, first"),
        form={"value": '["second", "third", "first"]'},
        wrong=["third", "first"],
        refusal='"second" is not ranked.',
        score=2 / 3,
        also={"first": "Yes.", "second": "No.", "third": "Perhaps."},
    ),
    JourneyKind(
        spec("boxes", ["sign"], inputs={**TEXT, "photo": {"type": "image"}}),
        right=[box(0.1)],
        half=[box(0.3)],
        words=("sign 10–50 × 10–50 %", "sign 30–70 × 10–50 %"),
        form={"value": json.dumps([box(0.3)])},
        wrong=[box(0.7)],
        refusal="A box lies inside the image: x, y, width and height are fractions of it, none of them zero wide.",
        score=1 / 3,
        also={"photo": base64.b64encode(grey()).decode()},
    ),
)
