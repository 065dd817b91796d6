"""What a service did with a prediction: its stage, how long it took, and the decision taken."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from annotation.batches import printable

LONGEST_WORD = 40
LONGEST_ENTITY = 200
LONGEST_LATENCY = 1e9  # milliseconds, about eleven days
A_WORD = f"a text of 1 to {LONGEST_WORD} printable characters"

Stage = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_WORD, description=f"champion, canary or what you call it; {A_WORD}")
]
TakenDecision = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_WORD, description=f"what was done, such as approve or review; {A_WORD}")
]
Latency = Annotated[float, Meta(ge=0, le=LONGEST_LATENCY, description="milliseconds that the answer took")]

Entity = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_ENTITY,
        description=f"whom or what is decided about, such as a customer; 1 to {LONGEST_ENTITY} printable characters",
    ),
]


class Decided(NamedTuple):
    """The same as it is stored; what is not known is "" or None."""

    stage: str = ""
    latency_ms: float | None = None
    decision: str = ""
    entity: str = ""


UNKNOWN = Decided()


def check_decided(row: Any) -> Decided:
    """What the row says of it. Raises BadRow."""
    if row.stage is None and row.latency_ms is None and row.decision is None and row.entity is None:
        return UNKNOWN
    return Decided(
        printable("stage", row.stage),
        row.latency_ms,
        printable("decision", row.decision),
        printable("entity", row.entity),
    )


def decided_columns(decided: Sequence[Decided]) -> Mapping[str, list[Any]]:
    """Columns of predictions; none where nobody says anything, so that other batches carry no more than before."""
    if all(one is UNKNOWN for one in decided):
        return {}
    columns = {name: [getattr(one, name) for one in decided] for name in Decided._fields}
    if not any(columns["entity"]):
        del columns["entity"]
    return columns
