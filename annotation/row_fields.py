"""Types of the fields that rows of several kinds share: their checks, and the words and schema that OpenAPI shows."""

from typing import Annotated

from msgspec import Meta

LONGEST_KEY, LONGEST_VERSION = 200, 80
A_TEXT = f"a text of 1 to {LONGEST_KEY} printable characters"

Key = Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, description=A_TEXT)]
Version = Annotated[
    str,
    Meta(
        min_length=1, max_length=LONGEST_VERSION, description=f"a text of 1 to {LONGEST_VERSION} printable characters"
    ),
]
Time = Annotated[
    str,
    Meta(
        description="a time with its zone, such as 2026-11-23T14:00:00Z; now where it is absent",
        extra_json_schema={"format": "date-time"},
    ),
]
