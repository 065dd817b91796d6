"""The same rows, seed and budget try the same candidates and give the same model, whatever else the machine does."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from analysis.metrics.core.work import MatrixSize
from retraining.learning import Fitted, fit
from retraining.learning.families import registry
from retraining.learning.model_selection import candidates
from retraining.learning.model_selection.fitting import ModelSearch

N = 120
WORDS = ("red", "green")
TYPES = {"amount": "number", "country": "category", "note": "text"}
BUDGETS = (0.0, 0.2, 60.0)
MORE = MatrixSize(4000, 300, 90_000, is_sparse=True)


def fitted(budget: float, names: Sequence[str] = tuple(TYPES)) -> Fitted:
    rng = np.random.default_rng(0)
    target = np.arange(N) % 2
    columns: dict[str, Any] = {
        "amount": (target + rng.normal(0, 1, N)).tolist(),
        "country": rng.choice(["de", "fr", "it"], N).tolist(),
        "note": [f"{WORDS[code]} {rng.integers(9)}" if rng.random() < 0.7 else "what" for code in target],
    }
    chosen, types = {name: columns[name] for name in names}, {name: TYPES[name] for name in names}
    return fit(chosen, types, target, classes=("a", "b"), search=ModelSearch(budget=budget, seed=3))


def outcomes(model: Fitted) -> list[tuple[Any, ...]]:
    return [(dict(row.config), row.work, row.note, row.calibrator) for row in model.candidates]


@pytest.fixture(scope="module")
def undisturbed() -> dict[float, Fitted]:
    return {budget: fitted(budget) for budget in BUDGETS}


@pytest.mark.simulation
@pytest.mark.parametrize("budget", BUDGETS)
def test_clocks_that_jump_change_nothing(undisturbed: dict[float, Fitted], jumping_clocks: None, budget: float) -> None:
    again = fitted(budget)
    assert outcomes(again) == outcomes(undisturbed[budget])
    assert np.array_equal(again.out_of_fold, undisturbed[budget].out_of_fold)


@pytest.mark.simulation
def test_another_number_of_threads_changes_nothing() -> None:
    with threadpool_limits(1):
        alone = fitted(60.0, ["note"])
    with threadpool_limits(2):
        again = fitted(60.0, ["note"])
    assert outcomes(again) == outcomes(alone)
    assert np.allclose(again.out_of_fold, alone.out_of_fold, atol=1e-6)


def test_a_larger_budget_tries_more_and_never_more_work_than_given(undisturbed: dict[float, Fitted]) -> None:
    finished = [[row for row in model.candidates if row.log_loss is not None] for model in undisturbed.values()]
    assert [len(rows) for rows in finished] == sorted(len(rows) for rows in finished)
    assert len(finished[0]) == 1 < len(finished[1]) < len(finished[-1])
    for budget, rows in zip(BUDGETS[1:], finished[1:], strict=True):
        assert sum(row.work for row in rows) <= budget


def test_every_candidate_that_is_proposed_has_its_work() -> None:
    for kinds in ({"x": "number"}, {"x": "text"}, {"x": "image"}, {"x": "vector"}, TYPES):
        groups = candidates.for_contract(kinds, np.tile(np.eye(3), (700, 1)), common={"seed": 0})
        for config in (config for group in groups for config in group):
            units = registry.family_named(config["family"]).work(config, MORE, 3)
            assert 0 < units < registry.family_named(config["family"]).work(config, MORE, 300) + 1e-3
