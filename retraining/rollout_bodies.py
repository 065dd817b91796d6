"""Stored looks at the guardrails of a canary."""

from typing import Any

import msgspec
from msgspec import Struct


class RuleLook(Struct, frozen=True):
    """One rule at one look: rates as counts, the difference with its limits, what is allowed; value None: no units."""

    rule: str
    limit: float
    canary: int
    champion: int
    canary_events: int
    champion_events: int
    value: float | None
    low: float
    high: float
    state: str


class RatioLook(Struct, frozen=True):
    """Units in the canary's arm and as planned."""

    canary: int
    expected: float
    units: int
    held: bool


class LookBody(Struct, frozen=True):
    rules: tuple[RuleLook, ...]
    ratio: RatioLook


def load_look(stored: Any) -> LookBody:
    return msgspec.convert(stored, LookBody)
