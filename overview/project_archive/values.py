"""Values of columns as an archive holds them, and what is taken back from one: an archive is untrusted input."""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.utils.timezone import is_aware

from validation import InvalidInput
from validation.json_values import is_deeper_than, is_storable, is_storable_text

DEEPEST = 100  # levels of a JSON value


class BadArchive(InvalidInput):
    """This file is no project archive that can be taken; the message says why, in words fit for a user."""


class BadValue(BadArchive):
    """A value does not fit its column."""


def to_archive(field: Any, value: Any) -> Any:
    """A value of a column as JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(field, models.BinaryField) and value is not None:
        return base64.b64encode(value).decode()
    return value


def from_archive(field: Any) -> Callable[[Any], Any]:
    """What turns JSON into a value of this column. It raises BadValue."""
    kind = next((known for known in _READERS if isinstance(field, known)), None)
    if kind is None:
        raise TypeError(f"overview.project_archive.values has no reader of {type(field).__name__}.")
    take, choices = _READERS[kind](field), {value for value, _ in field.flatchoices}

    def take_value(value: Any) -> Any:
        if value is None:
            if not field.null:
                raise BadValue("it is empty")
            return None
        taken = take(value)
        if choices and taken not in choices and not (field.blank and taken == ""):
            raise BadValue("it is none of its choices")
        return taken

    return take_value


def _text(field: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> str:
        if not isinstance(value, str) or not is_storable_text(value):
            raise BadValue("it is no text")
        if field.max_length is not None and len(value) > field.max_length:
            raise BadValue(f"it is longer than {field.max_length} characters")
        return value

    return take


def _whole(field: Any) -> Callable[[Any], Any]:
    low, high = connection.ops.integer_field_range(field.get_internal_type())
    low, high = -(2**63) if low is None else low, 2**63 - 1 if high is None else high

    def take(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise BadValue("it is no whole number of its range")
        return value

    return take


def _number(_: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_storable(value):
            raise BadValue("it is no number")
        return float(value)

    return take


def _boolean(_: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> bool:
        if not isinstance(value, bool):
            raise BadValue("it is neither true nor false")
        return value

    return take


def _time(_: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise BadValue("it is no time") from None
        if not is_aware(moment):
            raise BadValue("it is a time without a zone")
        return moment

    return take


def _json(_: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if is_deeper_than(value, DEEPEST) or not is_storable(value):
            raise BadValue("it cannot be stored as JSON")
        return value

    return take


def _bytes(_: Any) -> Callable[[Any], Any]:
    def take(value: Any) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise BadValue("it is no base64") from None

    return take


_READERS: dict[type[Any], Callable[[Any], Callable[[Any], Any]]] = {
    models.CharField: _text,
    models.TextField: _text,
    models.IntegerField: _whole,
    models.FloatField: _number,
    models.BooleanField: _boolean,
    models.DateTimeField: _time,
    models.JSONField: _json,
    models.BinaryField: _bytes,
}
