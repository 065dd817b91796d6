"""Words about votes that do not agree."""

from collections import Counter
from collections.abc import Iterable


def why_disputed(n: int, tally: Counter[str], *, differ: bool) -> str:
    """Why an item with n votes is in dispute; `tally` counts their answers in words."""
    people = {1: "one person", 2: "two people", 3: "three people"}.get(n, f"{n} people")
    if not differ:
        return f"flagged by {people} who answered {next(iter(tally))}"
    return f"{people} disagreed: {separator_of(tally).join(tally)}"


def separator_of(words: Iterable[str]) -> str:
    """What stands between answers in words: a semicolon where one of them has commas itself."""
    return "; " if any(", " in each for each in words) else ", "
