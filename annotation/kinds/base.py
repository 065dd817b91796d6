"""What a task kind defines: its values, how people agree on them, what models learn of them, and how they are asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, Self

from projects.project_settings import BadSpec, Settings, parse
from validation import InvalidInput

Labels = Sequence[dict[str, Any]]  # of a label schema: {value, title?, key?, hint?, colour?, retired?}
Rule = Literal["single", "unanimous", "majority", "median"]
AlphaLevel = Literal["nominal", "ordinal", "interval"]
Inputs = Mapping[str, Any]  # of an item, by name
InputRules = Mapping[str, Mapping[str, Any]]  # of an input contract: {type, …} by name


def offered(labels: Labels) -> list[dict[str, Any]]:
    """The labels that people may still answer with and models are trained on: those that are not retired.

    A retired one stays in the schema, so that stored scores keep their order and whatever still says it is captured.
    """
    return [label for label in labels if not label.get("retired")]


def successors(labels: Labels) -> dict[str, str]:
    """The value of each merged label, with that of the label that it counts as now, whatever was merged since."""
    merged = {label["value"]: label["merged_into"] for label in labels if label.get("merged_into")}
    return {value: _last(merged, value) for value in merged}


def _last(merged: Mapping[str, str], value: str) -> str:
    passed: set[str] = set()
    while value in merged and value not in passed:
        passed.add(value)
        value = merged[value]
    return value


def _replaced(value: Any, by: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return by.get(value, value)
    if isinstance(value, list):
        return _without_repeats([_replaced_part(part, by) for part in value])
    return value


def _replaced_part(part: Any, by: Mapping[str, str]) -> Any:
    """A label in a list of labels, or a span or box with its label."""
    if isinstance(part, dict) and isinstance(part.get("label"), str):
        return {**part, "label": by.get(part["label"], part["label"])}
    return by.get(part, part) if isinstance(part, str) else part


def _without_repeats(parts: list[Any]) -> list[Any]:
    """Each text once, where it stands first."""
    return [part for place, part in enumerate(parts) if not isinstance(part, str) or part not in parts[:place]]


class InvalidLabel(InvalidInput):
    """A value that this task does not take; the message says what it takes."""


@dataclass(frozen=True)
class SettledValue:
    """The value that votes settle, the rule that settled it, and the share of the votes that agree with it."""

    value: Any
    rule: Rule
    quality: float


def settle_by_majority(values: Sequence[Any]) -> SettledValue | None:
    """One vote settles alone; more need the same value from more than half of them."""
    if not values:
        return None
    counts = [sum(other == value for other in values) for value in values]
    count = max(counts)
    value = values[counts.index(count)]
    if len(values) == 1:
        return SettledValue(value, "single", 1.0)
    if count == len(values):
        return SettledValue(value, "unanimous", 1.0)
    return SettledValue(value, "majority", count / len(values)) if 2 * count > len(values) else None


def settle_where_equal(values: Sequence[Any]) -> SettledValue | None:
    """Votes that are all the same settle; a reviewer decides on any others."""
    settled = settle_by_majority(values)
    return settled if settled and settled.rule != "majority" else None


@dataclass(frozen=True)
class AnswerKeys:
    """Keys that answer on the desk: what they answer, and their caps, runs of neighbours as first and last."""

    words: str
    runs: tuple[tuple[str, str], ...]


class NoOptions(Settings, frozen=True, kw_only=True):
    """The options of a kind that has none."""


class TaskKind(ABC):
    """One kind of task. Values are JSON; `labels` is a project's label schema, empty for kinds that have none.

    `options` are what the project's spec says under `answer`: what a value may be beyond its labels.
    """

    name: str
    """As in a project's spec."""

    title: str = ""
    """As a person chooses it who makes a project."""

    place: int = 100
    """Where it stands among the kinds to choose from."""

    needs_labels: bool = True
    """Whether a spec must name labels."""

    fewest_labels: int = 2
    """How many labels a spec names at least, where it names any."""

    template: str
    """Template of the desk's answer controls."""

    review_template: str
    """Template of the reviewer's decision on a disputed item."""

    desk_module: str
    """Static path of the ES module that drives the answer controls: it exports `Control` (static/js/desk/labels.js)."""

    options_type: type[Settings] = NoOptions
    """What a spec may say under `answer`."""

    alpha_level: AlphaLevel | None = None
    """How Krippendorff's alpha compares two values: as names, ranks or numbers; None: by `distance`."""

    distance_words: str = ""
    """What `distance` is, as a page names it."""

    is_about_an_input: bool = False
    """Whether a value is only valid for the item's inputs (`misfit`)."""

    def __init__(self, options: Settings | None = None) -> None:
        self.options: Any = options or self.options_type()

    def with_options(self, given: Mapping[str, Any]) -> Self:
        """The kind under a project's options. Raises BadSpec."""
        if self.options_type is NoOptions and not given:
            return self
        return type(self)(self.parse_options(given))

    def parse_options(self, given: Any) -> Settings:
        """The options in the form of a spec. Raises BadSpec."""
        if self.options_type is NoOptions and given:
            raise BadSpec(f"answer takes no options for projects of kind {self.name}.")
        return parse(self.options_type, "answer", given)

    def complete_options(self, given: Any, inputs: InputRules) -> dict[str, Any]:
        """The options as a project stores them: those given, and what follows from its inputs. Raises BadSpec."""
        self.parse_options(given)
        return dict(given)

    @abstractmethod
    def validate(self, value: Any, labels: Labels) -> Any:
        """The value as it is stored, retired labels included where `labels` holds them.

        Raises InvalidLabel with a sentence that says what is taken.
        """

    def misfit(self, value: Any, inputs: Inputs) -> str | None:
        """Why a valid value does not fit the item that it is about, in a sentence; None where it does."""
        return None

    def validate_for(self, value: Any, labels: Labels, inputs: Inputs) -> Any:
        """The value about an item with these inputs as it is stored. Raises InvalidLabel."""
        checked = self.validate(value, labels)
        if why := self.misfit(checked, inputs):
            raise InvalidLabel(why)
        return checked

    @abstractmethod
    def describe(self, value: Any, labels: Labels) -> str:
        """The value as a person reads it."""

    def describe_beside(self, value: Any, labels: Labels, inputs: Inputs) -> str:
        """The value as a person reads it who has its item at hand."""
        return self.describe(value, labels)

    def agreement(self, values: Sequence[Any]) -> float | None:
        """Mean agreement of the pairs of votes by `score`, 0 to 1; None with fewer than two votes."""
        pairs = list(combinations(values, 2))
        return sum(self.score(*pair) for pair in pairs) / len(pairs) if pairs else None

    @abstractmethod
    def resolve(self, values: Sequence[Any]) -> SettledValue | None:
        """What the votes settle, or None where they do not."""

    @abstractmethod
    def score(self, truth: Any, predicted: Any) -> float:
        """How right a predicted value is, 0 (wrong) to 1 (right), and the same both ways.

        What reports of the kind average, and the agreement of two votes.
        """

    def distance(self, one: Any, other: Any) -> float:
        """How far two values are apart, 0 for equal ones to 1: what Krippendorff's alpha compares."""
        return 1 - self.score(one, other)

    @abstractmethod
    def form(self, labels: Labels) -> dict[str, Any]:
        """What the templates and the desk's script need to ask."""

    @property
    def asked_input(self) -> str:
        """The name of the input that a value is about; "" where it is about the item as a whole."""
        return ""

    def about(self, inputs: Inputs) -> Any:
        """What the desk's script needs of an item beside what is drawn of it, as JSON."""
        return None

    def parse_form(self, given: Mapping[str, Any]) -> Any:
        """The value that the review template's form sent, not yet validated."""
        return given.get("value")

    def answer_keys(self, labels: Labels) -> tuple[AnswerKeys, ...]:
        """The keys that answer on the desk, as the list of keys shows them; none where a kind has none."""
        return ()

    def classes(self, labels: Labels) -> tuple[str, ...]:
        """The classes that a model predicts scores for, in their stored order; empty where answers are not classes."""
        return ()

    def filter_values(self, labels: Labels) -> Mapping[str, Any]:
        """The values that items can be filtered by, each under its text in an address; none where they are no list."""
        return {}

    def answer_parts(self, labels: Labels) -> list[Any]:
        """What answers are made of, as far as it can be named: the labels, or the few values that there are."""
        if self.needs_labels:
            return [label["value"] for label in labels]
        return list(self.filter_values(labels).values())

    def parts_of(self, value: Any) -> list[Any]:
        """Which of `answer_parts` an answer has: itself, or the labels in its list."""
        if not isinstance(value, list):
            return [value]
        return [part["label"] if isinstance(part, dict) else part for part in value]

    def training_target(self, value: Any, labels: Labels) -> str | None:
        """The class that a model is trained to predict for this value; None where there is none under these labels."""
        return None

    def replace_labels(self, value: Any, by: Mapping[str, str]) -> Any:
        """The value with each label replaced by the one that `by` names for it, such as `successors` of a schema."""
        return _replaced(value, by) if by and self.needs_labels else value

    def accept(self, value: Any, labels: Labels) -> Any:
        """A person's answer as it is stored: one with a merged label counts as what that was merged into.

        Raises InvalidLabel, for a label too that is not offered any more.
        """
        return self.validate(self.replace_labels(value, successors(labels)), offered(labels))

    def counted(self, value: Any, labels: Labels) -> Any:
        """What an answer of a model or a signal counts as under these labels. Raises InvalidLabel."""
        return self.replace_labels(self.validate(value, labels), successors(labels))

    def is_current(self, value: Any, labels: Labels) -> bool:
        """Whether this stored value is still one that people may give under these labels."""
        try:
            self.validate(value, offered(labels))
        except InvalidLabel:
            return False
        return True
