"""Random halves of one table are no drift, whatever its columns hold."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.metrics.drift.compare import compare
from benchmarks.drift_halves import (
    DATE_FORMATS,
    LEVELS,
    MONEY,
    level_names,
    random_halves,
    spaced_texts,
    unspaced_texts,
    written_dates,
    written_money,
)
from inputs.files.columns import typed_columns
from inputs.files.table import Table

HALVES, MOST_ALARMS = 40, 6  # at 5 % each, more alarms have a chance of 1 in 70
ROWS = 1000


def _typed(column: Any) -> tuple[dict[str, np.ndarray], str]:
    (columns,), kinds = typed_columns([Table("made", pd.DataFrame({"x": column}))], ["x"])
    return columns, kinds["x"]


def _alarms(columns: dict[str, np.ndarray], kind: str) -> int:
    rng = np.random.default_rng(1)
    return sum(compare(*random_halves(columns, rng), types={"x": kind}).drifted for _ in range(HALVES))


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("levels", LEVELS)
def test_levels(levels: int, even: bool) -> None:
    columns, kind = _typed(level_names(np.random.default_rng(0), levels, even, ROWS))
    assert kind == "category"
    assert _alarms(columns, kind) <= MOST_ALARMS


@pytest.mark.parametrize("form", DATE_FORMATS)
def test_dates(form: str) -> None:
    columns, kind = _typed(written_dates(np.random.default_rng(0), form, ROWS))
    assert kind == "time"
    assert _alarms(columns, kind) <= MOST_ALARMS


@pytest.mark.parametrize("form", MONEY)
def test_money(form: str) -> None:
    columns, kind = _typed(written_money(np.random.default_rng(0), form, ROWS))
    assert kind == "number"
    assert _alarms(columns, kind) <= MOST_ALARMS


@pytest.mark.parametrize("make", [spaced_texts, unspaced_texts])
def test_free_text(make: Any) -> None:
    columns, kind = _typed(make(np.random.default_rng(0), 300))
    assert kind == "text"
    assert _alarms(columns, kind) <= MOST_ALARMS


def test_a_tenth_of_the_rows_in_one_of_500_levels_is_found() -> None:
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        before, now = (np.array(level_names(rng, 500, True, ROWS), dtype=object) for _ in range(2))
        now[rng.random(ROWS) < 0.1] = "m0"
        found += compare({"x": before}, {"x": now}, types={"x": "category"}).drifted
    assert found >= 18
