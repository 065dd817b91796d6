"""One JSON object out of the body of a desk call, or one clear sentence."""

from datetime import datetime
from typing import Any

from projects.json_body import BadBody, decode_object
from validation.json_values import is_storable_text


def parse_body(body: bytes, *, fields: set[str]) -> dict[str, Any]:
    """The object, with no other fields than these. Raises BadBody with the answer's status."""
    value = decode_object(body)
    if not isinstance(value, dict):
        raise BadBody("The body is not a JSON object.", 422)
    if unknown := sorted(set(value) - fields):
        raise BadBody(f"`{unknown[0][:60]}` is not a field of this call, which takes {', '.join(sorted(fields))}.", 422)
    return value


def whole_number(value: Any, name: str, *, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadBody(f"`{name}` takes a whole number from {low} to {high}.", 422)
    return value


def moment(value: Any, name: str) -> datetime:
    """A time with its offset, as the browser's clock gives it."""
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None and 1970 < found.year < 9000:
            return found
    except (TypeError, ValueError):
        pass
    raise BadBody(f"`{name}` takes a time as RFC 3339 writes it, such as 2026-03-01T00:00:00+01:00.", 422)


def texts(value: Any, name: str, *, most: int) -> list[str]:
    """A list of texts that a database can be asked for; an absent one is empty."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > most or not all(isinstance(text, str) for text in value):
        raise BadBody(f"`{name}` takes a list of at most {most} texts.", 422)
    return [text for text in value if is_storable_text(text)]
