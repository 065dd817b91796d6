"""Stored records of a run: its stages and the evidence that began it, typed and versioned like the other bodies."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

from retraining.bodies import Body, UnknownBody

Figure = str | int | float | bool | None
Record = TypeVar("Record")


class StageEntry(Body, frozen=True, kw_only=True):
    """When an attempt of the run's job came to a stage."""

    stage: str
    attempt: int
    at: datetime


class StagesBody(Body, frozen=True, kw_only=True):
    """What a run did when, in order, by all of its attempts."""

    version: Literal[2] = 2
    entries: tuple[StageEntry, ...] = ()


class TriggerEvidence(Body, frozen=True, kw_only=True):
    """Why a run began, or did not: `code` names the answer, `figures` are the rule's own, `last_run` its number."""

    version: Literal[2] = 2
    code: str = ""
    figures: Mapping[str, Figure] = msgspec.field(default_factory=dict)
    last_run: int | None = None


def dump(record: StagesBody | TriggerEvidence) -> dict[str, Any]:
    """The record as JSON holds it."""
    stored: dict[str, Any] = msgspec.to_builtins(record)
    return stored


def load_stages(stored: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> StagesBody:
    """Raises UnknownBody. Version 1 was the list of entries."""
    return _convert(stored if isinstance(stored, Mapping) else {"version": 2, "entries": stored}, StagesBody)


def load_evidence(stored: Mapping[str, Any]) -> TriggerEvidence:
    """Raises UnknownBody. Version 1 had the figures beside the code; a run that a person began had none or a code."""
    if "version" in stored:
        return _convert(stored, TriggerEvidence)
    figures = {name: value for name, value in stored.items() if name not in ("code", "last_run")}
    known = {name: stored[name] for name in ("code", "last_run") if name in stored}
    return _convert({"version": 2, "figures": figures, **known}, TriggerEvidence)


def _convert(stored: Mapping[str, Any], kind: type[Record]) -> Record:
    try:
        return msgspec.convert(stored, kind)
    except msgspec.ValidationError:
        raise UnknownBody("It was stored in a form that this version of Plumbline cannot load.") from None
