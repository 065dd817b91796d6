"""Are wrong labels found as well as cleanlab's best ranking finds them, and is the promised precision kept?

    python -m benchmarks.label_errors [--seeds 3] [--only injected verified] [--sets digits ...] [--budget 60]

JSON lines, means over `--seeds`. `injected`: 10 % of the labels of a set are replaced, `uniform` by any other class,
`confused` by the likeliest other class of a model fitted to the true labels. `ap` and `auroc` are ours: probabilities
of `out_of_sample` within `--budget` units of work, scored by `suspected`. `cleanlab_*`: the best of four rankings of
cleanlab on the same labels, over the usual probabilities (5-fold logistic regression, C = 10, on TF-IDF, pixels or
scaled numbers), and `same_probabilities_*` that over ours. `expected` and `realised` are the precision promised for
the flagged list and the one found, `inside` the share of lists (flagged, and the top 25 to 400) whose interval holds
it. `verified`: labels that confident learning had flagged and people judged, with the published probabilities; only
rows that people judged are ranked. Sets of benchmarks.data are left out where they are absent.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from analysis.metrics.labels.expected_precision import ShareWithInterval
from analysis.metrics.labels.label_errors import LabelErrors, suspected
from analysis.metrics.labels.out_of_sample import out_of_sample
from benchmarks.data import Absent, path_to, rows_of
from benchmarks.encoded import vectors_of
from inputs.encoders.base import EncoderUnavailable
from inputs.encoders.columns import VectorsByInput

PARTS = ["injected", "verified"]
KINDS = ("uniform", "confused")
RATE = 0.1
LENGTHS = (25, 50, 100, 200, 400)
CLEANLAB: Mapping[str, Mapping[str, Any]] = {
    "self_confidence": {"method": "self_confidence"},
    "normalized_margin": {"method": "normalized_margin"},
    "confidence_weighted_entropy": {"method": "confidence_weighted_entropy"},
    "self_confidence_adjusted": {"method": "self_confidence", "adjust_pred_probs": True},
}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """Inputs as the product sees them, true labels, and the inputs and pipeline of the usual probabilities."""

    columns: Mapping[str, Sequence[Any]]
    types: Mapping[str, str]
    truth: Ints
    plain: Any
    model: Any
    texts: VectorsByInput | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    warnings.filterwarnings("ignore", module="sklearn")  # the plain model may warn of what it likes
    if "injected" in options.only:
        for name in options.sets:
            try:
                labelled = SETS[name]()
            except Absent as absent:
                _print(set=name, absent=str(absent))
                continue
            for kind in KINDS if np.unique(labelled.truth).size > 2 else KINDS[:1]:
                runs = [injected(labelled, kind, seed, options.budget) for seed in range(options.seeds)]
                _print(set=name, flips=kind, rate=RATE, n=labelled.truth.size, seeds=len(runs), **means(runs))
    if "verified" in options.only:
        for name in ("cifar10", "mnist"):
            try:
                _print(**verified(name))
            except Absent as absent:
                _print(set=f"verified {name}", absent=str(absent))


def injected(labelled: Labelled, kind: str, seed: int, budget: float) -> dict[str, Any]:
    given = flipped(labelled, kind, np.random.default_rng(seed))
    wrong = given != labelled.truth
    started, k = time.process_time(), int(labelled.truth.max()) + 1
    ours = out_of_sample(labelled.columns, labelled.types, given, budget=budget, classes=k, vectors=labelled.texts)
    found = suspected(given, ours.probabilities)
    taken = time.process_time() - started
    usual = _plain(labelled, given, seed)
    return {
        **_ranked(wrong, found.score),
        **_best_of_cleanlab(wrong, given, usual, "cleanlab"),
        **_best_of_cleanlab(wrong, given, ours.probabilities, "same_probabilities"),
        **_promised(wrong, found),
        "seconds": taken,
        "models": ours.model,
    }


def flipped(labelled: Labelled, kind: str, rng: np.random.Generator) -> Ints:
    """The true labels, a tenth of them replaced."""
    truth, k = labelled.truth, int(labelled.truth.max()) + 1
    chosen = rng.choice(truth.size, round(RATE * truth.size), replace=False)
    given = truth.copy()
    if kind == "uniform":
        given[chosen] = (truth[chosen] + rng.integers(1, k, chosen.size)) % k
        return given
    pred_probs = _plain(labelled, truth, 0)
    pred_probs[np.arange(truth.size), truth] = -1
    given[chosen] = pred_probs.argmax(axis=1)[chosen]
    return given


def verified(name: str) -> dict[str, Any]:
    stored = np.load(path_to("label_errors_dev", f"{name}.npz"))
    given, pred_probs = stored["labels"].astype(np.int64), stored["pred_probs"].astype(np.float64)
    pred_probs = np.maximum(pred_probs, 0) / pred_probs.sum(axis=1, keepdims=True)
    judged = rows_of("label_errors_dev", f"{name}_mturk.csv.gz")
    rows, wrong = judged["id"].to_numpy(), judged["is_error"].to_numpy().astype(bool)
    started = time.process_time()
    found = suspected(given, pred_probs)
    taken = time.process_time() - started
    return {
        "set": f"verified {name}",
        "n": rows.size,
        **_rounded(_ranked(wrong, found.score[rows])),
        **_rounded(_best_of_cleanlab(wrong, given, pred_probs, "cleanlab", rows)),
        "share_wrong_among_flagged_and_judged": round(float(wrong[found.flagged[rows]].mean()), 4),
        "flagged": int(found.flagged.sum()),
        "flagged_and_judged": int(found.flagged[rows].sum()),
        "seconds": round(taken, 2),
        "method": found.method,
    }


def _ranked(wrong: Bools, score: Floats) -> dict[str, float]:
    return {"ap": float(average_precision_score(wrong, -score)), "auroc": float(roc_auc_score(wrong, -score))}


def _best_of_cleanlab(
    wrong: Bools, given: Ints, pred_probs: Floats, name: str, rows: Ints | slice = slice(None)
) -> dict[str, Any]:
    scores = {one: get_label_quality_scores(given, pred_probs, **how)[rows] for one, how in CLEANLAB.items()}
    each = {one: _ranked(wrong, score)["ap"] for one, score in scores.items()}
    best = max(each, key=lambda one: each[one])
    return {f"{name}_ap": each[best], f"{name}_auroc": _ranked(wrong, scores[best])["auroc"], f"{name}_ranking": best}


def _promised(wrong: Bools, found: LabelErrors) -> dict[str, float]:
    expected, order = found.expected_precision, found.expected_precision.order
    flagged = int(found.flagged.sum())
    inside = []
    for length in (flagged, *LENGTHS):
        if 1 <= length <= wrong.size:
            promise = expected.of(length)
            inside.append(promise.low <= wrong[order[:length]].mean() <= promise.high)
    return {
        "flagged": flagged,
        "expected": _value(expected.of(flagged)) if flagged else np.nan,
        "realised": float(wrong[found.flagged].mean()) if flagged else np.nan,
        "recall": float(found.flagged[wrong].mean()),
        "inside": float(np.mean(inside)),
        "estimated_share": _value(found.estimated_share),
    }


def _value(share: ShareWithInterval) -> float:
    return np.nan if share.value is None else share.value


def _plain(labelled: Labelled, given: Ints, seed: int) -> Floats:
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(labelled.model, labelled.plain, given, cv=folds, method="predict_proba", n_jobs=1)


def digits() -> Labelled:
    data = load_digits()
    plain = LogisticRegression(max_iter=1000)
    return Labelled({"image": list(data.images)}, {"image": "image"}, data.target, data.data / 16, plain)


def breast_cancer() -> Labelled:
    return _numbers(load_breast_cancer())


def wine() -> Labelled:
    return _numbers(load_wine())


def _numbers(data: Any) -> Labelled:
    columns = {str(name): column for name, column in zip(data.feature_names, data.data.T, strict=True)}
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=10, max_iter=1000))
    return Labelled(columns, dict.fromkeys(columns, "number"), data.target, data.data, plain)


def banking77() -> Labelled:
    return _text("banking77")


def sms_spam() -> Labelled:
    return _text("sms_spam")


def banking77_encoded() -> Labelled:
    return _encoded(banking77())


def sms_spam_encoded() -> Labelled:
    return _encoded(sms_spam())


def telco_churn() -> Labelled:
    frame = rows_of("telco_churn").drop(columns="id").dropna()
    inputs = frame.drop(columns="label")
    inputs["TotalCharges"] = pd.to_numeric(inputs["TotalCharges"], errors="coerce").fillna(0)
    numbers = ["tenure", "MonthlyCharges", "TotalCharges"]
    types = {name: "number" if name in numbers else "category" for name in inputs}
    coded = make_column_transformer(
        (StandardScaler(), numbers),
        (OneHotEncoder(handle_unknown="ignore"), [name for name in inputs if name not in numbers]),
    )
    plain = make_pipeline(coded, LogisticRegression(C=10, max_iter=1000))
    return Labelled({name: inputs[name].tolist() for name in inputs}, types, _codes(frame), inputs, plain)


def _text(name: str) -> Labelled:
    frame = rows_of(name)
    texts = frame["text"].tolist()
    plain = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=300))
    return Labelled({"text": texts}, {"text": "text"}, _codes(frame), np.array(texts, dtype=object), plain)


def _encoded(labelled: Labelled) -> Labelled:
    """The same labels, with models on the text encoder's vectors beside those on words."""
    try:
        return replace(labelled, texts={"text": vectors_of(list(labelled.columns["text"]))})
    except EncoderUnavailable as why:
        raise Absent(str(why)) from None


def _codes(frame: pd.DataFrame) -> Ints:
    return np.unique(frame["label"].astype(str), return_inverse=True)[1].astype(np.int64)


SETS: Mapping[str, Callable[[], Labelled]] = {
    one.__name__: one
    for one in (digits, breast_cancer, wine, sms_spam, telco_churn, banking77, sms_spam_encoded, banking77_encoded)
}


def means(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    words = {key for key, value in runs[0].items() if isinstance(value, str)}
    figures = {key: float(np.mean([run[key] for run in runs])) for key in runs[0] if key not in words}
    result = {key: sorted({run[key] for run in runs}) for key in words}
    return _rounded(figures) | {
        key: values[0] if len(values) == 1 else values for key, values in sorted(result.items())
    }


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}


def _print(**figures: Any) -> None:
    print(json.dumps({"benchmark": "label_errors", **figures}), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.label_errors", description="Finding wrong labels.")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=list(SETS))
    parser.add_argument("--budget", type=float, default=60.0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
