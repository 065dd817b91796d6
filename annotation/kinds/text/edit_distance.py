"""Edit distance of two texts (Levenshtein 1966): the fewest characters put in, taken out or changed. Pure."""

import numpy as np


def edit_distance(one: str, other: str) -> int:
    """0 for equal texts, at most the length of the longer one; in memory of the shorter one.

    Row by row as Wagner and Fischer 1974, each row at once: what an insertion costs is a running minimum.
    """
    one, other = _different_parts(one, other)
    if len(one) < len(other):
        one, other = other, one
    if not other:
        return len(one)
    letters = np.array([ord(letter) for letter in other])
    steps = np.arange(len(other) + 1)
    row = steps.copy()
    for place, letter in enumerate(one, 1):
        changed = row[:-1] + (letters != ord(letter))
        best = np.concatenate([[place], np.minimum(changed, row[1:] + 1)])
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])


def _different_parts(one: str, other: str) -> tuple[str, str]:
    """The texts without what both begin and end with, which costs nothing."""
    shorter = min(len(one), len(other))
    start = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    one, other = one[start:], other[start:]
    shorter = min(len(one), len(other))
    end = next((place for place in range(shorter) if one[-1 - place] != other[-1 - place]), shorter)
    return one[: len(one) - end], other[: len(other) - end]
