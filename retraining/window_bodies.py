"""The stored window of traffic that two versions answered, with the draw of their disagreements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from retraining.bodies import Body, load_body


class DrawnBody(Body, frozen=True, kw_only=True):
    """One disagreement in the order of its draw: both answers, and which protected slices it is of."""

    item: int
    champion: str
    candidate: str
    slices: list[str] = []


class MistakeCosts(Body, frozen=True, kw_only=True):
    """What mistakes about the positive label cost when the draw was made; not both 0."""

    positive: str
    false_positive: float
    false_negative: float

    @property
    def dearest(self) -> float:
        return max(self.false_positive, self.false_negative)


class WindowBody(Body, frozen=True, kw_only=True):
    """Traffic that two versions answered: distinct rows, how many they differ on, the same of each protected slice.

    `drawn`: the first disagreements in the order of their draw. `learnt`: items left out because a version learnt from
    them or from a copy; `copies`: those left out because they repeat another row. `limited`: whether there was more
    traffic than is looked at. `costs`: as they were when the draw was made, for the test may not change with its
    labels. The lists of ids name the items behind the counts: the disagreements that were not drawn, what both say
    alike, and what was left out; they are None in a window that was stored without them.
    """

    version: Literal[1] = 1
    rows: int
    disagreements: int
    slices: dict[str, tuple[int, int]]
    drawn: list[DrawnBody]
    learnt: int
    copies: int
    not_asked: list[str] = []
    limited: bool = False
    costs: MistakeCosts | None = None
    not_drawn_ids: list[int] | None = None
    alike_ids: list[int] | None = None
    learnt_ids: list[int] | None = None
    copy_ids: list[int] | None = None


def load_window(stored: Mapping[str, Any]) -> WindowBody:
    """Raises UnknownBody."""
    return load_body(stored, WindowBody, dict)
