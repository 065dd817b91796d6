"""Scores, feedback and assessments of traces: what people said becomes signals, what judges said a version's answer.

A judge, a model or a rule that scores traces, is captured as a version named after it, so that it is compared with
people like any other version. Its verdict counts where it is one of the project's labels, a truth value, or a number
from 0 to 1 in a project of two labels with a positive one; any other number has no meaning here and is kept beside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from annotation.exchange.base import LONGEST_KEY
from annotation.exchange.rows import ExchangePrediction, ExchangeSignal, ProjectShape
from validation.json_values import shorten

LONGEST_VERSION = 80
LONGEST_COMMENT = 9_000  # characters, below what a signal's value may have
NO_NUMBER = (None, "")


class FeedbackSource(StrEnum):
    """Who judged a trace."""

    PERSON = "person"
    JUDGE = "judge"  # a model or a rule


@dataclass(frozen=True)
class TraceFeedback:
    """One score, feedback or assessment: a value, a number beside it or alone.

    correction   what the answer should have been
    """

    id: str
    name: str
    source: FeedbackSource
    value: Any = None
    number: Any = None
    comment: str | None = None
    correction: Any = None
    actor: str | None = None
    at: str | None = None


def judge_predictions(judgements: Sequence[TraceFeedback], project: ProjectShape) -> tuple[ExchangePrediction, ...]:
    """What each judge says of a trace, as the answer of a version; its last verdict counts."""
    found: dict[str, ExchangePrediction] = {}
    for given in judgements:
        if given.source is FeedbackSource.JUDGE and (said := _verdict(given, project)) is not None:
            found[said.model_version] = said
    return tuple(found.values())


def person_signals(key: str, judgements: Iterable[TraceFeedback], project: ProjectShape) -> tuple[ExchangeSignal, ...]:
    """What people said of the trace with this key: thumbs, corrections and comments."""
    return tuple(
        signal for given in judgements if given.source is FeedbackSource.PERSON for signal in _signals(given, project)
    )


def unread_judgements(judgements: Iterable[TraceFeedback], project: ProjectShape) -> list[dict[str, Any]]:
    """The judges' verdicts that no label stands for."""
    return [
        {"name": given.name, "value": given.value, "number": given.number}
        for given in judgements
        if given.source is FeedbackSource.JUDGE and _verdict(given, project) is None
    ]


def _verdict(given: TraceFeedback, project: ProjectShape) -> ExchangePrediction | None:
    version = shorten(given.name, LONGEST_VERSION)
    extra: Mapping[str, Any] = {"comment": given.comment} if given.comment else {}
    if (label := _label(given.value, project)) is not None:
        return ExchangePrediction(label, version, at=given.at, extra=extra)
    share = _share(given.value if given.number is None else given.number)
    other = [value for value in project.values() if value != project.positive]
    if share is None or len(other) != 1 or len(project.labels) != 2:
        return None
    scores = {project.positive: share, other[0]: 1 - share}
    return ExchangePrediction(max(scores, key=scores.__getitem__), version, scores=scores, at=given.at, extra=extra)


def _signals(given: TraceFeedback, project: ProjectShape) -> Iterable[ExchangeSignal]:
    plain = given.value if given.value is not None else given.number
    wanted = given.correction if given.correction is not None else plain
    label, thumb = _label(wanted, project), _thumb(given.value) or _thumb(given.number)
    said: list[str] = []
    if label is not None:
        yield _signal(given, "correction", label)
    elif given.correction is None and thumb is not None:
        yield _signal(given, thumb, None)
    elif wanted not in NO_NUMBER:
        said.append(f"{given.name}: {wanted}")
    if given.comment:
        said.append(given.comment)
    if said:
        yield _signal(given, "comment", shorten("\n".join(said), LONGEST_COMMENT), part=":comment")


def _signal(given: TraceFeedback, kind: str, value: Any, *, part: str = "") -> ExchangeSignal:
    actor = shorten(given.actor, LONGEST_KEY) if given.actor else None
    return ExchangeSignal(shorten(given.id, LONGEST_KEY - len(part)) + part, kind, value, given.at, actor)


def _label(value: Any, project: ProjectShape) -> str | None:
    """The label that a value names, itself or as the only text of an object."""
    if isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) and value in project.values() else None


def _thumb(value: Any) -> str | None:
    """Thumbs are true and false, 1 and 0 or −1, or their names."""
    text = str(value).strip().lower().replace("-", "_")
    if text in ("true", "1", "1.0", "thumbs_up", "positive", "👍"):
        return "thumbs_up"
    return "thumbs_down" if text in ("false", "0", "0.0", "_1", "_1.0", "thumbs_down", "negative", "👎") else None


def _share(value: Any) -> float | None:
    """A truth value or a number from 0 to 1."""
    if isinstance(value, str):
        return {"true": 1.0, "false": 0.0}.get(value.lower())
    return float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None
