"""The windows of time that reports are computed for and views look back on, by their name in addresses."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from validation import InvalidInput

ALL = "all"
WINDOWS = {ALL: 0, "28": 28, "7": 7, "1": 1}  # days; 0 is all time
WORDS = {ALL: "all time", "28": "last 28 days", "7": "last 7 days", "1": "last day"}


class UnknownWindow(InvalidInput):
    """An address that names no window; the message names those that there are."""


def window_days(name: str) -> int:
    """Days that the window looks back on, 0 for all time; "" is all time as well. Raises UnknownWindow."""
    if (name or ALL) not in WINDOWS:
        raise UnknownWindow(f"window is {name[:20]!r}; it takes {listed(WINDOWS)}.")
    return WINDOWS[name or ALL]


def window_start(name: str, at: datetime) -> datetime | None:
    """When the window began, None for all time."""
    days = window_days(name)
    return at - timedelta(days=days) if days else None


def listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"
