"""Values of a task kind as Label Studio's results, and back; SHAPES has one entry for each kind.

Boxes are in percent there and fractions here; spans are code points, and what older versions wrote in UTF-16 units is
recognised by the words that the span covers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.exchange.base import BadRecord
from annotation.exchange.offsets import in_code_points
from validation.json_values import quote

CONTROL = "answer"  # from_name where nothing says another one

Result = Mapping[str, Any]  # the `value` of one result


@dataclass(frozen=True)
class ValueShape:
    """`read`: a value from the results of its control, in their order, and the text they are about; `write`: back.

    `empty`: what an answer without a result says, such as that no label fits; None where that is no answer.
    `types`: of results that are read, the first one of those that are written, where it is not that of the control.
    """

    read_values: Callable[[Sequence[Result], str], Any]
    write_values: Callable[[Any, str], list[dict[str, Any]]]
    empty: tuple[()] | None = None
    types: tuple[str, ...] = ()


def _read_choice(results: Sequence[Result], text: str) -> str:
    chosen = _read_choices(results, text)
    if len(chosen) != 1:
        raise BadRecord(f"The answer holds {len(chosen)} choices; this project takes one.")
    return chosen[0]


def _write_choices(value: Any, text: str) -> list[dict[str, Any]]:
    return [{"choices": list(value)}] if value else []


def _read_choices(results: Sequence[Result], text: str) -> list[str]:
    return [choice for result in results for choice in _texts_of(result, "choices")]


def _read_spans(results: Sequence[Result], text: str) -> list[dict[str, Any]]:
    return [_span(result, text, label) for result in results for label in _texts_of(result, "labels")]


def _span(result: Result, text: str, label: str) -> dict[str, Any]:
    start, end = result.get("start"), result.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        raise BadRecord(f"A span goes from {quote(start)} to {quote(end)}; whole numbers are expected.")
    covered = result.get("text")
    start, end = in_code_points(text, start, end, covered if isinstance(covered, str) else None)
    return {"start": start, "end": end, "label": label}


def _write_spans(value: Any, text: str) -> list[dict[str, Any]]:
    return [{**_ends(span), "text": text[span["start"] : span["end"]], "labels": [span["label"]]} for span in value]


def _ends(span: Mapping[str, Any]) -> dict[str, Any]:
    return {"start": span["start"], "end": span["end"]}


def _read_boxes(results: Sequence[Result], text: str) -> list[dict[str, Any]]:
    return [_box(result, label) for result in results for label in _texts_of(result, "rectanglelabels")]


def _box(result: Result, label: str) -> dict[str, Any]:
    if result.get("rotation"):
        raise BadRecord("A rectangle is rotated, which no box here can be.")
    try:
        sides = {name: round(float(result[name]) / 100, 12) for name in ("x", "y", "width", "height")}
    except (KeyError, TypeError, ValueError):
        raise BadRecord("A rectangle lacks one of x, y, width and height in percent.") from None
    return {**sides, "label": label}


def _write_boxes(value: Any, text: str) -> list[dict[str, Any]]:
    return [
        {
            **{name: round(100 * box[name], 10) for name in ("x", "y", "width", "height")},
            "rotation": 0,
            "rectanglelabels": [box["label"]],
        }
        for box in value
    ]


def _read_rating(results: Sequence[Result], text: str) -> Any:
    return results[0].get("rating")


def _read_pair(results: Sequence[Result], text: str) -> str:
    """Label Studio's own control for pairs knows left and right alone, so an export asks with choices."""
    side = {"left": "a", "right": "b"}.get(str(results[0].get("selected")))
    return side or _read_choice(results, text)


def _read_text(results: Sequence[Result], text: str) -> str:
    return "\n".join(line for result in results for line in _texts_of(result, "text"))


def _read_ranking(results: Sequence[Result], text: str) -> list[str]:
    """The ids by the control's name, or alone as older versions wrote them; buckets are no order."""
    found = results[0].get("ranker")
    lists = list(found.values()) if isinstance(found, Mapping) else [found]
    if len(lists) != 1:
        raise BadRecord("The answer sorts into buckets; this project takes one order of all candidates.")
    return _texts_of({"ranker": lists[0]}, "ranker")


def _texts_of(result: Result, name: str) -> list[str]:
    found = result.get(name)
    given: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(part, str) for part in given):
        raise BadRecord(f"A result has {name} {quote(found)}; a list of texts is expected.")
    return given


SHAPES: dict[str, ValueShape] = {
    "choice": ValueShape(_read_choice, lambda value, text: [{"choices": [value]}]),
    "choices": ValueShape(_read_choices, _write_choices, ()),
    "spans": ValueShape(_read_spans, _write_spans, ()),
    "boxes": ValueShape(_read_boxes, _write_boxes, ()),
    "rating": ValueShape(_read_rating, lambda value, text: [{"rating": value}]),
    "pair": ValueShape(_read_pair, lambda value, text: [{"choices": [value]}], types=("choices", "pairwise")),
    "ranking": ValueShape(_read_ranking, lambda value, text: [{"ranker": {CONTROL: list(value)}}]),
    "text": ValueShape(_read_text, lambda value, text: [{"text": [value]}]),
}
