"""How few labels a strategy needs: the area under the score over the labels asked, and the labels to 95 %.

    python -m benchmarks.label_efficiency [--sets digits sms_spam ...] [--strategies auto random] [--seeds n]
        [--audit-share 0.05]

One JSON line for each set and strategy. The first batch is chosen with no label known; the model is then refitted from
scratch each round; seeds vary only what is asked. `area` is the mean of the score over the labels (trapezoid, first
batch to budget) divided by the score with every label; `half` and `final` are the scores at half the budget and at all
of it; `labels_to_95` the mean over seeds of the first budget at which the score, and the mean of it and the next two,
reach 95 % of that. The sets are those of `label_sets`, most with a bar to reach, and others (`wine` to `noisy`, and the
texts of `unseen_texts`) to see that `auto` does no harm there. An audit share of 0 draws nothing for the audit, as in
published comparisons; any other share asks at least one audit item a round. Rounds are those of the product: the audit
is drawn by a keyed hash at capture, and `select` chooses among all rows whatever the audit drew.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from annotation.sampling import Pool, select, vectorise
from annotation.sampling.arrays import NO_ROWS
from annotation.sampling.design.poisson import audit_rate, draw_numbers
from annotation.sampling.query_round import picks_for
from benchmarks.data import Absent
from benchmarks.label_sets import SETS, LabelSet
from benchmarks.unseen_texts import UNSEEN

Floats = NDArray[np.float64]


def _numbers(name: str, x: Floats, y: NDArray[np.intp], *, batch: int, budget: int, seeds: int) -> LabelSet:
    pool, test = train_test_split(np.arange(len(y)), test_size=0.3, random_state=0, stratify=y)
    columns = {f"x{column}": x[pool, column].tolist() for column in range(x.shape[1])}
    scaled = StandardScaler().fit(x[pool]).transform(x)
    return LabelSet(
        name=name,
        columns=columns,
        types=dict.fromkeys(columns, "number"),
        pool=scaled[pool],
        pool_target=y[pool],
        test=scaled[test],
        test_target=y[test],
        classes=tuple(str(code) for code in np.unique(y)),
        model=lambda: LogisticRegression(C=1, max_iter=500),
        metric="macro_f1",
        batch=batch,
        budget=budget,
        seeds=seeds,
    )


def _made(rows: int, columns: int, informative: int, classes: int, seed: int, **more: Any) -> tuple[Any, Any]:
    return make_classification(
        rows, columns, n_informative=informative, n_redundant=2, n_classes=classes, random_state=seed, **more
    )


OTHERS: dict[str, Callable[[], LabelSet]] = {
    "wine": lambda: _numbers("wine", *load_wine(return_X_y=True), batch=5, budget=60, seeds=10),
    "breast_cancer": lambda: _numbers(
        "breast_cancer", *load_breast_cancer(return_X_y=True), batch=10, budget=150, seeds=10
    ),
    "one_in_twenty": lambda: _numbers(
        "one_in_twenty", *_made(6000, 20, 6, 2, 3, weights=[0.95], class_sep=1.2), batch=20, budget=400, seeds=10
    ),
    "five_uneven": lambda: _numbers(
        "five_uneven",
        *_made(6000, 15, 8, 5, 6, n_clusters_per_class=1, weights=[0.6, 0.25, 0.1, 0.03, 0.02], class_sep=1.3),
        batch=20,
        budget=400,
        seeds=10,
    ),
    "twenty_classes": lambda: _numbers(
        "twenty_classes",
        *_made(6000, 30, 12, 20, 5, n_clusters_per_class=1, class_sep=1.6),
        batch=40,
        budget=800,
        seeds=5,
    ),
    "noisy": lambda: _numbers(
        "noisy", *_made(5000, 10, 4, 2, 7, flip_y=0.2, class_sep=0.8), batch=20, budget=400, seeds=10
    ),
}
ALL: dict[str, Callable[[], LabelSet]] = {
    **SETS,
    **OTHERS,
    **{name: partial(load, name) for name, load in UNSEEN.items()},
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for name in options.sets:
        try:
            labels = ALL[name]()
        except Absent as absent:
            _print(benchmark="label_efficiency", set=name, absent=str(absent))
            continue
        vectors = vectorise(labels.columns, labels.types, texts=labels.texts, seed=0)
        repetitions = [labels.of_repetition(seed) for seed in range(options.seeds or labels.seeds)]
        full = full_scores(repetitions)
        for strategy in options.strategies:
            _print(**measure(repetitions, vectors, full, strategy, options.audit_share))


def full_scores(repetitions: Sequence[LabelSet]) -> Floats:
    """(seeds,) the score with every label of the pool, where it differs between repetitions fitted for each."""
    differ = repetitions if repetitions[0].exchanged else repetitions[:1]
    found = [score(one, fit_predict(one, np.arange(len(one.pool_target)))[1]) for one in differ]
    return np.resize(found, len(repetitions))


def measure(
    repetitions: Sequence[LabelSet],
    vectors: NDArray[np.float32],
    full: Floats,
    strategy: str,
    audit_share: float,
) -> dict[str, Any]:
    """The figures of one strategy on one set, over its repetitions; `full` (seeds,) as `full_scores` gives it."""
    labels, seeds = repetitions[0], len(repetitions)
    runs = [replay(one, vectors, strategy, seed, audit_share) for seed, one in enumerate(repetitions)]
    scores = np.array([curve for curve, _ in runs])
    curves = scores / full[:, None]
    asked = np.minimum(labels.batch * np.arange(1, curves.shape[1] + 1), labels.budget)
    areas = np.trapezoid(curves, asked, axis=1) / (asked[-1] - asked[0])
    reached = [_first(curve, asked, 0.95) for curve in curves]
    there = [count for count in reached if count is not None]
    return {
        "benchmark": "label_efficiency",
        "set": labels.name,
        "strategy": strategy,
        "metric": labels.metric,
        "audit_share": audit_share,
        "seeds": seeds,
        "full_data_score": round(float(full.mean()), 4),
        "area": round(float(areas.mean()), 4),
        "area_sd": round(float(areas.std(ddof=1)), 4) if seeds > 1 else None,
        "reach": labels.bar.area,
        "labels_to_95": float(np.mean(there)) if there else None,
        "labels_to_95_seeds": f"{len(there)}/{seeds}",
        "reach_labels_to_95": labels.bar.labels_to_95,
        "half": round(float(scores[:, np.searchsorted(asked, labels.budget / 2)].mean()), 4),
        "final": round(float(scores[:, -1].mean()), 4),
        "query_cpu_seconds": round(float(np.mean([seconds for _, seconds in runs])), 4),
    }


def replay(
    labels: LabelSet, vectors: NDArray[np.float32], strategy: str, seed: int, audit_share: float
) -> tuple[Floats, float]:
    """The score after each round from nothing to the budget, and the mean CPU seconds of a query."""
    drawn = _drawn(len(vectors), labels.budget, audit_share, seed)
    active, audited = NO_ROWS, NO_ROWS
    scores, spent = [], []
    said: Floats | None = None
    while len(active) + len(audited) < labels.budget:
        size = min(labels.batch, labels.budget - len(active) - len(audited))
        audit = np.setdiff1d(drawn, np.concatenate([active, audited]), assume_unique=True)[: _audits(size, audit_share)]
        waiting = np.setdiff1d(np.arange(len(vectors)), active)
        probabilities = said[waiting] if said is not None else None
        pool = Pool(vectors[waiting], probabilities, labels.classes, vectors[active], labels.pool_target[active])
        started = time.process_time()
        chosen = select(
            pool,
            size=picks_for(size - len(audit), audit_share=audit_share),
            strategy=_possible(strategy, pool),
            seed=1000 * seed + len(active) + len(audited),
        )
        spent.append(time.process_time() - started)
        audited = np.concatenate([audited, audit])
        picked = waiting[chosen.index]
        questions = np.cumsum(~np.isin(picked, audited))
        active = np.concatenate([active, picked[: int(np.searchsorted(questions, size - len(audit))) + 1]])
        asked = np.union1d(active, audited)
        audited = np.setdiff1d(audited, active)
        said, judged = fit_predict(labels, asked)
        scores.append(score(labels, judged))
    return np.array(scores), float(np.mean(spent))


def _drawn(n: int, budget: int, audit_share: float, seed: int) -> NDArray[np.intp]:
    """The rows that the audit drew when they were captured, in random order: enough for its share of the budget."""
    if not audit_share:
        return NO_ROWS
    rate = audit_rate(share=audit_share, labels_a_day=1.5 * budget, items_a_day=n)
    numbers = draw_numbers(f"seed {seed}".encode(), [str(row) for row in range(n)])
    rows = np.flatnonzero(numbers[:, 0] < rate)
    return rows[np.argsort(numbers[rows, 1])]


def _audits(size: int, audit_share: float) -> int:
    return max(1, round(size * audit_share)) if audit_share else 0


def _possible(strategy: str, pool: Pool) -> str:
    blind = pool.probabilities is None and strategy in ("margin", "entropy", "least_confidence", "diverse_margin")
    return "random" if blind else strategy


def fit_predict(labels: LabelSet, asked: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Probabilities over pool and test of a model fitted on the rows asked; 0 for a class without a label yet."""
    target = labels.pool_target[asked]
    known = np.unique(target)
    answers = (
        np.zeros((labels.pool.shape[0], len(labels.classes))),
        np.zeros((labels.test.shape[0], len(labels.classes))),
    )
    if len(known) == 1:
        for answer in answers:
            answer[:, known[0]] = 1.0
        return answers
    columns = _columns(labels.pool[asked])
    model = labels.model().fit(labels.pool[asked][:, columns], target)
    for answer, rows in zip(answers, (labels.pool, labels.test), strict=True):
        answer[:, known] = model.predict_proba(rows[:, columns])
    return answers


def _columns(rows: Any) -> NDArray[np.intp]:
    """Words of the labelled rows: a penalised regression leaves all others at 0, so this is the same model, sooner."""
    return np.flatnonzero(rows.getnnz(axis=0)) if issparse(rows) else np.arange(rows.shape[1])


def score(labels: LabelSet, probabilities: Floats) -> float:
    """The set's metric over its test part."""
    predicted = probabilities.argmax(axis=1)
    if labels.metric == "accuracy":
        return float(accuracy_score(labels.test_target, predicted))
    return float(f1_score(labels.test_target, predicted, average="macro"))


def _first(curve: Floats, asked: NDArray[np.intp], share: float) -> int | None:
    for position in range(len(curve)):
        if curve[position] >= share and curve[position : position + 3].mean() >= share:
            return int(asked[position])
    return None


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Label efficiency of the sampling strategies.")
    parser.add_argument("--sets", nargs="+", choices=list(ALL), default=list(ALL))
    parser.add_argument("--strategies", nargs="+", default=["auto", "random"])
    parser.add_argument("--seeds", type=int, default=None, help="repetitions; each set has its own default")
    parser.add_argument("--audit-share", type=float, default=0.05, help="uniform share; at least one item a round")
    return parser.parse_args(arguments)


def _print(**figures: Any) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
