"""Bodies of the ML-backend protocol: what is sent, and what an answer says, read without trust in its shape."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.exchange.base import BadRecord, as_mapping
from annotation.exchange.formats.label_studio import parse_prediction
from annotation.exchange.label_config import write_label_config
from annotation.exchange.rows import ProjectShape
from validation import InvalidInput
from validation.json_values import is_finite_number, quote, shorten

LONGEST_VERSION = 80
TRAINED_HERE = re.compile(r"v\d+")  # tags of versions that this installation trained


class BadAnswer(InvalidInput):
    """An answer that is not one of the protocol; the message says what is wrong with it."""


@dataclass(frozen=True)
class AskedItem:
    """One item with its inputs as Label Studio has them."""

    number: int
    data: Mapping[str, Any]


@dataclass(frozen=True)
class SuggestedAnswer:
    """What the backend says of one item: a value with its score, or why the answer cannot be used."""

    value: Any = None
    score: float | None = None
    error: str = ""


def setup_body(shape: ProjectShape, project: str) -> dict[str, Any]:
    return {"project": project, "schema": write_label_config(shape), "hostname": "", "access_token": ""}


def predict_body(shape: ProjectShape, project: str, items: Sequence[AskedItem]) -> dict[str, Any]:
    tasks = [{"id": one.number, "data": dict(one.data), "annotations": [], "predictions": []} for one in items]
    return {"tasks": tasks, "project": project, "label_config": write_label_config(shape), "params": {"context": None}}


def parse_body(body: bytes, path: str) -> dict[str, Any]:
    """The JSON object of an answer. Raises BadAnswer."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAnswer(f"The answer to {path} is not JSON.") from None
    if not isinstance(found, dict):
        raise BadAnswer(f"The answer to {path} is {quote(found)}; an object is expected.")
    return found


def version_name(answer: Mapping[str, Any], backend: str, taken: Collection[str] = ()) -> str:
    """The version as predictions carry it.

    It begins with the backend's name where it is the tag of a version trained here, or is `taken` by another backend;
    it is that name alone where the backend says none.
    """
    given = answer.get("model_version")
    said = str(given).strip() if isinstance(given, str | int | float) and not isinstance(given, bool) else ""
    said = "".join(letter for letter in said if letter.isprintable())
    said = shorten(said or backend, LONGEST_VERSION)
    return shorten(f"{backend} {said}", LONGEST_VERSION) if TRAINED_HERE.fullmatch(said) or said in taken else said


def parse_suggestions(
    answer: Mapping[str, Any], items: Sequence[AskedItem], shape: ProjectShape
) -> list[SuggestedAnswer]:
    """What is said of each item, in order. Raises BadAnswer where the answer as a whole says nothing."""
    results = answer.get("results")
    if not isinstance(results, list):
        raise BadAnswer(f"The answer to /predict has results {quote(results)}; a list is expected.")
    if len(results) != len(items):
        raise BadAnswer(f"The answer to /predict has {len(results):,} results for {len(items):,} tasks.")
    return [_suggestion(one, item, shape) for one, item in zip(results, items, strict=True)]


def version_of_results(answer: Mapping[str, Any], results: Sequence[Any]) -> Mapping[str, Any]:
    """The part of an answer to /predict that names the version: the answer, else its first result."""
    first = next((one for one in results if isinstance(one, Mapping)), {})
    return answer if answer.get("model_version") else first


def _suggestion(given: Any, item: AskedItem, shape: ProjectShape) -> SuggestedAnswer:
    try:
        parsed = parse_prediction(as_mapping(given, "A result of /predict"), shape, item.data)
    except (BadRecord, ValueError, TypeError, KeyError, AttributeError, OverflowError) as why:
        return SuggestedAnswer(error=str(why) or type(why).__name__)
    if parsed.value is None:
        return SuggestedAnswer(error="A result of /predict holds no answer to what the project asks.")
    score = parsed.score
    usable = is_finite_number(score) and 0 <= score <= 1
    return SuggestedAnswer(parsed.value, float(score) if usable else None)
