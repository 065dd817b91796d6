"""The `backtest` command against the sampling round alone with the same trainer: what does the real loop change?

    python -m benchmarks.backtest [--sets digits sms_spam telco_churn] [--seeds n] [--budget n] [--loop-only]

One JSON line for each set. `loop` is what `backtest` gives for the set as a file (capture, routing, leases, labels,
resolution, runs and releases in a database); `round` what `select` and the product's trainer give without one, by the
protocol of `label_efficiency` with no audit. Both read the same file and measure by the same rows. `difference` is loop
less round in `area` and `error` its standard error by the spread over seeds, so that a difference of twice as much is
no chance. `random` is the loop's own. `seconds_per_round` is of the loop, on one thread.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from annotation.sampling import vectorise
from benchmarks import label_efficiency
from benchmarks.data import Absent, rows_of
from benchmarks.encoded import vectors_of
from benchmarks.label_sets import LabelSet
from inputs.encoders import choice
from inputs.encoders.columns import EncodedTexts
from retraining.backtest import supervision
from retraining.backtest.options import BacktestOptions
from retraining.backtest.source import LabelledFile, read_file
from retraining.learning import fit, probabilities
from retraining.learning.model_selection.fitting import ModelSearch

Floats = NDArray[np.float64]
WORK = 120.0  # units, as `retraining.trainers.here` gives a run


def digits_file() -> pd.DataFrame:
    """The digits as a column of pictures in base64."""
    data = load_digits()
    return pd.DataFrame({"image": [_png(picture) for picture in data.images], "label": data.target})


def _png(picture: NDArray[np.float64]) -> str:
    buffer = io.BytesIO()
    Image.fromarray((picture.astype(np.uint8) * 15).astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class Measured:
    """A set as a file, and how it is asked for."""

    rows: Callable[[], pd.DataFrame]
    options: Mapping[str, Any]


SETS: Mapping[str, Measured] = {
    "digits": Measured(digits_file, {"image": "image", "budget": 300}),
    "sms_spam": Measured(
        lambda: rows_of("sms_spam")[["text", "label"]], {"text": "text", "metric": "macro_f1", "budget": 300}
    ),
    "telco_churn": Measured(lambda: rows_of("telco_churn").drop(columns="id"), {"metric": "macro_f1", "budget": 400}),
}


def main(arguments: Sequence[str] | None = None) -> None:
    given = _options(arguments)
    for name in given.sets:
        try:
            rows = SETS[name].rows()
        except Absent as absent:
            print(json.dumps({"benchmark": "backtest", "set": name, "absent": str(absent)}), flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.parquet"
            rows.to_parquet(path, index=False)
            changed = {"budget": given.budget} if given.budget else {}
            asked = {**SETS[name].options, "seeds": given.seeds, **changed}
            figures = _measure(BacktestOptions(file=str(path), label="label", **asked), loop_only=given.loop_only)
        print(json.dumps({"benchmark": "backtest", "set": name, "seeds": given.seeds, **figures}), flush=True)


def _measure(options: BacktestOptions, *, loop_only: bool) -> dict[str, Any]:
    loop = supervision.replay(options, progress=lambda share, words: None)
    names = ("full_data_score", "area", "area_sd", "labels_to_95", "seconds_per_round")
    shown = {"loop": {name: loop[name] for name in names}, "random": {name: loop["random"][name] for name in names}}
    alone = {} if loop_only else _compared(loop, options)
    return {"metric": options.metric, **shown, **alone}


def _compared(loop: Mapping[str, Any], options: BacktestOptions) -> dict[str, Any]:
    """The round alone, with the product's trainer as the model, and how far the loop is from it."""
    labels = label_set(read_file(options), options)
    vectors = vectorise(labels.columns, labels.types, texts=labels.texts, seed=0)
    repetitions = [labels] * options.seeds
    full = label_efficiency.full_scores(repetitions)
    alone = label_efficiency.measure(repetitions, vectors, full, options.strategy, 0.0)
    spread = np.hypot(loop["area_sd"], alone["area_sd"] or 0) / np.sqrt(options.seeds)
    return {
        "round": {name: alone[name] for name in ("full_data_score", "area", "area_sd", "labels_to_95")},
        "difference": round(loop["area"] - alone["area"], 4),
        "error": round(float(spread), 4),
    }


def label_set(file: LabelledFile, options: BacktestOptions) -> LabelSet:
    """The file as a set of the other benchmark, its rows known by their places and its model the product's trainer."""
    types = {name: str(rule["type"]) for name, rule in file.contract.items()}
    columns = {name: [_cell(row.inputs.get(name), types[name]) for row in file.rows] for name in types}
    texts = _encoded(columns, types)
    pool = texts.only(np.isin(np.arange(len(file.rows)), file.pool)) if texts else None
    return LabelSet(
        name=file.name,
        columns=_taken(columns, file.pool),
        types=types,
        pool=file.pool[:, None],
        pool_target=file.codes(file.pool),
        test=file.test[:, None],
        test_target=file.codes(file.test),
        classes=file.classes,
        model=lambda: TrainerModel(columns, types, file.classes, texts),
        metric=options.metric,
        batch=options.batch,
        budget=options.budget,
        seeds=options.seeds,
        texts=pool.vectors if pool else None,
    )


def _cell(value: Any, kind: str) -> Any:
    if kind != "image" or value is None:
        return value
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(value))).convert("L"))


def _encoded(columns: Mapping[str, Sequence[Any]], types: Mapping[str, str]) -> EncodedTexts | None:
    names = [name for name, kind in types.items() if kind == "text"]
    encoder = choice.choose("").encoder
    if not names or not encoder.per_text:
        return None
    return EncodedTexts(encoder.name, encoder.digest, {name: vectors_of(list(columns[name])) for name in names})


def _taken(columns: Mapping[str, Sequence[Any]], places: NDArray[np.intp]) -> dict[str, list[Any]]:
    return {name: [values[place] for place in places] for name, values in columns.items()}


class TrainerModel:
    """The product's trainer behind fit and predict_proba, for rows that are places in a file."""

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        types: Mapping[str, str],
        classes: Sequence[str],
        texts: EncodedTexts | None,
    ) -> None:
        self.columns, self.types, self.classes, self.texts = columns, types, classes, texts

    def fit(self, places: NDArray[np.intp], target: NDArray[np.intp]) -> TrainerModel:
        rows = places[:, 0]
        self.known = np.unique(target)
        self.fitted = fit(
            _taken(self.columns, rows),
            self.types,
            target,
            classes=self.classes,
            texts=self._texts(rows),
            search=ModelSearch(budget=WORK, seed=len(rows)),
        )
        return self

    def predict_proba(self, places: NDArray[np.intp]) -> Floats:
        rows = places[:, 0]
        said = probabilities(self.fitted, _taken(self.columns, rows), self.types, texts=self._texts(rows))
        return np.asarray(said[:, self.known])

    def _texts(self, rows: NDArray[np.intp]) -> EncodedTexts | None:
        if self.texts is None:
            return None
        vectors = {name: values[rows] for name, values in self.texts.vectors.items()}
        return EncodedTexts(self.texts.encoder, self.texts.digest, vectors)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description="The loop against its round.")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=int, default=None, help="labels; each set has its own default")
    parser.add_argument("--loop-only", action="store_true", help="without the round alone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
