"""What a fit is worth: the model chosen, its score on fresh rows, and whether its own estimate of that was right.

    python -m benchmarks.fitting [--sets digits sms_spam ...] [--sizes 20 60 200 600] [--seeds 3] [--budget 60]
        [--sigmoid-from 10] [--isotonic-from 50]

One JSON line for each set and number of labels, means over seeds. `seconds` is CPU time of the fit, `work` the
units that were counted for what was tried. `log_loss` (nats, low is good) is that of the calibrated model on up to 2000
fresh rows, `held_out` what the fit itself estimated from its training rows,
`uncalibrated` that of the same model left as it was where it has probabilities of its own (else the same figure);
`plain` is the benchmark's usual single model with default probabilities. A class that no label named counts as
probability 1e-6. Draws of a single class are passed over. `--sigmoid-from` and `--isotonic-from` change from how
many labels of each class these calibrators are candidates. `families` and `calibrators` say what was chosen, per seed.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Absent
from benchmarks.label_sets import SETS, LabelSet
from retraining.learning import Fitted, fit, probabilities
from retraining.learning.calibration import choose
from retraining.learning.calibration.choose import log_losses
from retraining.learning.model_selection.fitting import ModelSearch
from retraining.learning.predict import spread

FRESH = 2000
Floats = NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    choose.ENOUGH_FOR_SIGMOID = options.sigmoid_from
    choose.ENOUGH_FOR_ISOTONIC = options.isotonic_from
    for name in options.sets:
        try:
            labels = SETS[name]()
        except Absent as absent:
            print(json.dumps({"benchmark": "fitting", "set": name, "absent": str(absent)}), flush=True)
            continue
        for n in options.sizes:
            print(json.dumps(_line(labels, n, options.seeds, options.budget)), flush=True)


def _line(labels: LabelSet, n: int, seeds: int, budget: float) -> dict[str, Any]:
    usable = (seed for seed in range(1000) if len(set(labels.pool_target[_order(labels, seed)[:n]])) > 1)
    runs = [_run(labels, n, seed, budget) for seed in islice(usable, seeds)]
    chosen = [run.pop("fitted") for run in runs]
    means = {key: round(float(np.mean([run[key] for run in runs])), 4) for key in runs[0]}
    return {
        "benchmark": "fitting",
        "set": labels.name,
        "labels": n,
        "seeds": seeds,
        **means,
        "families": [one.family for one in chosen],
        "calibrators": [one.calibrator for one in chosen],
    }


def _run(labels: LabelSet, n: int, seed: int, budget: float) -> dict[str, Any]:
    order = _order(labels, seed)
    learnt, fresh = order[:n], order[n : n + FRESH]
    target, truth = labels.pool_target[learnt], np.eye(len(labels.classes))[labels.pool_target[fresh]]
    started = time.process_time()
    found = fit(
        _rows(labels, learnt),
        labels.types,
        target,
        classes=labels.classes,
        search=ModelSearch(budget=budget, seed=seed),
    )
    taken = time.process_time() - started
    said = probabilities(found, _rows(labels, fresh), labels.types)
    plain = _plain(labels, learnt, fresh)
    return {
        "accuracy": (said.argmax(axis=1) == truth.argmax(axis=1)).mean(),
        "plain_accuracy": (plain.argmax(axis=1) == truth.argmax(axis=1)).mean(),
        "log_loss": log_losses(said, truth).mean(),
        "held_out": log_losses(found.out_of_fold, np.eye(len(labels.classes))[target]).mean(),
        "uncalibrated": log_losses(_uncalibrated(found, labels, fresh, said), truth).mean(),
        "plain": log_losses(plain, truth).mean(),
        "seconds": taken,
        "work": sum(one.work for one in found.candidates if one.log_loss is not None),
        "fitted": found,
    }


def _order(labels: LabelSet, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(len(labels.pool_target))


def _rows(labels: LabelSet, rows: NDArray[np.intp]) -> dict[str, list[Any]]:
    return {name: [values[i] for i in rows] for name, values in labels.columns.items()}


def _uncalibrated(found: Fitted, labels: LabelSet, fresh: NDArray[np.intp], said: Floats) -> Floats:
    if found.calibrator == "none":
        return said
    inner = found.estimator.estimator.estimator  # calibrated, frozen, pipeline
    if not hasattr(inner, "predict_proba"):
        return said
    return probabilities(inner, _rows(labels, fresh), labels.types, found.frame_parameters, found.classes)


def _plain(labels: LabelSet, learnt: NDArray[np.intp], fresh: NDArray[np.intp]) -> Floats:
    model = labels.model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the plain model may warn of what it likes
        model.fit(labels.pool[learnt], labels.pool_target[learnt])
    return spread(model.predict_proba(labels.pool[fresh]), model.classes_, n_classes=len(labels.classes))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fitting", description="What a fit is worth.")
    parser.add_argument(
        "--sets", nargs="+", choices=sorted(SETS), default=[name for name in SETS if name != "banking77"]
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[20, 60, 200, 600])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--sigmoid-from", type=int, default=choose.ENOUGH_FOR_SIGMOID)
    parser.add_argument("--isotonic-from", type=int, default=choose.ENOUGH_FOR_ISOTONIC)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
