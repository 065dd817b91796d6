"""Whole numbers that arrive as text: in addresses, forms, headers and the environment."""

DIGITS = 18  # fit the integer of every database, and Python reads them at once


def whole_number(text: str, *, least: int = 0, most: int = 10**DIGITS - 1) -> int | None:
    """The number that plain ASCII digits write, or None for anything else and for one outside the limits.

    "²" is a digit to `str.isdigit` and no number to `int`, and `int` refuses thousands of digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        return None
    number = int(text)
    return number if least <= number <= most else None
