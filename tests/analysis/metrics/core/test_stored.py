"""The JSON forms of an estimate, and that no other module of the product writes one of its own."""

import ast
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from analysis.metrics.core import weighted
from analysis.metrics.core.stored import (
    Interval,
    StoredEstimate,
    described_estimate,
    interval,
    interval_at,
    stored_band,
    stored_estimate,
)

APPS = ("config", "overview", "inputs", "projects", "jobs", "annotation", "analysis", "retraining", "validation")
HOME = Path("analysis/metrics/core/stored.py")


@dataclass(frozen=True)
class Share:
    """An estimate that knows no effective sample size."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def test_a_stored_estimate_keeps_what_the_estimate_rests_on() -> None:
    found = weighted.proportion([True, False, True, True], [0.5, 1, 1, 1])
    stored = msgspec.to_builtins(stored_estimate(found))
    assert stored == {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": 4,
        "effective_n": found.effective_n,
    }
    assert msgspec.convert(stored, StoredEstimate) == stored_estimate(found)


def test_without_an_effective_sample_size_four_fields_are_stored() -> None:
    stored = msgspec.to_builtins(stored_estimate(Share(0.5, 0.4, 0.6, 9)))
    assert stored == {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    assert msgspec.convert(stored, StoredEstimate).effective_n is None


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), np.float64("nan")])
def test_what_is_not_finite_is_null_in_every_form(bad: float | None) -> None:
    found = Share(bad, bad, bad, 0)
    assert interval(found) == Interval(None, None, None)
    assert stored_estimate(found) == StoredEstimate(None, None, None, 0)
    assert described_estimate(found) == {"value": None, "low": None, "high": None, "n": 0}


def test_a_described_estimate_says_its_method_and_why_it_is_undefined() -> None:
    nothing = weighted.undefined("No labelled items.", method="a mean")
    assert described_estimate(nothing) == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "effective_n": 0.0,
        "method": "a mean",
        "note": "No labelled items.",
    }


def test_a_point_of_a_band_is_an_interval() -> None:
    band = stored_band(Share(np.array([0.1, np.nan]), np.array([0.0, np.nan]), np.array([0.2, np.nan]), 2))  # type: ignore[arg-type]
    assert (interval_at(band, 0), interval_at(band, 1)) == (Interval(0.1, 0.0, 0.2), Interval(None, None, None))


def _written_pairs(source: str) -> list[int]:
    """Lines of dictionaries with the keys low and high that are taken from the attributes of one object."""
    found = []
    for node in ast.walk(ast.parse(source)):
        keys = (
            {key.value for key in node.keys if isinstance(key, ast.Constant)} if isinstance(node, ast.Dict) else set()
        )
        if isinstance(node, ast.Dict) and {"value", "low", "high"} <= keys:
            found.append(node.lineno)
    return found


def test_no_other_module_writes_value_low_and_high() -> None:
    modules = [path for app in APPS for path in sorted(Path(app).rglob("*.py")) if path != HOME]
    assert {str(path): lines for path in modules if (lines := _written_pairs(path.read_text()))} == {}
    assert _written_pairs(HOME.read_text())
