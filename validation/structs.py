"""Build a msgspec struct from decoded JSON, and say in one sentence which field does not fit.

A struct is the one definition of a body: its fields and their types are the checks, and the JSON schema that the API
publishes comes from it. The `description` of a field says what the field takes; a refusal repeats it.
"""

from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec

from validation.errors import InvalidInput
from validation.json_values import quote, shorten

LONGEST_NAME = 60
AnyStruct = TypeVar("AnyStruct", bound=msgspec.Struct)


def to_struct(value: Any, kind: type[AnyStruct], *, noun: str = "row") -> AnyStruct:
    """The struct that a decoded JSON object holds; structs forbid unknown fields and are strict about types.

    Raises InvalidInput, whose `field` is the first field that does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        raise _explain(value, kind, noun) from None


def _explain(value: Any, kind: type[msgspec.Struct], noun: str) -> InvalidInput:
    """The refusal of an object that does not fit: the fields are tried one by one to find the one to name."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    if not isinstance(value, dict):
        return InvalidInput(f"A {noun} is one JSON object.")
    if unknown := sorted(str(name) for name in value if name not in fields):
        return InvalidInput(
            f"Unknown field `{shorten(unknown[0], LONGEST_NAME)}`; a {noun} takes {', '.join(sorted(fields))}.",
            field=shorten(unknown[0], LONGEST_NAME),
        )
    for name, field in fields.items():
        if name not in value:
            if field.required:
                return InvalidInput(f"`{name}` is missing; it takes {describe(field.type)}.", field=name)
        elif not _fits(value[name], field.type):
            return InvalidInput(f"`{name}` takes {describe(field.type)}; it is {quote(value[name])}.", field=name)
    return InvalidInput(f"This {noun} does not fit.")


def describe(kind: Any) -> str:
    """What a field takes, in the words of its `description`."""
    if get_origin(kind) is Annotated:
        for meta in reversed(get_args(kind)[1:]):  # the outermost describes the field
            if isinstance(meta, msgspec.Meta) and meta.description:
                return meta.description
        return describe(get_args(kind)[0])
    found = [describe(part) for part in get_args(kind) if part is not type(None)]
    return found[0] if found else "another type of value"


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
        return False
    return True
