"""How far estimates without labels are from what the labels show later.

    python -m benchmarks.estimate [--times 12] [--seed 0] [--only simulated credit employment label_shift]

One JSON line for each case. Errors are absolute, in the metric's own unit, averaged over windows. `static` keeps the
reference's figure, `cbpe` is the confidence-based estimate, `ours` the one fitted to the window's mix of inputs.
Simulated scenarios: a logistic regression that cannot express the truth, a reference with labels, a window drawn from
elsewhere; the truth there is the expected accuracy, without label noise. credit_default and employment_ma are sets
of benchmarks.data, left out where they are absent.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from analysis.metrics.drift.encoding import encoder
from analysis.metrics.estimates import label_free
from analysis.metrics.estimates.expected_metrics import METRICS
from analysis.metrics.estimates.label_shift import bbse
from benchmarks.cases import Case, Line, run_cases
from benchmarks.data import rows_of
from inputs.columns import as_texts

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ShiftScenario:
    """truth: P(class 1) of rows (n, d); moved: how far the window's mean lies from the reference's, per column."""

    name: str
    truth: Callable[[Floats], Floats]
    moved: tuple[float, ...]


SCENARIOS = (
    ShiftScenario("bent", lambda x: expit(1.2 * x[:, 0] + 1.5 * (x[:, 1] ** 2 - 1) + 0.5 * x[:, 2]), (0.8, 0.8, 0)),
    ShiftScenario("crossed", lambda x: expit(2 * x[:, 0] * x[:, 1] + x[:, 2]), (0.7, 0.7, 0.3)),
    ShiftScenario("noisy corner", lambda x: np.where(x[:, 1] > 0.5, 0.5, expit(3 * x[:, 0])), (0, 1, 0)),
    ShiftScenario("wave", lambda x: expit(2 * np.sin(2 * x[:, 0]) + x[:, 1]), (1, 0.5, 0)),
    ShiftScenario("well specified", lambda x: expit(1.5 * x[:, 0] - x[:, 1]), (0.8, -0.5, 0)),
)


def simulated(times: int, seed: int) -> Iterator[Line]:
    """Covariate shift with the model misspecified in four ways and not in a fifth; and no shift at all."""
    for shifted in (True, False):
        every: list[Floats] = []
        for scenario in SCENARIOS:
            errors = np.array(
                [_simulated(scenario, shifted, np.random.default_rng([seed, time])) for time in range(times)]
            )
            every.append(errors)
            yield {"case": "covariate shift" if shifted else "no shift", "scenario": scenario.name, **_means(errors)}
        together = np.vstack(every)
        line = _means(together)
        name = "covariate shift" if shifted else "no shift"
        yield {
            "case": name,
            "scenario": "all",
            "windows": len(together),
            **line,
            "ours_over_cbpe": line["ours"] / line["cbpe"],
        }


def _means(errors: Floats) -> Line:
    return dict(zip(("static", "cbpe", "ours"), np.abs(errors).mean(axis=0).tolist(), strict=True))


def _simulated(scenario: ShiftScenario, shifted: bool, rng: np.random.Generator) -> list[float]:
    train, past, now = (rng.normal(size=(rows, 3)) for rows in (4000, 10_000, 2000))
    now = now + np.array(scenario.moved) * shifted
    model = LogisticRegression().fit(train, rng.random(len(train)) < scenario.truth(train))
    labels = (rng.random(len(past)) < scenario.truth(past)).astype(np.int64)
    reference = label_free.reference(model.predict_proba(past), labels, features=past)
    scores = model.predict_proba(now)
    truth = np.column_stack([1 - scenario.truth(now), scenario.truth(now)])
    real = truth[np.arange(len(now)), scores.argmax(axis=1)].mean()
    return [
        float((reference.predicted == labels).mean() - real),
        (label_free.cbpe(reference, scores)["accuracy"].value or np.nan) - real,
        (label_free.shift_weighted(reference, scores, now)["accuracy"].value or np.nan) - real,
    ]


def credit(times: int, seed: int) -> Iterator[Line]:
    """Real rows, windows of 2 000 drawn so that one column's high values prevail; their labels are the truth."""
    rows = rows_of("credit_default").drop(columns="id")
    for column in ("LIMIT_BAL", "AGE", "PAY_0", "BILL_AMT1"):
        errors = np.array([_tilted(rows, column, np.random.default_rng([seed, time])) for time in range(times)])
        yield {"case": "credit_default, covariate shift", "tilted_by": column, "windows": times, **_means(errors)}


def _tilted(rows: pd.DataFrame, column: str, rng: np.random.Generator) -> list[float]:
    inputs, labels = rows.drop(columns="label").to_numpy(float), rows["label"].to_numpy(np.int64)
    order = rng.permutation(len(rows))
    train, past, rest = order[:6000], order[6000:18_000], order[18_000:]
    # A model that saw only part of the columns, as a plain scorecard does: shift in the others bends its calibration.
    seen = [rows.columns.get_loc(c) for c in ("PAY_AMT1", "BILL_AMT1", "SEX", "EDUCATION", "MARRIAGE", "PAY_2")]
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(inputs[train][:, seen], labels[train])
    rank = rows[column].rank(pct=True).to_numpy()[rest]
    chance = rank**3 / (rank**3).sum()
    now = rng.choice(rest, size=2000, replace=False, p=chance)
    reference = label_free.reference(model.predict_proba(inputs[past][:, seen]), labels[past], features=inputs[past])
    scores = model.predict_proba(inputs[now][:, seen])
    real = float((scores.argmax(axis=1) == labels[now]).mean())
    return [
        float((reference.predicted == reference.labels).mean() - real),
        (label_free.cbpe(reference, scores)["accuracy"].value or np.nan) - real,
        (label_free.shift_weighted(reference, scores, inputs[now])["accuracy"].value or np.nan) - real,
    ]


def employment(times: int, seed: int) -> Iterator[Line]:
    """A live model's predictions 2016 to 2018 in chunks of 1 000 rows, its targets later; 2015 is the reference."""
    rows = rows_of("employment_ma", "items.parquet")
    past, now = rows[rows.split == "reference"], rows[rows.split == "analysis"]
    encode = encoder(_inputs(past))
    reference = label_free.reference(
        past.predicted_probability.to_numpy(), past.employed.to_numpy(), features=encode.matrix(_inputs(past))
    )
    features, found = encode.matrix(_inputs(now)), defaultdict(list)
    for start in range(0, len(now), 1000):
        for key, error in _chunk(reference, now.iloc[start : start + 1000], features[start : start + 1000]):
            found[key].append(error)
    for metric in METRICS:
        ours, cbpe = (np.array(found[metric, method]) for method in ("ours", "cbpe"))
        yield {
            "case": "employment_ma, chunks of 1 000",
            "metric": metric,
            "chunks": len(ours),
            "ours": np.abs(ours[:, 0]).mean(),
            "cbpe": np.abs(cbpe[:, 0]).mean(),
            "covered_ours": ours[:, 1].mean(),
            "covered_cbpe": cbpe[:, 1].mean(),
        }


def _inputs(rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    left_out = ("id", "employed", "year", "prediction", "predicted_probability", "split")
    kinds: dict[str, str] = {
        c: "number" if rows[c].dtype.kind == "f" else "category" for c in rows if c not in left_out
    }
    return {
        c: rows[c].to_numpy() if kind == "number" else as_texts(rows[c].to_numpy(), "missing", c)
        for c, kind in kinds.items()
    }


def _chunk(
    reference: label_free.Reference, rows: pd.DataFrame, features: Floats
) -> Iterator[tuple[tuple[str, str], tuple[float, bool]]]:
    score, said = rows.predicted_probability.to_numpy(), rows.prediction.to_numpy()
    scores, labels = np.column_stack([1 - score, score]), np.eye(2)[rows.employed.to_numpy()]
    for method, found in (
        ("cbpe", label_free.cbpe(reference, score, predicted=said, metrics=METRICS)),
        ("ours", label_free.shift_weighted(reference, score, features, predicted=said, metrics=METRICS)),
    ):
        for metric, value in found.items():
            real = label_free.expected(metric, labels, scores, said)
            if real is not None and value.value is not None and value.low is not None and value.high is not None:
                yield (metric, method), (value.value - real, value.low <= real <= value.high)


def label_shift(times: int, seed: int) -> Iterator[Line]:
    """Class shares move, each class looks as before: the new share of class 1 from scores alone, at n = 2 000."""
    for now in (0.3, 0.5, 0.7, 0.9):
        found = [_moved_share(now, np.random.default_rng([seed, time])) for time in range(20 * times)]
        errors, covered, alarmed = np.array(found).T
        yield {
            "case": "label shift from 30 %",
            "now": now,
            "windows": len(found),
            "bbse": np.abs(errors).mean(),
            "covered": covered.mean(),
            "drifted": alarmed.mean(),
        }


def _moved_share(now: float, rng: np.random.Generator) -> tuple[float, bool, bool]:
    def drawn(share: float, rows: int) -> tuple[Floats, Ints]:
        labels = (rng.random(rows) < share).astype(np.int64)
        return expit(1.5 * (rng.normal(size=rows) + 1.5 * labels - 0.75) - 0.85), labels

    (past, labels), (scores, _) = drawn(0.3, 2000), drawn(now, 2000)
    result = bbse(past, labels, scores, resamples=200)
    if result.now is None or result.low is None or result.high is None:
        return float("nan"), False, False
    return float(result.now[1] - now), bool(result.low[1] <= now <= result.high[1]), result.drifted


CASES: dict[str, Case] = {
    "simulated": simulated,
    "credit": credit,
    "employment": employment,
    "label_shift": label_shift,
}


def main(arguments: Sequence[str] | None = None) -> None:
    run_cases("estimate", CASES, arguments, about=__doc__, times=12, digits=5)


if __name__ == "__main__":
    main()
