"""What all kinds answer with."""

from dataclasses import dataclass
from typing import Any, Literal

Rule = Literal["single", "unanimous", "majority"]


class BadValue(ValueError):
    """A value that this task does not take; the message says what it takes."""


@dataclass(frozen=True)
class Verdict:
    """A settled value, the rule that settled it, and the share of the votes that agree with it."""

    value: Any
    rule: Rule
    quality: float
