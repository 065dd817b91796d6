"""Keyboard shortcuts of label buttons."""

from collections.abc import Iterator, Sequence

from annotation.kinds.base import AnswerKeys, Labels

DIGITS = [*"1234567890"]


def keys_of(labels: Labels) -> list[str]:
    """One key for each label, "" where none is left: the schema's own, else the digit that the label is, else 1 to 9
    and 0 by position and the same with Shift for 11 to 20 (written "+1").

    A retired label has none, and those after it keep theirs.
    """
    values = [str(label["value"]) for label in labels]
    own = {str(label["key"]) for label in labels if label.get("key") and not label.get("retired")}
    by_place = ([*DIGITS, *(f"+{digit}" for digit in DIGITS)] + [""] * len(values))[: len(values)]
    if all(len(value) == 1 and value in "0123456789" for value in values):
        by_place = values
    free = ["" if key in own else key for key in by_place]
    chosen = [str(label.get("key") or key) for label, key in zip(labels, free, strict=True)]
    return ["" if label.get("retired") else key for label, key in zip(labels, chosen, strict=True)]


def cap(key: str) -> str:
    """What stands on the key cap."""
    return key.replace("+", "⇧") if key.startswith("+") else key.upper()


def answer_keys(labels: Labels) -> tuple[AnswerKeys, ...]:
    """The keys of these labels for a list of keys: one row, or one for each ten labels and one for those without."""
    keys = keys_of(labels)
    if keys[:10] != DIGITS[: len(keys)]:
        return (AnswerKeys("Answer with a label", tuple(key_runs([key for key in keys if key]))),)
    rows = [
        AnswerKeys(
            f"Answer with {_positions(start, min(start + 10, len(keys)))}", tuple(key_runs(keys[start : start + 10]))
        )
        for start in range(0, min(len(keys), 20), 10)
    ]
    if len(keys) > 20:
        words = f"Answer with {_positions(20, len(keys))}: search for its name, then"
        rows.append(AnswerKeys(words, (("Enter", "Enter"),)))
    return tuple(rows)


def _positions(start: int, end: int) -> str:
    return f"label {end}" if end - start == 1 else f"label {start + 1} to {end}"


def key_runs(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The keys' caps in their order; three or more that follow each other as first and last."""
    start = 0
    for place in range(1, len(keys) + 1):
        if place < len(keys) and _follows(keys[place - 1], keys[place]):
            continue
        run = [cap(key) for key in keys[start:place]]
        yield from [(run[0], run[-1])] if len(run) > 2 else [(one, one) for one in run]
        start = place


def _follows(before: str, key: str) -> bool:
    return before[:-1] == key[:-1] and ord(key[-1:] or "0") == ord(before[-1:] or "0") + 1
