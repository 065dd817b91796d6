"""Simulated people who answer with the file's label, or with another one at their rate of errors."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotation.sampling.design.poisson import draw_numbers


@dataclass(frozen=True)
class SimulatedPeople:
    """People of one accuracy, whose errors are independent and fall on every other class alike.

    What a person says of an item depends on the two alone: the same in every run, whatever is asked before it.
    """

    accuracy: float
    classes: Sequence[str]

    def label_of(self, person: str, key: str, truth: str) -> str:
        """The label that this person gives the item of this key."""
        others = [value for value in self.classes if value != truth]
        right, which = draw_numbers(f"backtest {person}".encode(), [key])[0]
        return truth if right < self.accuracy or not others else others[int(which * len(others))]
