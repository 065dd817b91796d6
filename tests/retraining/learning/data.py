"""Small data sets with a known answer, one for each kind of input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Columns = dict[str, list[Any]]

DIGITS = tuple("0123456789")
ALL_TYPES = {"note": "text", "amount": "number", "country": "category", "scan": "image"}


def digits(n: int, *, start: int = 0) -> tuple[Columns, NDArray[np.int64]]:
    """scikit-learn's handwritten digits, 8 by 8, in a fixed shuffled order."""
    data = load_digits()
    rows = np.random.default_rng(0).permutation(len(data.target))[start : start + n]
    return {"scan": [(data.images[i] * 255 / 16).astype(np.uint8) for i in rows]}, data.target[rows]


def coin_flips(times: int, *, seed: int = 0) -> tuple[Columns, NDArray[np.int64]]:
    """Forty texts of random words, each `times` times, whose labels were drawn by lot: nothing can be learnt."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(300)]
    texts = [" ".join(rng.choice(words, 8)) for _ in range(40)]
    return {"note": texts * times}, np.tile(rng.permutation(np.arange(40) % 2), times)


def mixed(n: int, *, seed: int = 0, missing: float = 0.1) -> tuple[Columns, NDArray[np.int64]]:
    """All four types, each telling something of a binary target; a share of each is missing."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    words = np.array(["late parcel", "great thanks"])
    columns: Columns = {
        "note": [f"{words[t]} {rng.integers(9)}" for t in target],
        "amount": [float(rng.normal(t, 1.0)) for t in target],
        "country": [str(rng.choice(["de", "fr"] if t else ["fr", "it"])) for t in target],
        "scan": [np.full((4, 6), 60 + 120 * t, dtype=np.uint8) for t in target],
    }
    for values in columns.values():
        for row in np.flatnonzero(rng.random(n) < missing):
            values[row] = None
    return columns, target


def only(columns: Columns, *names: str) -> tuple[Columns, dict[str, str]]:
    return {name: columns[name] for name in names}, {name: ALL_TYPES[name] for name in names}
