"""What every input type defines."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from inputs.columns import Values
from inputs.images import PixelBudget
from validation import InvalidInput
from validation.json_values import is_storable_text, quote

Column = NDArray[Any]
Shape = tuple[int, int]
Rule = Mapping[str, Any]
FLAGS = ("required", "nullable")  # options of every type


class BrokenRule(StrEnum):
    """Which rule of the input contract a value breaks."""

    MISSING = "missing"  # required, and not there
    NULL = "null"  # there as null, where null is not taken
    TYPE = "type"
    MINIMUM = "min"
    MAXIMUM = "max"
    VALUES = "values"  # a category that is not on the list
    LENGTH = "length"  # of a text, a list of turns or a vector
    CHARACTERS = "characters"  # a text that no database stores
    UNKNOWN = "unknown"  # the contract has no input of this name


RULE_WORDS = {
    BrokenRule.MISSING: "missing",
    BrokenRule.NULL: "null",
    BrokenRule.TYPE: "not of its type",
    BrokenRule.MINIMUM: "below the minimum",
    BrokenRule.MAXIMUM: "above the maximum",
    BrokenRule.VALUES: "not one of the values",
    BrokenRule.LENGTH: "of the wrong length",
    BrokenRule.CHARACTERS: "has characters that no database stores",
    BrokenRule.UNKNOWN: "not in the contract",
}


def broken_rule(name: str) -> str:
    """What is wrong with a value that breaks the rule of this name, as a page says it."""
    return RULE_WORDS[BrokenRule(name)] if name in list(BrokenRule) else name


class InvalidValue(InvalidInput):
    """A value, or an entry of an input contract, that its type does not take; the message names the input."""

    def __init__(self, message: str, rule: BrokenRule = BrokenRule.TYPE, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.rule = rule


class Purpose(StrEnum):
    """What the features of a column are for."""

    LINEAR = "linear"  # models that add up or compare features; saved in artifacts, so scikit-learn's classes only
    TREES = "trees"  # tree models; saved in artifacts as well
    VECTORS = "vectors"  # distances between rows
    DOMAIN = "domain"  # trees that tell a window of time from a reference, on what does not change by itself
    LABEL_ERRORS = "label_errors"  # the small ensemble that suspects labels


class Features(StrEnum):
    """What a type's features are made of; candidate models are chosen by it."""

    TERMS = "terms"  # sparse weights of words and characters, none negative
    VALUES = "values"  # a few numbers or levels
    PIXELS = "pixels"
    VECTOR = "vector"  # unit rows, compared by their direction


class Likeness(StrEnum):
    """How two values are compared when rows are searched for copies of one another (`inputs.groups`)."""

    TEXT = "text"  # nearly the same characters
    PIXELS = "pixels"  # nearly the same picture
    DIRECTION = "direction"  # nearly the same direction of a vector
    NUMBER = "number"  # together with the other numbers of the row
    EQUAL = "equal"
    IGNORED = "ignored"  # a copy may differ in it


class Display(StrEnum):
    """How a page shows a value."""

    TEXT = "text"  # to be read
    IMAGE = "image"
    CONVERSATION = "conversation"  # turns, each with its role
    FACT = "fact"  # name and value in a table


@dataclass(frozen=True)
class EncoderSettings:
    """`seed` of what is random; `dimensions`: the most that a column has for `Purpose.VECTORS`."""

    seed: int = 0
    dimensions: int = 100


class IncompleteEncoder(NotImplementedError):
    """A type lacks the encoder for a purpose."""


class InputType(ABC):
    """One type of input. To add one, put a module with a subclass of this into `inputs.types`.

    A model never gets raw values: `parts` turns a column into the numbers or texts of a pandas frame, and `encoder`
    is the scikit-learn transformer that turns those into features.
    """

    name: ClassVar[str]
    features: ClassVar[Features]
    display: ClassVar[Display] = Display.FACT
    likeness: ClassVar[Likeness] = Likeness.EQUAL
    options: ClassVar[tuple[str, ...]] = ()  # of an entry in the contract, besides `type` and FLAGS
    in_media: ClassVar[bool] = False  # whether an item holds the name of a stored file instead of the value
    needs_variation: ClassVar[bool] = False  # whether its LINEAR encoder refuses a column that never changes

    def check_options(self, name: str, rule: Rule) -> None:
        """Check an entry of the input contract. Raises InvalidValue."""
        if unknown := set(rule) - {"type", *FLAGS, *self.options}:
            takes = ", ".join(["type", *FLAGS, *self.options])
            raise InvalidValue(f"Input {quote(name)} of type {self.name} has {min(unknown)}; it takes {takes}.")
        for flag in FLAGS:
            if not isinstance(rule.get(flag, True), bool):
                raise InvalidValue(f"Input {quote(name)}: {flag} takes true or false.")

    @abstractmethod
    def validate(self, name: str, value: Any, rule: Rule, budget: PixelBudget) -> Any:
        """The value as it is stored: JSON, or a `CheckedImage`. Raises InvalidValue with a whole sentence."""

    def column_value(self, value: Any) -> Any:
        """A stored value as the cell of a column: what `frame_columns`, text encoders and comparisons read."""
        return value

    def shape(self, values: Values, largest_side: int) -> Shape | None:
        """What later columns have to be brought to so that they have the same parts; None where nothing has to."""
        return None

    def part_names(self, name: str, shape: Shape | None) -> list[str]:
        """The frame's columns that `parts` makes of the input `name`."""
        return [f"{self.name}:{name}"]

    @abstractmethod
    def frame_columns(self, name: str, values: Values, shape: Shape | None) -> dict[str, Column]:
        """The frame's columns, each of shape (n,). Raises InvalidColumns."""

    def encoder(self, purpose: Purpose, settings: EncoderSettings) -> BaseEstimator | None:
        """An unfitted transformer of this type's parts; None where models for this purpose do not read the type."""
        raise IncompleteEncoder(f"{self.name} has no encoder for {purpose}.")

    def example(self, rule: Rule) -> Any:
        """A value that this entry of the contract takes, for the command by which a page shows how to send one."""
        return "example"

    def format(self, value: Any) -> str:
        """The value as a page writes it."""
        return str(value)

    def search_text(self, value: Any) -> str:
        """The text by which an item of this value is found; empty where the value holds none."""
        return self.format(value)

    def search_writer(self) -> Callable[[Any], str]:
        """What writes `search_text` of many values: `str` itself where that is what the type writes."""
        plain = (InputType.search_text, InputType.format)
        return str if (type(self).search_text, type(self).format) == plain else self.search_text


class Transformer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of the transformers that are never saved: fitted on a column or its parts, applied to later ones."""

    def __sklearn_is_fitted__(self) -> bool:
        return True


def checked_text(name: str, value: Any, *, longest: int) -> str:
    """A text that a database can store. Raises InvalidValue."""
    if not isinstance(value, str):
        raise InvalidValue(f"`{name}` is {shortened(value)}; a text is expected.")
    if len(value) > longest:
        raise InvalidValue(f"`{name}` has {len(value):,} characters; at most {longest:,} are taken.", BrokenRule.LENGTH)
    if not is_storable_text(value):
        why = f"`{name}` holds a NUL or half a surrogate pair, which no database stores."
        raise InvalidValue(why, BrokenRule.CHARACTERS)
    return value


def shortened(value: Any) -> str:
    """The value as a sentence quotes it, never long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "…"
