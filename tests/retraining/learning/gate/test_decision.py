import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmarks.gate import Errors, draw, promoted, share_promoted
from retraining.learning.gate.decision import GateCondition, GateRule, beats_naive, judge
from validation import InvalidInput


def answers(fixed: int, broken: int, both_right: int, both_wrong: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    old = np.repeat([1, 0, 0, 1], [fixed, broken, both_right, both_wrong])
    new = np.repeat([0, 1, 0, 1], [fixed, broken, both_right, both_wrong])
    return np.zeros(len(old), dtype=int), old, new


def test_a_clearly_better_candidate_is_promoted() -> None:
    truth, old, new = answers(60, 20, 900, 20)
    found = judge(truth, old, new, inclusion_probability=np.ones(1000), rule=GateRule(margin=0.01))
    assert found.decision == "promote"
    assert found.needed is None
    assert found.difference is not None and found.difference.value == pytest.approx(4.0)
    assert found.difference.low > 0
    assert (found.both_right, found.both_wrong) == (900, 20)
    assert found.fixed.tolist() == list(range(60)) and found.broken.tolist() == list(range(60, 80))
    assert (found.difference.level, found.difference.n) == (0.9, 1000)
    assert [gate.condition for gate in found.gates] == [GateCondition.BETTER]
    assert found.gates[0].p == found.p <= found.gates[0].alpha


def test_a_candidate_ahead_by_luck_is_held_with_the_number_of_labels_that_would_decide() -> None:
    truth, old, new = answers(8, 4, 180, 8)
    found = judge(truth, old, new, inclusion_probability=np.ones(200), rule=GateRule(margin=0.01))
    assert found.decision == "hold"
    assert found.needed is not None and 100 < found.needed < 2000


def test_a_candidate_behind_is_held_and_no_number_is_promised() -> None:
    truth, old, new = answers(4, 8, 188)
    found = judge(truth, old, new, inclusion_probability=np.ones(200), rule=GateRule(margin=0.01))
    assert (found.decision, found.needed) == ("hold", None)


def test_better_overall_does_not_excuse_a_worse_slice() -> None:
    truth, old, new = answers(60, 20, 920)
    worse = np.isin(np.arange(1000), [*range(60, 80), *range(100, 180)])
    found = judge(
        truth, old, new, inclusion_probability=np.ones(1000), protected={"web": worse}, rule=GateRule(margin=0.02)
    )
    assert [gate.passed for gate in found.gates] == [True, False]
    assert found.decision == "hold"
    assert (found.gates[1].slice_name, found.gates[1].margin) == ("web", pytest.approx(2.0))
    assert found.gates[1].p > found.gates[1].alpha


def test_a_slice_is_passed_when_shown_not_to_be_worse() -> None:
    truth, old, new = answers(60, 20, 920)
    masks = {"web": np.arange(1000) % 2 == 0, "app": np.arange(1000) % 2 == 1}
    found = judge(truth, old, new, inclusion_probability=np.ones(1000), protected=masks, rule=GateRule(margin=0.02))
    assert found.decision == "promote"
    assert [gate.slice_name for gate in found.gates] == ["", "web", "app"]


def test_many_slices_must_each_clear_holms_higher_bar() -> None:
    truth, old, new = answers(60, 20, 920)
    few = np.arange(1000) % 10 == 0
    margins = [0.05, 0.06, 0.07, 0.08, 0.1]
    alone = [
        judge(truth, old, new, inclusion_probability=np.ones(1000), protected={"a": few}, rule=GateRule(margin=m))
        .gates[1]
        .passed
        for m in margins
    ]
    masks = {str(i): few for i in range(20)}
    among = [
        judge(truth, old, new, inclusion_probability=np.ones(1000), protected=masks, rule=GateRule(margin=m))
        .gates[1]
        .passed
        for m in margins
    ]
    assert sum(among) < sum(alone)


def test_a_slice_without_labels_is_said_to_be_so() -> None:
    truth, old, new = answers(60, 20, 920)
    masks = {"new country": np.zeros(1000, dtype=bool)}
    found = judge(truth, old, new, inclusion_probability=np.ones(1000), protected=masks, rule=GateRule(margin=0.02))
    assert found.decision == "hold"
    assert (found.gates[1].difference, found.gates[1].p, found.gates[1].passed) == (None, None, False)


def test_without_any_label_it_holds_and_claims_nothing() -> None:
    found = judge([], [], [], inclusion_probability=[], rule=GateRule(margin=0.01))
    assert (found.decision, found.difference, found.p, found.needed, found.gates) == ("hold", None, None, None, ())


def test_rows_that_were_rarely_asked_count_for_more() -> None:
    """The candidate fixes many rows that were always asked and breaks a few that stand for twenty each."""
    truth, old, new = answers(60, 20, 920)
    chance = np.ones(1000)
    chance[60:80] = 0.05
    assert judge(truth, old, new, inclusion_probability=np.ones(1000), rule=GateRule(margin=0.01)).decision == "promote"
    found = judge(truth, old, new, inclusion_probability=chance, rule=GateRule(margin=0.01))
    assert found.decision == "hold"
    assert found.difference is not None and found.difference.value < 0


def test_costs_decide_instead_of_counts() -> None:
    """Fifty false alarms fewer, fifteen misses more, a miss costing twenty times as much."""
    truth = np.repeat([0, 1], [800, 200])
    old, new = truth.copy(), truth.copy()
    old[:50], new[800:815] = 1, 0
    assert judge(truth, old, new, inclusion_probability=np.ones(1000), rule=GateRule(margin=0.01)).decision == "promote"
    dear = judge(
        truth, old, new, inclusion_probability=np.ones(1000), costs=[[0, 1], [20, 0]], rule=GateRule(margin=0.01)
    )
    assert dear.decision == "hold"


def test_a_candidate_must_beat_the_naive_baseline_too() -> None:
    truth = np.repeat([0, 1], [950, 50])
    old, new = np.repeat([0, 1], [500, 500]), np.repeat([0, 1], [900, 100])
    found = judge(
        truth,
        old,
        new,
        inclusion_probability=np.ones(1000),
        naive=np.zeros(1000, dtype=int),
        rule=GateRule(margin=0.01),
    )
    assert [gate.passed for gate in found.gates] == [True, False]


def test_a_first_version_is_judged_against_the_commonest_class() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 10, 60)
    good = np.where(rng.random(60) < 0.8, truth, 0)
    assert beats_naive(truth, good, np.ones(60)).decision == "promote"
    assert beats_naive(truth, np.zeros(60, dtype=int), np.ones(60)).decision == "hold"
    assert beats_naive(truth, good, np.ones(60), naive=truth).decision == "hold"


@given(hnp.arrays(int, st.tuples(st.just(3), st.integers(0, 40)), elements=st.integers(0, 2)), st.data())
@settings(max_examples=60)
def test_a_verdict_is_consistent_whatever_comes(three: np.ndarray, data: st.DataObject) -> None:
    truth, old, new = three
    n = len(truth)
    chance = data.draw(hnp.arrays(float, n, elements=st.sampled_from([1.0, 0.5, 0.1])))
    mask = data.draw(hnp.arrays(bool, n))
    found = judge(
        truth, old, new, inclusion_probability=chance, protected={"s": mask}, naive=old, rule=GateRule(margin=0.05)
    )
    promoted_all = bool(found.gates) and all(gate.passed for gate in found.gates)
    assert (found.decision == "promote") == promoted_all
    assert found.needed is None or (found.needed > 0 and not promoted_all)
    assert found.both_right + found.both_wrong + len(found.fixed) + len(found.broken) == n
    json.dumps([asdict(gate) for gate in found.gates], allow_nan=False)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"protected": {"web": [1, 0]}}, "'web' must be 2 values"),
        ({"inclusion_probability": [0, 1]}, "above 0"),
        ({"naive": [0]}, "champion_predicted has 1 rows"),
    ],
)
def test_bad_input_is_named(wrong: dict, said: str) -> None:
    given_in = {"inclusion_probability": [1, 1], "rule": GateRule(0.01), **wrong}
    with pytest.raises(InvalidInput, match=said):
        judge([0, 1], [0, 1], [0, 1], **given_in)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"margin": 1.0}, "0.01 is one point"),
        ({"margin": -0.1}, "margin is a share"),
        ({"margin": float("nan")}, "margin is a share"),
        ({"alpha": 0.0}, "alpha must lie"),
        ({"power": 1.0}, "power between"),
    ],
)
def test_an_impossible_rule_is_named(wrong: dict, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        GateRule(**wrong)


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("gain", "least", "most"),
    [(0.0, 0.0, 0.05), (0.02, 0.75, 1.0), (-0.02, 0.0, 0.01)],
    ids=["equal", "two points better", "two points worse"],
)
def test_the_gates_error_rates_by_simulation(gain: float, least: float, most: float) -> None:
    """A smaller run of `python -m benchmarks.gate`; the bounds are met up to three standard errors of 400 draws."""
    share = share_promoted(Errors(gain=gain), n=1000, times=400, seed=11)
    slack = 3 * np.sqrt(max(share * (1 - share), 0.01) / 400)
    assert least - slack <= share <= most + slack


def test_an_equal_model_is_not_promoted_more_often_when_rows_were_asked_unevenly() -> None:
    rng = np.random.default_rng(5)
    times = 200
    verdicts = [promoted(draw(rng, Errors(gain=0.0), n=400, uneven=True)) for _ in range(times)]
    assert np.mean(verdicts) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / times)


def test_rows_repeated_tenfold_promote_nothing_that_they_would_not_promote_once() -> None:
    truth, old, new = answers(8, 4, 180, 8)
    rows = np.tile(np.arange(200), 10)
    slices = {"half": np.arange(200) < 100}
    once = judge(truth, old, new, inclusion_probability=np.ones(200), protected=slices, rule=GateRule(margin=0.05))
    repeated = {"half": slices["half"][rows]}
    plain, grouped = (
        judge(
            truth[rows],
            old[rows],
            new[rows],
            inclusion_probability=np.ones(2000),
            protected=repeated,
            groups=groups,
            rule=GateRule(margin=0.05),
        )
        for groups in (None, rows)
    )
    assert (once.decision, plain.decision, grouped.decision) == ("hold", "promote", "hold")
    assert grouped.p == pytest.approx(once.p)
    assert grouped.needed == pytest.approx(10 * once.needed, abs=20)
    assert [gate.passed for gate in grouped.gates] == [gate.passed for gate in once.gates]
