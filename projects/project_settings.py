"""The settings of a project: one typed definition of each, with its limits and defaults.

What a spec, the console or a page gives, and what the database holds, becomes one of these structs in `parse`, or a
sentence that names the field and what it takes.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Protocol, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

from validation import InvalidInput

AnySettings = TypeVar("AnySettings", bound="Settings")
LONGEST_SHOWN = 60
LABEL_SLICE = "label"  # label=fraud is the slice of items that truly are fraud; any other name is a segment's


class BadSpec(InvalidInput):
    """Settings that cannot be used; the message names the field and what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the settings; the description of a field says in words what it takes."""

    def validate(self, name: str) -> None:
        """Raise BadSpec where a value cannot be used, though its type fits; `name` is the object's."""


class RoutingSettings(Settings, frozen=True, kw_only=True):
    """How many items may wait for people, how many a round asks about, which share is drawn at random, and what signals
    may do.

    label_signals_above, label_signals_after: a signal becomes a label where the lower 95 % limit of how often its actor
    is right is above the one, and as many audited items as the other say how often its kind is; 1 is never.
    """

    batch: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            title="Items of one round",
            description="a whole number from 1 to 100,000",
            extra={"help": "A round of routing asks about at most so many, more only where people answer faster."},
        ),
    ] = 100
    waiting: Annotated[
        int,
        Meta(
            ge=0,
            le=1_000_000,
            title="Items that should wait",
            description="a whole number from 0 to 1,000,000",
            extra={"help": "A round begins when fewer than half of them wait. 0 switches routing off."},
        ),
    ] = 100
    audit_share: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            title="Share drawn at random",
            description="a number above 0 and at most 1, for it is never zero",
            extra={"help": "The audit: what live figures rest on. More gives narrower intervals, less more training."},
        ),
    ] = 0.2
    show_reasons: Annotated[
        bool,
        Meta(
            title="Annotators see why an item is asked",
            description="true or false: whether annotators see why each item is asked",
            extra={"help": "Never for items that a model is measured on."},
        ),
    ] = False
    label_signals_above: Annotated[
        float,
        Meta(
            ge=0.5,
            le=1,
            title="Signals label above",
            description="a number from 0.5 to 1, the lower limit of being right; 1 is never",
            extra={"help": "The lower limit of how often an actor is right. Every other signal asks a person."},
        ),
    ] = 0.95
    label_signals_after: Annotated[
        int,
        Meta(
            ge=10,
            le=1_000_000,
            title="Audited items before signals label",
            description="a whole number of audited items from 10 to 1,000,000",
            extra={"help": "So many audit items must say how often a kind of signal is right."},
        ),
    ] = 100


class RetrainingSettings(Settings, frozen=True, kw_only=True):
    """How long no run begins by itself after another, and whether what passes the gate is promoted by itself.

    gate: whose labels open the gate where something serves: those of audit items, or those of items on which the two
    versions differ. One of them alone, so that its error rate is that of the gate.

    Trigger rules and trainers add their own fields to the same object (`extend`).
    """

    cooldown_minutes: Annotated[
        float,
        Meta(
            ge=0,
            le=525_600,
            title="Pause between runs, minutes",
            description="a number from 0 to 525,600, a year",
            extra={"help": "No run begins by itself sooner after one has ended. A person may start one at any time."},
        ),
    ] = 5
    promote: Annotated[
        Literal["ask", "by_gate"],
        Meta(
            title="Who promotes a version",
            description="ask or by_gate",
            extra={"choices": {"ask": "A person decides", "by_gate": "What passes the gate is promoted by itself"}},
        ),
    ] = "ask"
    gate: Annotated[
        Literal["audit", "disagreement"],
        Meta(
            title="Labels that open the gate",
            description="audit or disagreement",
            extra={
                "help": "Where something serves already. One test alone, so that its error rate is that of the gate.",
                "choices": {
                    "audit": "Those of items drawn at random",
                    "disagreement": "Those of items on which the two versions differ",
                },
            },
        ),
    ] = "audit"
    protected: Annotated[
        list[Annotated[str, Meta(pattern="^[^=]+=.+$", max_length=400)]],
        Meta(
            max_length=20,
            title="Protected slices",
            description="at most 20 slices such as channel=app or label=fraud",
            extra={"help": "No version is promoted that is worse in one of them beyond its margin. One a line."},
        ),
    ] = []

    @property
    def cooldown(self) -> timedelta:
        """How long no run begins by itself after one has ended."""
        return timedelta(minutes=self.cooldown_minutes)

    @property
    def by_gate(self) -> bool:
        """Whether a version that passes the gate is promoted by itself."""
        return self.promote == "by_gate"

    @property
    def by_disagreement(self) -> bool:
        """Whether labels where two versions differ open the gate to what would replace the one that serves."""
        return self.gate == "disagreement"


Cost = Annotated[float, Meta(ge=0, le=1e12, description="a number from 0 to 1e12")]


class CostSettings(Settings, frozen=True, kw_only=True):
    """What a decision about the positive label costs, in any one unit; a right decision costs nothing."""

    false_positive: Annotated[Cost, Meta(title="A false alarm", extra={"help": "The label was given, wrongly."})] = 1
    false_negative: Annotated[Cost, Meta(title="A miss", extra={"help": "The label was due and not given."})] = 1
    review: Annotated[
        Cost | None,
        Meta(
            title="A decision by a person",
            extra={"help": "Empty: no band of scores is handed to people on Performance."},
        ),
    ] = None


_extensions: dict[type[Settings], list[type[Settings]]] = {}


def extend(base: type[Settings], kind: type[Settings]) -> None:
    """Let the JSON object of `base` take the fields of `kind` too. Raises ValueError where a field is taken."""
    if taken := set(_fields(base)) & set(get_type_hints(kind)):
        raise ValueError(f"The settings {sorted(taken)} are taken already.")
    _extensions.setdefault(base, []).append(kind)


def withdraw(base: type[Settings], kind: type[Settings]) -> None:
    """Undo `extend`, as tests do that added a kind."""
    _extensions[base].remove(kind)
    if not _extensions[base]:
        del _extensions[base]


def kinds_of(kind: type[Settings]) -> list[type[Settings]]:
    """All kinds whose fields stand in the same JSON object as this one's, the base first."""
    base = next((base for base, added in _extensions.items() if kind in added), kind)
    return [base, *_extensions.get(base, [])]


def _fields(kind: type[Settings]) -> dict[str, Any]:
    """Type of each field that the JSON object of this kind takes."""
    return {name: hint for one in kinds_of(kind) for name, hint in get_type_hints(one, include_extras=True).items()}


def parse(kind: type[AnySettings], name: str, given: Any) -> AnySettings:
    """The settings that a JSON object holds, with defaults for what it leaves out. Raises BadSpec.

    All of the object is checked, also what belongs to another kind.
    """
    fields = _fields(kind)
    if not isinstance(given, dict):
        raise BadSpec(f"{name} is {shown(given)}; it takes an object with some of {', '.join(fields)}.")
    if unknown := sorted(set(map(str, given)) - set(fields)):
        raise BadSpec(f"{name} takes {', '.join(fields)}; it does not take {unknown[0]}.")
    values = {field: _converted(f"{name}.{field}", value, fields[field]) for field, value in given.items()}
    for one in kinds_of(kind):
        _made(one, values).validate(name)
    return _made(kind, values)


def _made(kind: type[AnySettings], values: dict[str, Any]) -> AnySettings:
    return kind(**{field: values[field] for field in get_type_hints(kind) if field in values})


def _converted(name: str, value: Any, wanted: Any) -> Any:
    try:
        number = msgspec.convert(value, wanted)
    except (msgspec.ValidationError, OverflowError):
        raise BadSpec(f"{name} is {shown(value)}; it takes {_words(wanted)}.") from None
    if number != number:  # NaN passes every limit
        raise BadSpec(f"{name} is {shown(value)}; it takes {_words(wanted)}.")
    return number


def _words(wanted: Any) -> str:
    """The description in a field's type, that of an optional one included."""
    described = [one.description for one in getattr(wanted, "__metadata__", ()) if one.description]
    return str(described[0]) if described else _words(wanted.__args__[0])


def shown(value: Any) -> str:
    """A value as a sentence can hold it."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


class NamesLabels(Protocol):
    """What holds settings that speak of labels: a spec, or a project's row."""

    @property
    def costs(self) -> Any: ...
    @property
    def retraining(self) -> Any: ...
    @property
    def positive(self) -> str: ...
    @property
    def safe_default(self) -> str: ...


def check_labels_named(settings: NamesLabels, labels: Sequence[str], segments: Sequence[str]) -> None:
    """Labels and segments that settings speak of are the project's; costs say what a mistake about `positive` costs."""
    for field in ("positive", "safe_default"):
        value = getattr(settings, field)
        if value and value not in labels:
            raise BadSpec(f"{field} is {shown(value)}, which is not one of the labels.")
    if settings.costs and not settings.positive:
        raise BadSpec("costs need positive beside them: the label that a false positive takes an item for.")
    for slice_ in parse(RetrainingSettings, "retraining", settings.retraining).protected:
        name, _, value = slice_.partition("=")
        if name == LABEL_SLICE and value not in labels:
            raise BadSpec(f"retraining.protected has {shown(slice_)}, and {shown(value)} is not one of the labels.")
        if name != LABEL_SLICE and segments and name not in segments:
            raise BadSpec(f"retraining.protected has {shown(slice_)}, and {name} is not one of the segments.")


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """The value, where it is a whole number in the limits."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise BadSpec(f"{name} is {shown(value)}; it takes a whole number from {least:,} to {most:,}.")
    return value
