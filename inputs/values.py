"""Values of inputs: which count as missing, and the refusal of columns that do not fit their type."""

from typing import Any

import numpy as np

from validation import InvalidInput

MISSING = "∅"  # stands for a blank text or a missing level: a vocabulary is then never empty
# Characters that are not seen, so that nobody can type them: soft hyphen, zero-width space and joiners, directions.
INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), 0xFEFF])


class InvalidColumns(InvalidInput):
    """Columns that are not of the type that they are said to be; the message names the column."""


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and NA are missing, and so is a text that is empty or blank."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, np.ndarray | list | dict):
        return False
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA refuses a truth value
        return True
