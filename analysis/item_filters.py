"""The filters of a list of items: an allow-list, the same for the page and the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from analysis.windows import WINDOWS
from annotation import kinds, versions
from annotation.models import cause_titles
from annotation.signals import kinds as signals
from projects import paging
from projects.models import Project
from validation import InvalidInput

REVEALING = ("truth", "says", "disagree", "suspected", "cause", "queue", "signal", "actor")
"""Filters by which the items that pass tell what a model or a person said of them, or that the audit drew them."""
ANSWERS = ("says", "truth")
"""Filters by a value of the project's task."""
STATES = {
    "resolved": "resolved",
    "waiting": "waiting for a person",
    "review": "in review",
    "no_label": "no label fits",
    "open": "may still be asked",
}


class BadFilter(InvalidInput):
    """A filter whose value is not on its list; the message names what it takes."""


@dataclass(frozen=True)
class Filters:
    """The view's state. Empty is no filter. `judges` limits to items that may judge that version.

    `served` limits to items that count in the history of what was served, and shows what was served then.
    """

    state: str = ""
    cause: str = ""
    queue: str = ""
    truth: str = ""
    says: str = ""
    disagree: str = ""
    version: str = ""
    judges: str = ""
    segment: str = ""
    suspected: str = ""
    commented: str = ""
    signal: str = ""
    actor: str = ""
    violation: str = ""
    resolved: str = ""
    q: str = ""
    window: str = ""
    since: str = ""
    until: str = ""
    served: str = ""

    def active(self) -> list[tuple[str, str]]:
        """Name and value of each filter that is set."""
        return [(field.name, value) for field in fields(self) if (value := getattr(self, field.name))]

    def query(self, **changes: str) -> str:
        """The filters as a query string."""
        return urlencode({name: value for name, value in (dict(self.active()) | changes).items() if value})


NAMES = {
    "state": "State",
    "cause": "Cause",
    "queue": "Queue",
    "truth": "Resolved as",
    "says": "Model says",
    "disagree": "Model and label differ",
    "version": "Version",
    "judges": "Counted for",
    "segment": "Segment",
    "suspected": "Suspected label",
    "commented": "With a comment",
    "signal": "With a signal",
    "actor": "Signal given by",
    "violation": "Breaks the contract in",
    "resolved": "Labelled",
    "q": "Text",
    "window": "Captured in the last days",
    "since": "From",
    "until": "Until",
    "served": "As served then",
}


def filter_values(project: Project) -> Mapping[str, Any]:
    """The values that the filters ANSWERS take, each under its text in an address; none where the kind has no list."""
    return kinds.of(project.kind).filter_values(project.schema().labels)


def parse_filters(given: Mapping[str, str], project: Project) -> Filters:
    """The filters of a query string; what is not on the list of names is passed over. Raises BadFilter."""
    wanted = {field.name: str(given.get(field.name, ""))[:200].replace("\x00", "") for field in fields(Filters)}
    values = filter_values(project)
    for name in ANSWERS:
        if wanted[name] and not values:
            raise BadFilter(f"{NAMES[name]} is no filter here: answers of this task are not on a list.")
    allowed: dict[str, Iterable[str]] = {
        "state": STATES,
        "cause": cause_titles(),
        **dict.fromkeys(ANSWERS, values),
        "disagree": ["yes"],
        "suspected": ["yes"],
        "commented": ["yes"],
        "signal": signals.names(),
        "resolved": ["yes", "no"],
        "window": WINDOWS,
        "served": ["yes"],
    }
    for name, choices in allowed.items():
        if wanted[name] and wanted[name] not in choices:
            shown = ", ".join(list(choices)[:12])
            raise BadFilter(f"{NAMES[name]} is {wanted[name][:40]!r}; it takes {shown}.")
    if wanted["segment"] and "=" not in wanted["segment"]:
        raise BadFilter("Segment takes name=value, such as channel=app.")
    for name in ("since", "until"):
        if wanted[name]:
            parse_moment(name, wanted[name])
    if wanted["version"] or wanted["judges"]:
        _check_versions(versions.load(project), wanted["version"], wanted["judges"])
    return Filters(**wanted)


def parse_moment(name: str, given: str) -> datetime:
    """The moment that an address names. Raises BadFilter."""
    found: datetime | None
    try:
        found = datetime.fromisoformat(given)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or not paging.FIRST_YEAR <= found.year < paging.LAST_YEAR:
        raise BadFilter(f"{NAMES[name]} is {given[:40]!r}; it takes a time such as 2026-11-27T14:05:00Z.")
    return found


def _check_versions(known: versions.Versions, *asked: str) -> None:
    try:
        for tag in asked:
            known.chosen(tag)
    except versions.UnknownVersion as why:
        raise BadFilter(str(why)) from None
