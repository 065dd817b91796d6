"""Offsets of spans: Unicode code points inside the product, UTF-16 units where another tool counts as browsers do."""


def from_utf16(text: str, offset: int) -> int:
    """The code point at which this UTF-16 offset lies; half of a surrogate pair counts to the pair's beginning."""
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * offset]
    return len(units.decode("utf-16-le", "ignore"))


def to_utf16(text: str, offset: int) -> int:
    """The UTF-16 offset of a code point."""
    return len(text[:offset].encode("utf-16-le", "surrogatepass")) // 2


def in_code_points(text: str, start: int, end: int, covered: str | None) -> tuple[int, int]:
    """Start and end in code points; `covered`, where the tool gives the words of the span, says in which unit they are.

    Some versions of a tool count code points and others UTF-16 units. Without the words code points are assumed.
    """
    if covered is None or text[start:end] == covered:
        return start, end
    first, last = from_utf16(text, start), from_utf16(text, end)
    return (first, last) if text[first:last] == covered else (start, end)
