"""Columns that slices of errors are made of, and each condition on them as filters of the list of items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.item_conditions import SEPARATOR
from analysis.metrics.slices.conditions import Condition
from analysis.samples import EvaluationSample
from annotation import media
from annotation.models import Item
from inputs.registry import INPUT_TYPES, is_read_as_text
from projects.chunks import chunks
from projects.models import Project

PREDICTION = "prediction"
OPEN = "..<"

Pair = tuple[str, str]


@dataclass(frozen=True)
class SliceColumns:
    """Columns (n,) by the name that a slice's words use, the input type of each, and the filter that each stands for.

    source: "input", "segment" or "says", with the name there.
    """

    values: Mapping[str, Sequence[Any]]
    types: Mapping[str, str]
    source: Mapping[str, Pair]


def slice_columns(project: Project, sample: EvaluationSample, segments: Mapping[str, Sequence[str]]) -> SliceColumns:
    """The inputs that conditions can be put on, the segments, and the class that was predicted."""
    types = {name: kind for name, kind in project.contract().types().items() if _can_be_asked(kind)}
    values: dict[str, Sequence[Any]] = dict(media.columns(project, inputs_of(sample), types))
    source = {name: ("input", name) for name in types}
    kinds = dict(types)
    for name, column in segments.items():
        shown = f"segment {name}" if name in values else name
        values[shown], kinds[shown], source[shown] = [one or None for one in column], "category", ("segment", name)
    if sample.codes is not None and PREDICTION not in values:
        values[PREDICTION] = [str(answer) for answer in sample.answers]
        kinds[PREDICTION], source[PREDICTION] = "category", ("says", "")
    return SliceColumns(values, kinds, source)


def _can_be_asked(kind: str) -> bool:
    return not INPUT_TYPES[kind].in_media and (
        kind in ("number", "category", "boolean", "time") or is_read_as_text(kind)
    )


def inputs_of(sample: EvaluationSample) -> list[dict[str, Any]]:
    """The stored inputs of each item of the sample."""
    ids = sample.item_ids.tolist()
    known: dict[int, dict[str, Any]] = {}
    for chunk in chunks(ids):
        known |= dict(Item.objects.filter(pk__in=chunk).values_list("pk", "inputs"))
    return [known[pk] for pk in ids]


def filters_of(conditions: Sequence[Condition], source: Mapping[str, Pair]) -> list[Pair] | None:
    """Names and values of the filters that the items of a slice pass; None where no list can show it."""
    found = [_filter(condition, *source[condition.column]) for condition in conditions]
    pairs = [pair for pair in found if pair is not None]
    single = [name for name, _ in pairs if name != "input"]
    return pairs if len(pairs) == len(found) and len(set(single)) == len(single) else None


def _filter(condition: Condition, source: str, name: str) -> Pair | None:
    wanted = "" if condition.kind == "missing" else condition.value or ""
    if source == "says":
        return (source, wanted) if wanted else None
    if source == "segment":
        return source, f"{name}={wanted}"
    text = _input_text(condition)
    return None if text is None else (source, f"{name}:{text}")


def _input_text(condition: Condition) -> str | None:
    if condition.kind == "missing":
        return ""
    if condition.kind == "term":
        return f'"{condition.value}"'
    if condition.kind in ("range", "period"):
        words = _second if condition.kind == "period" else _number
        low, high = ("" if end is None else words(end) for end in (condition.low, condition.high))
        return f"{low}{OPEN if high else SEPARATOR}{high}"
    if condition.value in ("True", "False"):
        return "yes" if condition.value == "True" else "no"
    return None if condition.value is None or "|" in condition.value else condition.value


def _number(value: float) -> str:
    return f"{value:.17g}" if float(f"{value:.12g}") != value else f"{value:.12g}"


def _second(value: float) -> str:
    return str(np.datetime64(round(value), "s")) + "Z"
