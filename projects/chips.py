"""Chips: the state of a view as the bar above every page shows it, each part with where a click leads."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChipOption:
    """One value that a chip can take."""

    value: str
    url: str
    note: str = ""
    current: bool = False


@dataclass(frozen=True)
class Chip:
    """One part of the view's state: name, value, and where a click leads; an active one is cleared by it.

    With `options` a click opens the list of them instead.
    """

    name: str
    value: str
    url: str = ""
    active: bool = False
    options: tuple[ChipOption, ...] = ()
