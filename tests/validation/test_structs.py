"""Structs from decoded JSON: the first field that does not fit is named with what it takes."""

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from validation import InvalidInput
from validation.structs import to_struct


class Parcel(Struct, forbid_unknown_fields=True):
    """A body."""

    name: Annotated[str, Meta(min_length=1, max_length=5, description="a text of 1 to 5 characters")]
    weight: Annotated[float, Meta(ge=0, description="a number of 0 or more")] | None = None
    fragile: Annotated[bool, Meta(description="true or false")] = False
    more: Any = None


def test_what_fits_becomes_the_struct() -> None:
    assert to_struct({"name": "a", "weight": 2, "more": [1]}, Parcel) == Parcel("a", 2.0, False, [1])
    assert to_struct({"name": "a", "weight": None}, Parcel) == Parcel("a")


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        ({}, "name", "`name` is missing; it takes a text of 1 to 5 characters."),
        ({"name": ""}, "name", "`name` takes a text of 1 to 5 characters; it is ''."),
        ({"name": "toolong"}, "name", "`name` takes a text of 1 to 5 characters; it is 'toolong'."),
        ({"name": 3}, "name", "`name` takes a text of 1 to 5 characters; it is 3."),
        ({"name": None}, "name", "`name` takes a text of 1 to 5 characters; it is None."),
        ({"name": "a", "weight": -1}, "weight", "`weight` takes a number of 0 or more; it is -1."),
        ({"name": "a", "weight": "2"}, "weight", "`weight` takes a number of 0 or more; it is '2'."),
        ({"name": "a", "weight": True}, "weight", "`weight` takes a number of 0 or more; it is True."),
        ({"name": "a", "fragile": 1}, "fragile", "`fragile` takes true or false; it is 1."),
        ({"name": "a", "colour": 1}, "colour", "Unknown field `colour`; a parcel takes fragile, more, name, weight."),
        ([], None, "A parcel is one JSON object."),
        (None, None, "A parcel is one JSON object."),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(given: Any, field: str | None, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        to_struct(given, Parcel, noun="parcel")
    assert (str(refused.value), refused.value.field) == (sentence, field)


def test_a_refusal_never_repeats_a_long_value_or_name() -> None:
    for given in ({"name": "x" * 10**6}, {"name": "a", "y" * 10**6: 1}, {"name": ["\ud800"] * 1000}):
        with pytest.raises(InvalidInput) as refused:
            to_struct(given, Parcel)
        assert len(str(refused.value)) < 300
        str(refused.value).encode()
