"""Do the most harmful labels, by their value for audited items, hold the wrong ones, and does leaving them out help?

    python -m benchmarks.label_value [--seeds 3] [--audited 300] [--sets digits ...]

JSON lines, means over `--seeds`. 40 % of a set is held back for scores; of the rest `--audited` items are audited, with
their true labels, and the others train, with 10 % of their labels replaced (`benchmarks.label_errors`). `ap`: average
precision of the values at finding the replaced labels; `harmful`: labels below 0 at a false discovery rate of 5 %, and
`wrong_among_harmful` the share of them that is replaced. `kept`, `dropped`, `dropped_at_random` and `clean`: accuracy
on the items held back of a logistic regression on the same vectors, trained with all labels, without the tenth of
least value, without a tenth by lot, and with every label true.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from analysis.metrics.labels.label_value import LabelledVectors, label_values
from benchmarks.data import Absent
from benchmarks.label_errors import KINDS, RATE, SETS, Floats, Ints, Labelled, flipped, means

NAMES = ("digits", "sms_spam_encoded", "banking77_encoded")
HELD_BACK = 0.4


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for name in options.sets:
        try:
            labelled = SETS[name]()
        except Absent as absent:
            print(json.dumps({"benchmark": "label_value", "set": name, "absent": str(absent)}), flush=True)
            continue
        for kind in KINDS if np.unique(labelled.truth).size > 2 else KINDS[:1]:
            runs = [_run(labelled, kind, options.audited, seed) for seed in range(options.seeds)]
            found = {"set": name, "flips": kind, "n": labelled.truth.size, "audited": options.audited}
            print(json.dumps({"benchmark": "label_value", **found, "seeds": len(runs), **means(runs)}), flush=True)


def _run(labelled: Labelled, kind: str, audited: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    given, vectors, truth = flipped(labelled, kind, rng), _vectors(labelled), labelled.truth
    order = rng.permutation(truth.size)
    held = order[: int(HELD_BACK * truth.size)]
    asked, train = order[held.size : held.size + audited], order[held.size + audited :]
    started = time.process_time()
    found = label_values(
        LabelledVectors(vectors[train], given[train]), LabelledVectors(vectors[asked], truth[asked]), np.ones(audited)
    )
    taken = time.process_time() - started
    wrong, fewer = given[train] != truth[train], round(RATE * train.size)

    def accuracy(rows: Ints, labels: Ints) -> float:
        model = LogisticRegression(C=10, max_iter=300).fit(vectors[rows], labels[rows])
        return float(model.score(vectors[held], truth[held]))

    return {
        "ap": float(average_precision_score(wrong, -found.value)),
        "harmful": float(found.harmful.sum()),
        "wrong_among_harmful": float(wrong[found.harmful].mean()) if found.harmful.any() else 0.0,
        "kept": accuracy(train, given),
        "dropped": accuracy(train[found.order[fewer:]], given),
        "dropped_at_random": accuracy(rng.permutation(train)[fewer:], given),
        "clean": accuracy(train, truth),
        "seconds": taken,
    }


def _vectors(labelled: Labelled) -> Floats:
    if labelled.texts is None:
        return np.asarray(labelled.plain, dtype=np.float64)
    return np.asarray(labelled.texts["text"], dtype=np.float64)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_value", description="The value of labels.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--audited", type=int, default=300)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=NAMES)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
