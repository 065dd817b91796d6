"""The filters of a list of items: an allow-list, the same for the page and the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from analysis import item_conditions, side_conditions
from analysis.item_conditions import BadCondition
from analysis.windows import WINDOWS
from annotation import kinds, side_answers, versions
from annotation.models import Item, cause_titles
from annotation.signals import kinds as signals
from projects.models import Project
from validation import InvalidInput

REVEALING = (
    "truth",
    "also",
    "says",
    "confidence",
    "margin",
    "scores",
    "disagree",
    "suspected",
    "cause",
    "queue",
    "signal",
    "actor",
    "drawn",
    "tag",
)
"""Filters by which the items that pass tell what a model or a person said of them, or that the audit drew them."""
MANY = ("input", "scores", "tag")
"""Filters of which a view may have several; an item has to pass all of them."""
MOST_OF_ONE = 20
OF_A_LIST = ("sort", "columns", "column", "layout", "next", "previous")
"""What an address of Items has beside its filters: how they are shown."""
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
    confidence: str = ""
    margin: str = ""
    scores: tuple[str, ...] = ()
    disagree: str = ""
    version: str = ""
    judges: str = ""
    segment: str = ""
    input: tuple[str, ...] = ()
    suspected: str = ""
    commented: str = ""
    signal: str = ""
    actor: str = ""
    violation: str = ""
    tag: tuple[str, ...] = ()
    resolved: str = ""
    q: str = ""
    similar: str = ""
    window: str = ""
    since: str = ""
    until: str = ""
    served: str = ""
    drawn: str = ""
    also: tuple[str, ...] = ()

    def active(self) -> list[tuple[str, str]]:
        """Name and value of each filter that is set, as an address has them."""
        beside = [
            (f"{side_conditions.PREFIX}{name}", value) for name, _, value in (one.partition("=") for one in self.also)
        ]
        others = (field.name for field in fields(self) if field.name != "also")
        return [(name, value) for name in others for value in _values(getattr(self, name))] + beside

    def query(self, **changes: str) -> str:
        """The filters as a query string."""
        kept = [(name, value) for name, value in self.active() if name not in changes]
        return urlencode(kept + [(name, value) for name, value in changes.items() if value])

    def without(self, name: str, value: str) -> "Filters":
        """The filters but for this one."""
        if name.startswith(side_conditions.PREFIX):
            text = f"{name.removeprefix(side_conditions.PREFIX)}={value}"
            return replace(self, also=tuple(one for one in self.also if one != text))
        given = getattr(self, name)
        rest: Any = tuple(one for one in given if one != value) if isinstance(given, tuple) else ""
        return replace(self, **{name: rest})

    @property
    def reveal(self) -> bool:
        """Whether the items that pass tell what was said of them."""
        return any(getattr(self, name) for name in REVEALING)


def _values(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return given if isinstance(given, tuple) else (given,) * bool(given)


NAMES = {
    "state": "State",
    "cause": "Cause",
    "queue": "Queue",
    "truth": "Resolved as",
    "says": "Model says",
    "confidence": "Score",
    "margin": "Margin",
    "scores": "Score of",
    "disagree": "Model and label differ",
    "version": "Version",
    "judges": "Counted for",
    "segment": "Segment",
    "input": "Input",
    "suspected": "Suspected label",
    "commented": "With a comment",
    "signal": "With a signal",
    "actor": "Signal given by",
    "violation": "Breaks the contract in",
    "tag": "Tag",
    "resolved": "Labelled",
    "q": "Text",
    "similar": "Similar to",
    "window": "Captured in the last days",
    "since": "From",
    "until": "Until",
    "served": "As served then",
    "drawn": "Drawn by the audit",
}


def filter_values(project: Project) -> Mapping[str, Any]:
    """The values that the filters ANSWERS take, each under its text in an address; none where the kind has no list."""
    return kinds.of_project(project).filter_values(project.schema().labels)


def parse_filters(given: Mapping[str, str], project: Project) -> Filters:
    """The filters of a query string; what is not on the list of names is passed over. Raises BadFilter."""
    wanted: dict[str, Any] = {name: _filter_value(given, name) for name in NAMES}
    wanted["also"] = _side_filters(given, project)
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
        "drawn": ["yes"],
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
    if wanted["similar"] and not Item.objects.filter(project=project, uid=wanted["similar"]).exists():
        raise BadFilter(f"Similar to is {wanted['similar'][:40]!r}; it takes the id of an item of this project.")
    _check_conditions(project, Filters(**wanted))
    if wanted["version"] or wanted["judges"]:
        _check_versions(versions.load(project), wanted["version"], wanted["judges"])
    return Filters(**wanted)


def parse_address(query: str, project: Project) -> Filters:
    """The filters of an address that a person wrote. Raises BadFilter, also for a name that is none of Items."""
    given = QueryDict(query.strip().lstrip("?"))
    for name in given:
        if name not in NAMES and name not in OF_A_LIST and not name.startswith(side_conditions.PREFIX):
            raise BadFilter(f"{name[:40]!r} is not a filter; there are {', '.join(NAMES)}.")
    return parse_filters(given, project)


def _side_filters(given: Mapping[str, str], project: Project) -> tuple[str, ...]:
    try:
        return side_conditions.parse_side_filters(given, project)
    except BadCondition as why:
        raise BadFilter(str(why)) from None


def title_of_filter(project: Project, name: str) -> str:
    """What a person reads of a filter's name."""
    if not name.startswith(side_conditions.PREFIX):
        return NAMES[name]
    asked = name.removeprefix(side_conditions.PREFIX)
    return next(one.words for one in side_answers.of_project(project) if one.name == asked)


def _filter_value(given: Any, name: str) -> str | tuple[str, ...]:
    """What an address says of one filter, cut and without what no database takes."""
    if name not in MANY:
        return _clean(given.get(name, ""))
    values = given.getlist(name) if hasattr(given, "getlist") else [given.get(name, "")]
    if len(values) > MOST_OF_ONE:
        raise BadFilter(f"{NAMES[name]} stands {len(values):,} times in this address; at most {MOST_OF_ONE} are taken.")
    return tuple(dict.fromkeys(filter(None, map(_clean, values))))


def _clean(value: Any) -> str:
    return str(value)[:200].replace("\x00", "")


def parse_moment(name: str, given: str) -> datetime:
    """The moment that an address names. Raises BadFilter."""
    try:
        return item_conditions.parse_moment(given)
    except BadCondition:
        raise BadFilter(f"{NAMES[name]} is {given[:40]!r}; it takes a time such as 2026-11-27T14:05:00Z.") from None


def class_range(project: Project, text: str) -> tuple[str, item_conditions.Range]:
    """The class and the range of "label:0.2..0.8". Raises BadFilter."""
    label, _, wanted = text.rpartition(":")
    if label not in kinds.class_names(project):
        raise BadFilter(f"Score of is {text[:40]!r}; it takes a label with a range, such as label:0.2..0.8.")
    return label, item_conditions.parse_range(wanted)


def _check_conditions(project: Project, filters: Filters) -> None:
    """Refuse what cannot be read. Raises BadFilter."""
    types = project.contract().types() if filters.input else {}
    try:
        for text in filters.input:
            item_conditions.input_condition(text, types)
        for text in filters.scores:
            class_range(project, text)
    except BadCondition as why:
        raise BadFilter(str(why)) from None
    for name in ("confidence", "margin"):
        if getattr(filters, name):
            try:
                item_conditions.parse_range(getattr(filters, name))
            except BadCondition as why:
                raise BadFilter(f"{NAMES[name]}: {why}") from None


def _check_versions(known: versions.Versions, *asked: str) -> None:
    try:
        for tag in asked:
            known.chosen(tag)
    except versions.UnknownVersion as why:
        raise BadFilter(str(why)) from None
