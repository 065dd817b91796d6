"""What every exchange format reads and writes: one item with all that is known of it, and the project's shape. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inputs.files.delimited import Dialect
from validation import InvalidInput

Extra = Mapping[str, Any]  # keys that only the other tool knows, written back as they came


NO_COLUMN = " "  # as a column's name: the file has no such part, whatever its columns are called


class UnusableFile(InvalidInput):
    """A file that cannot be read on, or a project that a format cannot carry; the message is one sentence."""


@dataclass(frozen=True)
class ExchangePrediction:
    """What one version said. `score`: how sure the other tool calls it, in its own unit, kept and never computed on."""

    value: Any = None
    model_version: str = ""
    threshold_version: str = ""
    policy_version: str = ""
    scores: Mapping[str, float] | None = None
    score: Any = None
    at: str | None = None
    extra: Extra = field(default_factory=dict)


@dataclass(frozen=True)
class ExchangeLabel:
    """What one person said, `also` of side questions. `gold`: the other tool calls it the truth."""

    value: Any = None
    annotator: str = ""
    skipped: bool = False
    gold: bool = False
    seconds: float | None = None
    comment: str = ""
    at: str | None = None
    extra: Extra = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExchangeSignal:
    """What came back about a prediction, as `POST …/signals` takes it."""

    id: str
    kind: str
    value: Any = None
    at: str | None = None
    actor: str | None = None


@dataclass(frozen=True)
class ExchangeRow:
    """One item. `known`: its agreed value, where the file states one apart from the labels of people.

    `also`: its agreed side answers, by question.
    """

    key: str
    inputs: Mapping[str, Any]
    predictions: tuple[ExchangePrediction, ...] = ()
    labels: tuple[ExchangeLabel, ...] = ()
    signals: tuple[ExchangeSignal, ...] = ()
    known: Any = None
    at: str | None = None
    segment: Mapping[str, Any] = field(default_factory=dict)
    extra: Extra = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)

    @property
    def agreed_beside(self) -> Mapping[str, Any]:
        """The agreed side answers, or where none is stated what every person said who gave the agreed value."""
        return self.also or side_answers_of_all([label for label in self.labels if label.value == self.agreed])

    @property
    def agreed(self) -> Any:
        """The agreed value, or what every person said who said something; None where they differ."""
        return said_by_all(self.labels) if self.known is None else self.known


def said_by_all(labels: Sequence[ExchangeLabel]) -> Any:
    """What every person said who said something; None where they differ, or nobody did."""
    given = [label.value for label in labels if not label.skipped and label.value is not None]
    return given[0] if given and all(value == given[0] for value in given) else None


def side_answers_of_all(labels: Sequence[ExchangeLabel]) -> dict[str, Any]:
    """By side question what every person said who answered it, without those that differ."""
    names = dict.fromkeys(name for label in labels for name in label.also)
    given = {name: [label.also[name] for label in labels if name in label.also and not label.skipped] for name in names}
    return {name: said[0] for name, said in given.items() if said and all(one == said[0] for one in said)}


@dataclass(frozen=True)
class RefusedRecord:
    """A record of the file that became no row; `number` counts from 1."""

    number: int
    error: str


@dataclass(frozen=True)
class ColumnNames:
    """The columns of a flat file, as a person names them; "" for the usual name.

    scores     what those of scores begin with, before the label; or of two labels the column of the positive one's
    confidence  the score of the predicted label alone
    annotator  who gave the label: it is then a label of this person beside the item, and known where nobody differs
    segment    columns that make the item's segment
    inputs     by input, the column that it is taken from where that has another name
    """

    key: str = ""
    label: str = ""
    predicted: str = ""
    scores: str = ""
    version: str = ""
    time: str = ""
    annotator: str = ""
    confidence: str = ""
    segment: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SideShape:
    """A side question: its name, whether it must be answered, what it is asked beside, and its answers' shape."""

    name: str
    kind: str
    labels: Sequence[Mapping[str, Any]] = ()
    required: bool = False
    when: Sequence[Any] = ()
    shown: str = ""
    highest: int = 5


@dataclass(frozen=True)
class ProjectShape:
    """What a format needs to know of a project: its kind, its labels as in the schema, and the types of its inputs.

    shown      the input that answers are about, "" where the kind names none
    highest    the last point of a rating's scale
    columns    how a flat file names what is no input
    raw_cells  texts of a CSV file as they are, also where a spreadsheet would run them
    dialect    how a file of text is written
    also       its side questions
    """

    kind: str
    labels: Sequence[Mapping[str, Any]]
    inputs: Mapping[str, str]
    positive: str = ""
    shown: str = ""
    highest: int = 5
    columns: ColumnNames = ColumnNames()
    raw_cells: bool = False
    dialect: Dialect = Dialect()
    also: Sequence["SideShape"] = ()

    def values(self) -> list[str]:
        return [label["value"] for label in self.labels]

    def first_input(self, *types: str) -> str | None:
        """The first input of one of these types, in the order of the types."""
        return next((name for kind in types for name, given in self.inputs.items() if given == kind), None)
