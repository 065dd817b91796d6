"""Conditions on one input, and on one class's score, of an item, in the words of each database."""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, CharField, FloatField, Func, Q, TextField, Value, When
from django.db.models.functions import Left
from django.db.models.lookups import GreaterThanOrEqual, IContains, In, IRegex, IsNull, LessThan, LessThanOrEqual

from projects import paging
from validation import InvalidInput

SEPARATOR = ".."
OPEN = "<"  # after the separator: up to, not including
WORD = re.compile(r'"(\w+)"')
SECONDS = 19  # characters of a time up to its second
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]*")  # names that a JSON path takes as they are
TEXTS = ("text", "conversation", "vector")
SORTED = ("number", "time")
"""Types of inputs that items can be sorted by."""


class BadCondition(InvalidInput):
    """A condition that cannot be read; the message says what is taken."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both of them included, `high` unless `is_open`; None has no end."""

    low: float | None
    high: float | None
    is_open: bool = False

    def condition(self, expression: Any) -> Q:
        """That the expression lies within; one that is NULL does not."""
        return within(expression, self.low, self.high, is_open=self.is_open)


def within(expression: Any, low: Any, high: Any, *, is_open: bool = False) -> Q:
    """That the expression lies from `low` to `high`, each unless it is None, and is not NULL."""
    found = Q(IsNull(expression, False))
    if low is not None:
        found &= Q(GreaterThanOrEqual(expression, low))
    if high is None:
        return found
    return found & Q(LessThan(expression, high) if is_open else LessThanOrEqual(expression, high))


def parse_range(text: str) -> Range:
    """The range of "0.2..0.8", "0.2..<0.8" without its end, "..0.8", "0.2..", ".." for any number, "5" for one.

    Raises BadCondition.
    """
    low, high, is_open = _ends(text)
    found = Range(_number(low), _number(high), is_open)
    if found.low is not None and found.high is not None and found.low > found.high:
        raise BadCondition(f"{text[:40]!r} ends before it begins.")
    return found


def _ends(text: str) -> tuple[str, str, bool]:
    low, between, high = text.partition(SEPARATOR)
    if not between:
        return text.strip() or "?", text.strip() or "?", False
    return low.strip(), high.removeprefix(OPEN).strip(), high.startswith(OPEN)


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not abs(found) < 1e300:  # NaN as well
        raise BadCondition(f"{text[:40]!r} is no number; a range such as 0.2..0.8, 0.2.. or ..0.8 is taken.")
    return found


def parse_moment(text: str) -> datetime:
    """The moment that a text names, in UTC where it names no zone. Raises BadCondition."""
    found: datetime | None
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        found = None
    if found is None or not paging.FIRST_YEAR <= found.year < paging.LAST_YEAR:
        raise BadCondition(f"{text[:40]!r} is no time; one such as 2026-11-27T14:05:00Z is taken.")
    return found


class InputText(Func):
    """The text of one input of an item, by its name; NULL where it has none. The name is data, whatever it holds."""

    function = "jsonb_extract_path_text"
    output_field = TextField()

    def __init__(self, name: str) -> None:
        super().__init__("inputs", Value(name))
        self.name = name

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        if PLAIN.fullmatch(self.name):
            return _of_path(self, compiler, connection, "CAST(json_extract(%(expressions)s) AS TEXT)", **context)
        template = "(SELECT CAST(part.value AS TEXT) FROM json_each(%(expressions)s))"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner=") AS part WHERE part.key = (", **context
        )


class InputNumber(Func):
    """The number that one input of an item is; NULL where it is none."""

    output_field = FloatField()

    def __init__(self, name: str) -> None:
        super().__init__("inputs", Value(name))
        self.name = name

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        if PLAIN.fullmatch(self.name):
            kind, params = _of_path(self, compiler, connection, "json_type(%(expressions)s)", **context)
            value, again = _of_path(self, compiler, connection, "json_extract(%(expressions)s)", **context)
            return f"CASE WHEN {kind} IN ('integer', 'real') THEN {value} END", [*params, *again]
        template = "(SELECT part.value FROM json_each(%(expressions)s) AND part.type IN ('integer', 'real'))"
        return self.as_sql(
            compiler, connection, template=template, arg_joiner=") AS part WHERE part.key = (", **context
        )

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        kind, params = self.as_sql(
            compiler, connection, template="jsonb_typeof(jsonb_extract_path(%(expressions)s))", **context
        )
        value, again = self.as_sql(compiler, connection, function="jsonb_extract_path_text", **context)
        return f"CASE WHEN {kind} = 'number' THEN ({value})::double precision END", [*params, *again]


def _of_path(one: "InputText | InputNumber", compiler: Any, connection: Any, template: str, **context: Any) -> Any:
    column, params = compiler.compile(one.get_source_expressions()[0])
    return template % {"expressions": f"{column}, %s"}, [*params, f'$."{one.name}"']


class ScoreBits(Func):
    """The stored score at a place of `scores`, as eight digits that are in the order of the numbers.

    The bits of a float32 that is not negative are in the order of the numbers, and stored lowest byte first.
    """

    output_field = CharField()

    def __init__(self, place: int) -> None:
        super().__init__("scores")
        self.starts = [4 * place + byte + 1 for byte in (3, 2, 1, 0)]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._joined(compiler, "hex(substr({0}, {1}, 1))")

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._joined(compiler, "upper(encode(substring({0} from {1} for 1), 'hex'))")

    def _joined(self, compiler: Any, one: str) -> Any:
        column, params = compiler.compile(self.get_source_expressions()[0])
        bits = " || ".join(one.format(column, start) for start in self.starts)
        sql = f"CASE WHEN length({column}) >= {self.starts[0]} THEN {bits} END"
        return sql, [*params] * 6


def score_digits(score: float) -> str:
    """A score as `ScoreBits` gives it."""
    return struct.pack(">f", min(max(score, 0.0), 1.0)).hex().upper()


def class_score(places: Mapping[int, int]) -> Case:
    """The stored score of a class; `places` has its place in the scores of each schema version."""
    return Case(
        *(When(schema_version=version, then=ScoreBits(place)) for version, place in places.items()),
        output_field=CharField(),
    )


def score_condition(expression: Any, wanted: Range) -> Q:
    """That a class's score, as `class_score` gives it, lies within."""
    low, high = (None if end is None else score_digits(end) for end in (wanted.low, wanted.high))
    return within(expression, low, high)


def split_input(text: str, types: Mapping[str, str]) -> tuple[str, str]:
    """The input that a condition is about, and what it has to be. Raises BadCondition."""
    names = [name for name in types if text.startswith(f"{name}:")]
    if not names:
        raise BadCondition(
            f"{text[:60]!r} names no input of the project; input takes name:condition, such as amount:10..50."
        )
    name = max(names, key=len)
    return name, text[len(name) + 1 :]


def input_condition(text: str, types: Mapping[str, str]) -> Q:
    """The condition on items of "name:condition". Raises BadCondition.

    A number and a time take a range, a boolean yes or no, a category one or more values separated by "|", a text what
    it contains, in quotation marks a whole word; nothing after the colon is a value that is missing.
    """
    name, wanted = split_input(text, types)
    kind = types[name]
    if not wanted:
        return Q(IsNull(InputText(name), True))
    if kind == "number":
        return parse_range(wanted).condition(InputNumber(name))
    if kind == "time":
        return _time_condition(name, wanted)
    if kind == "boolean":
        if wanted not in ("yes", "no"):
            raise BadCondition(f"Input {name} is {wanted[:40]!r}; it takes yes or no.")
        return Q(In(InputText(name), ["true", "1"] if wanted == "yes" else ["false", "0"]))
    if kind == "category":
        return Q(In(InputText(name), wanted.split("|")))
    if kind in TEXTS and (word := WORD.fullmatch(wanted)):
        return Q(IRegex(InputText(name), rf"(?<!\w){word[1]}(?!\w)"))
    if kind in TEXTS:
        return Q(IContains(InputText(name), wanted))
    raise BadCondition(f"Input {name} is of type {kind}; only whether it is missing can be asked of it.")


def _time_condition(name: str, wanted: str) -> Q:
    """To the second, both ends included, the upper one unless it is open."""
    begin, end, is_open = _ends(wanted)
    low, high = (_second(moment) if moment else None for moment in (begin, end))
    return within(Left(InputText(name), SECONDS), low, high, is_open=is_open)


def _second(text: str) -> str:
    return parse_moment(text).isoformat(timespec="seconds")[:SECONDS]
