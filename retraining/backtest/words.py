"""A backtest as text: the curve beside that of random choice, and what it comes to."""

from collections.abc import Mapping
from typing import Any

from analysis.offline.output import aligned, shown

MOST_LINES = 12


def to_text(answer: Mapping[str, Any]) -> str:
    """Tables of a person's terminal."""
    random, metric = answer["random"], answer["metric"]
    header = ["labels", answer["strategy"], "sd", "random", "sd"]
    lines = [
        [point["labels"], point[metric], point["sd"], other[metric], other["sd"]]
        for point, other in _some(list(zip(answer["curve"], random["curve"], strict=True)))
    ]
    parts = [
        f"{metric} on {answer['test_rows']:,} test rows, mean of {answer['seeds']} repetitions; all "
        f"{answer['rows']:,} labels give {shown(answer['full_data_score'])}.",
        aligned(header, lines),
        aligned(["", answer["strategy"], "random"], _figures(answer, random)),
    ]
    if answer.get("events") is not None:
        parts.append(_events(answer["events"]))
    if answer["left_out"]:
        parts.append(f"{answer['left_out']:,} rows have no label or no input and were left out.")
    return "\n\n".join(parts)


def _some(points: list[Any]) -> list[Any]:
    """All of a short curve; of a long one the first, the last, and some between."""
    step = -(-len(points) // MOST_LINES)
    return [point for place, point in enumerate(points) if place % step == 0 or place == len(points) - 1]


def _figures(answer: Mapping[str, Any], random: Mapping[str, Any]) -> list[list[Any]]:
    return [
        ["labels to 95 %", *(_labels_to_95(one) for one in (answer, random))],
        ["area", answer["area"], random["area"]],
        ["seconds a round", answer["seconds_per_round"], random["seconds_per_round"]],
    ]


def _labels_to_95(one: Mapping[str, Any]) -> str:
    if one["labels_to_95"] is None:
        return "not reached"
    some = "" if one["seeds_to_95"] == one["seeds"] else f" ({one['seeds_to_95']} of {one['seeds']})"
    return f"{one['labels_to_95']:,.0f}{some}"


def _events(events: list[Mapping[str, Any]]) -> str:
    if not events:
        return "No trigger would have fired."
    lines = [[one["at"], one["trigger"], one["promoted"], one["words"]] for one in events]
    return aligned(["at", "trigger", "promoted", "why"], lines)
