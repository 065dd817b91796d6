"""How often drift alarms when nothing moved, and how often it is silent when something did.

    python -m benchmarks.drift [--times 400] [--seed 0] [--only stable shift dependent elec2 employment]

One JSON line for each case. `alarm` is the share of windows with a drifted column, `lasting` the share where the same
column drifted in two running windows. Simulated cases draw everything anew each time. elec2 and employment_ma are sets
of benchmarks.data, left out where they are absent; elec2 is replayed in windows of 500 rows against at most
10 000 rows before each, restarted at the change as a person would who acknowledged it; employment_ma in windows of
1 000 rows against 2015, where `calls` counts windows whose alarms would call for retraining.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter

from analysis.metrics.core import intervals
from analysis.metrics.drift.compare import Drift, DriftCriteria, compare, persists, weighted_share
from analysis.metrics.drift.encoding import encoder
from analysis.metrics.estimates import label_free
from benchmarks.cases import Case, Line, run_cases
from benchmarks.data import rows_of
from inputs.columns import as_texts

WINDOW, MEMORY, CHANGE, FIRST_MOVED = 500, 10_000, 17_760, 17_424
AUDITED = 0.1
SCORES_FIRST = DriftCriteria(scores_first="predicted_probability")
Columns = dict[str, npt.NDArray[Any]]


def stable(times: int, seed: int) -> Iterator[Line]:
    """Twenty features, nothing moves: normal, skewed, discrete, few-levelled and missing ones."""
    rng = np.random.default_rng(seed)
    for n, m in ((1000, 200), (1000, 1000), (5000, 500), (5000, 1000)):
        alarms = [compare(_steady_rows(rng, n), _steady_rows(rng, m)).drifted for _ in range(times)]
        yield {"case": "20 stable features", "reference": n, "window": m, "windows": times, "alarm": np.mean(alarms)}


def _steady_rows(rng: np.random.Generator, rows: int) -> Columns:
    columns: Columns = {f"normal_{i}": rng.normal(size=rows) for i in range(10)}
    columns |= {f"skewed_{i}": rng.lognormal(size=rows) for i in range(3)}
    columns |= {f"count_{i}": rng.poisson(2, size=rows).astype(float) for i in range(3)}
    columns |= {f"category_{i}": rng.choice(list("abcde"), p=[0.5, 0.3, 0.1, 0.07, 0.03], size=rows) for i in range(3)}
    gaps = rng.normal(size=rows)
    gaps[rng.random(rows) < 0.1] = np.nan
    return columns | {"gaps": gaps}


def shift(times: int, seed: int) -> Iterator[Line]:
    """A shift of 0.2 SD in one feature of twenty, or in all of them, at n = 1 000."""
    rng = np.random.default_rng(seed)
    for n in (1000, 5000):
        for moved in (1, 20):
            found = [_finds(rng, n, 1000, moved) for _ in range(times)]
            yield {"case": "0.2 SD shift", "reference": n, "window": 1000, "moved": moved, "found": np.mean(found)}


def _finds(rng: np.random.Generator, n: int, m: int, moved: int) -> bool:
    before = {f"x{i}": rng.normal(size=n) for i in range(20)}
    now = {f"x{i}": rng.normal(0.2 if i < moved else 0.0, size=m) for i in range(20)}
    result = compare(before, now)
    return any(feature.drifted and int(feature.name[1:]) < moved for feature in result.features)


def dependent(times: int, seed: int) -> Iterator[Line]:
    """Eight autocorrelated features with daily and weekly cycles, nothing moves; and one that moves by 1 SD."""
    rng = np.random.default_rng(seed)
    times = max(20, times // 5)
    for memory in (0.5, 0.9, 0.98):
        for windows in (6, 20, 40):
            line: Line = {"case": "dependent rows", "autocorrelation": memory, "past_windows": windows, "times": times}
            for name, size in (("alarm", 0.0), ("found_1sd", 1.0)):
                runs = [_two_windows(rng, windows, memory, size) for _ in range(times)]
                line |= {name: np.mean([run[0] for run in runs]), f"{name}_lasting": np.mean([run[1] for run in runs])}
            yield line


def _two_windows(rng: np.random.Generator, windows: int, memory: float, size: float) -> tuple[bool, bool]:
    length = 300
    streams = {f"x{i}": _stream(rng, (windows + 2) * length, memory, i) for i in range(8)}
    past = windows * length
    streams["x0"][past:] += size * streams["x0"][:past].std()
    history = [
        compare({k: v[:past] for k, v in streams.items()}, {k: v[at : at + length] for k, v in streams.items()})
        for at in (past, past + length)
    ]
    return history[0].drifted, bool(persists(history))


def _stream(rng: np.random.Generator, rows: int, memory: float, phase: int) -> npt.NDArray[np.float64]:
    noise = lfilter([1.0], [1.0, -memory], rng.normal(size=rows + 1000))[1000:] * np.sqrt(1 - memory**2)
    hours = np.arange(rows)
    return noise + 0.5 * np.sin(2 * np.pi * hours / 48) + 0.25 * np.sin(2 * np.pi * hours / 336 + phase)


def elec2(times: int, seed: int) -> Iterator[Line]:
    """A stream with serial dependence, days, weeks and a year, and one known change."""
    rows = rows_of("elec2").drop(columns="id")
    for season in (None, "period"):
        before = _replayed(rows, 0, FIRST_MOVED, season)
        across = _replayed(rows, 0, CHANGE + 3 * WINDOW, season)
        after = _replayed(rows, CHANGE, len(rows), season)
        for stretch, history in (("before the change", before), ("after it", after)):
            yield {"case": f"elec2, {stretch}", "season": season, **_shares(history)}
        lasting = [at for at, (start, _) in enumerate(across) if persists([drift for _, drift in across[: at + 1]])]
        seen = [start for start, drift in across if drift.drifted and start + WINDOW > FIRST_MOVED]
        yield {
            "case": "elec2, the change at row 17 760",
            "season": season,
            "first_row_that_moves": FIRST_MOVED,
            "alarm_rows": [seen[0], seen[0] + WINDOW] if seen else None,
            "lasting_rows": [across[lasting[0]][0], across[lasting[0]][0] + WINDOW] if lasting else None,
            "windows_after_the_change": (across[lasting[0]][0] + WINDOW - CHANGE) / WINDOW if lasting else None,
        }


def _replayed(rows: pd.DataFrame, start: int, stop: int, season: str | None) -> list[tuple[int, Drift]]:
    """(first row, verdict) of each whole window, once six windows of past are there."""
    first = -(-start // WINDOW) * WINDOW + 6 * WINDOW
    return [(at, _verdict(rows, max(start, at - MEMORY), at, season)) for at in range(first, stop - WINDOW + 1, WINDOW)]


def _verdict(rows: pd.DataFrame, start: int, at: int, season: str | None) -> Drift:
    past, now = rows.iloc[start:at], rows.iloc[at : at + WINDOW]
    seasons = None if season is None else (past[season].to_numpy(), now[season].to_numpy())
    return compare({c: past[c].to_numpy() for c in rows}, {c: now[c].to_numpy() for c in rows}, season=seasons)


def _shares(history: Sequence[tuple[int, Drift]]) -> Line:
    drifts = [drift for _, drift in history]
    lasting = [bool(persists(drifts[: at + 1])) for at in range(len(drifts))]
    return {"windows": len(drifts), "alarm": np.mean([d.drifted for d in drifts]), "lasting": np.mean(lasting)}


def employment(times: int, seed: int) -> Iterator[Line]:
    """Four years in which the model keeps its accuracy though inputs move a little; then with a real change."""
    rows = rows_of("employment_ma", "items.parquet")
    past, now = rows[rows.split == "reference"], rows[rows.split == "analysis"].reset_index(drop=True)
    names = [c for c in rows if c not in ("id", "employed", "year", "prediction", "predicted_probability", "split")]
    encode = encoder(_columns(past, names), _kinds(past, names))
    model = label_free.reference(
        past.predicted_probability.to_numpy(), past.employed.to_numpy(), features=encode.matrix(_columns(past, names))
    )
    baseline = float((past.prediction == past.employed).mean())
    inputs, moved = _windows(past, now, names, encode.matrix(_columns(now, names)), model)
    yield {"case": "employment_ma, inputs", **moved}
    for name, share in (("accuracy keeps", 0.0), ("15 % of outcomes turn from window 100 on", 0.15)):
        for audited in (AUDITED, 1.0):
            calls = _calls(now, inputs, baseline, share, audited, np.random.default_rng(seed))
            yield {
                "case": f"employment_ma, {name}",
                "audited": audited,
                "windows": len(inputs),
                "calls": len(calls),
                "first_call": calls[0] if calls else None,
            }


def _kinds(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    return {
        c: "number" if rows[c].dtype.kind == "f" else "category" for c in [*names, "predicted_probability"] if c in rows
    }


def _columns(rows: pd.DataFrame, names: Sequence[str]) -> Columns:
    return {
        c: rows[c].to_numpy() if rows[c].dtype.kind == "f" else as_texts(rows[c].to_numpy(), "missing", c)
        for c in names
    }


def _windows(
    past: pd.DataFrame,
    now: pd.DataFrame,
    names: Sequence[str],
    features: npt.NDArray[np.float64],
    model: label_free.Reference,
) -> tuple[list[tuple[slice, label_free.LabelFreeEstimate, float]], Line]:
    """Per window of 1 000: its rows, the estimate of its accuracy and its drifted share; and how often inputs alarm."""
    columns = [*names, "predicted_probability"]
    before, kinds = _columns(past.iloc[-MEMORY:], columns), _kinds(past, columns)
    found, history = [], []
    for start in range(0, len(now) - 999, 1000):
        rows = slice(start, start + 1000)
        window = now.iloc[rows]
        drift = compare(before, _columns(window, columns), types=kinds, criteria=SCORES_FIRST)
        known = label_free.shift_weighted(model, window.predicted_probability.to_numpy(), features[rows])
        history.append((start, drift))
        found.append((rows, known["accuracy"], weighted_share(drift.features)))
    return found, _shares(history)


def _calls(
    now: pd.DataFrame,
    inputs: Sequence[tuple[slice, label_free.LabelFreeEstimate, float]],
    baseline: float,
    turned: float,
    audited: float,
    rng: np.random.Generator,
) -> list[int]:
    """Windows in which retraining would be called for, when `audited` of the outcomes are known."""
    right = (now.prediction == now.employed).to_numpy()
    changed = (np.arange(len(right)) >= 100_000) & (rng.random(len(right)) < turned)
    right = right ^ changed
    history, calls = [], []
    for at, (rows, known, share) in enumerate(inputs):
        seen = right[rows][rng.random(1000) < audited]
        error = float(seen.std(ddof=1) / np.sqrt(len(seen)))
        value, reach = float(seen.mean()), intervals.normal_quantile(0.95) * error
        gap = label_free.gap((value, value - reach, value + reach), known)
        history.append(label_free.Window(known, gap, share))
        if label_free.retrain_call(history, baseline=baseline).call:
            calls.append(at)
    return calls


CASES: dict[str, Case] = {
    "stable": stable,
    "shift": shift,
    "dependent": dependent,
    "elec2": elec2,
    "employment": employment,
}


def main(arguments: Sequence[str] | None = None) -> None:
    run_cases("drift", CASES, arguments, about=__doc__, times=400)


if __name__ == "__main__":
    main()
