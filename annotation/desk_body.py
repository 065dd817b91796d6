"""Bodies of the desk's calls: what its script sends, each as one struct, which checks it and says what does not fit."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct

from projects.json_body import BadBody, decode_object
from validation import InvalidInput
from validation.json_values import is_storable_text
from validation.structs import to_struct

MOST_HELD = 50  # leases of one desk
MOST_ANSWERS = 50  # in one call

AnyBody = TypeVar("AnyBody", bound=Struct)
Tokens = Annotated[list[str], Meta(max_length=MOST_HELD, description=f"a list of at most {MOST_HELD} texts")]


class DeskClaim(Struct, forbid_unknown_fields=True):
    """More items for a desk that has `have`; `resume`, at the start of a sitting, is what it held before."""

    count: Annotated[int, Meta(ge=1, le=MOST_HELD, description=f"a whole number from 1 to {MOST_HELD}")]
    have: Annotated[int, Meta(ge=0, le=MOST_HELD, description=f"a whole number from 0 to {MOST_HELD}")] = 0
    queue: Annotated[str, Meta(description="the slug of one queue")] | None = None
    resume: Tokens | None = None


class DeskAnswers(Struct, forbid_unknown_fields=True):
    """Answers, undoings and corrections, in the order in which the person made them."""

    answers: Annotated[
        list[Any], Meta(max_length=MOST_ANSWERS, description=f"a list of at most {MOST_ANSWERS} answers")
    ]


class DeskAnswer(Struct, forbid_unknown_fields=True):
    """One act about one lease; what an answer consists of is checked where labels are (`annotation.labels`)."""

    op: Annotated[Literal["submit", "undo", "revise"], Meta(description="submit, undo or revise")]
    lease: Annotated[str, Meta(max_length=100, description="the token of a lease")]
    value: Any = None
    also: Any = None
    skip: Any = None
    flagged: Any = None
    comment: Any = None
    seconds: Any = None

    def sent_parts(self) -> dict[str, Any]:
        """The parts of the answer that were sent."""
        parts = {name: getattr(self, name) for name in ("value", "also", "skip", "flagged", "comment", "seconds")}
        return {name: part for name, part in parts.items() if part is not None}


class DeskBeat(Struct, forbid_unknown_fields=True):
    """What the desk still holds."""

    tokens: Tokens | None = None


class DeskBack(Struct, forbid_unknown_fields=True):
    """What a desk gives back that closes, by the moment `at` of its browser's clock."""

    tokens: Tokens | None = None
    at: str | None = None


def parse_body(body: bytes, kind: type[AnyBody]) -> AnyBody:
    """The body's one JSON object. Raises BadBody: 400 for what is not JSON, 422 for what does not fit."""
    return to_body(decode_object(body), kind)


def to_body(value: Any, kind: type[AnyBody]) -> AnyBody:
    """The struct of decoded JSON. Raises BadBody."""
    try:
        return to_struct(value, kind, noun="body")
    except InvalidInput as why:
        raise BadBody(str(why), 422, why.field) from None


def storable(tokens: list[str] | None) -> list[str]:
    """Those that a database can be asked for; an absent list is empty."""
    return [token for token in tokens or [] if is_storable_text(token)]


def moment(value: str | None, name: str) -> datetime | None:
    """A time with its offset, as the browser's clock gives it; None where it is absent. Raises BadBody."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None and 1970 < found.year < 9000:
            return found
    except ValueError:
        pass
    raise BadBody(f"`{name}` takes a time as RFC 3339 writes it, such as 2026-03-01T00:00:00+01:00.", 422)
