"""Drift of texts by their terms alone, and with the vectors of the text encoder beside them.

    python -m benchmarks.drift_texts [--times 200] [--rows 1000] [--seed 0] [--sets banking77 sms_spam]

One JSON line for each set and change: the share of pairs of windows that drifted, by terms and with vectors. Windows
are of `--rows` texts, drawn without replacement. `nothing`: two random windows; in the other lines texts of some labels
are so many times as likely to be drawn for the second window: spam, or ten of the intents, anew for each pair.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.drift.compare import compare
from benchmarks.data import Absent, lines_or_absent, rows_of
from benchmarks.encoded import vectors_of
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.columns import with_vectors

TIMES_AS_LIKELY = (1.0, 1.5, 2.0, 3.0)
MOVED_LABELS = {"sms_spam": 1, "banking77": 10}
TYPES = {"text": "text"}

Line = dict[str, Any]
Rows = NDArray[np.intp]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", nargs="+", choices=list(MOVED_LABELS), default=list(MOVED_LABELS))
    options = parser.parse_args(arguments)
    for name in options.sets:
        for line in lines_or_absent(_changes(name, options.times, options.rows, options.seed), set=name):
            print(json.dumps({"benchmark": "drift_texts", **line}), flush=True)


def _changes(name: str, times: int, rows: int, seed: int) -> Iterator[Line]:
    frame = rows_of(name)
    texts, labels = frame["text"].to_numpy(dtype=object), frame["label"].to_numpy(dtype=object)
    try:
        vectors = vectors_of(texts.tolist())
    except EncoderUnavailable as why:
        raise Absent(str(why)) from None
    for factor in TIMES_AS_LIKELY:
        rng = np.random.default_rng(seed)
        found = np.zeros(2)
        for at in range(times):
            before, now = windows(labels, rows, factor, MOVED_LABELS[name], rng)
            found += [_drifted(texts, None, before, now, at), _drifted(texts, vectors, before, now, at)]
        change = "nothing" if factor == 1 else f"{factor:g} times as likely"
        terms, both = (found / times).round(4).tolist()
        yield {"set": name, "change": change, "pairs": times, "rows": rows, "by_terms": terms, "with_vectors": both}


def windows(
    labels: NDArray[np.object_], rows: int, factor: float, moved: int, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Rows of two windows that share none; `moved` labels are `factor` times as likely in the second: the rarest of two
    labels, else labels drawn at random."""
    names, counts = np.unique(labels.astype(str), return_counts=True)
    likelier = names[[counts.argmin()]] if len(names) == 2 else rng.choice(names, moved, replace=False)
    order = rng.permutation(len(labels))
    first, rest = order[:rows], order[rows:]
    weight = np.where(np.isin(labels[rest].astype(str), likelier), factor, 1.0)
    return first, rng.choice(rest, rows, replace=False, p=weight / weight.sum())


def _drifted(
    texts: NDArray[np.object_], vectors: NDArray[np.float32] | None, before: Rows, now: Rows, seed: int
) -> bool:
    sides = []
    for rows in (before, now):
        given = None if vectors is None else {"text": vectors[rows]}
        sides.append(with_vectors({"text": texts[rows]}, TYPES, given))
    return compare(sides[0][0], sides[1][0], types=sides[0][1], seed=seed).drifted


if __name__ == "__main__":
    main()
