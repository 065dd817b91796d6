import json
from dataclasses import asdict

import numpy as np
import pytest

from benchmarks.disagreement import first_decisions, share_by, simulate
from benchmarks.gate import Errors
from retraining.learning.gate.decision import GateRule
from retraining.learning.gate.disagreement import DisagreementVerdict, SequentialDecision, judge_disagreements
from retraining.learning.gate.traffic import PairedTraffic, draw_order, traffic
from validation import InvalidInput

TIMES, ROWS = 600, 6000


def share_promoted(gain: float, labels: int | None, *, neither: float = 0.0) -> float:
    rng = np.random.default_rng(3)
    gains = [simulate(rng, Errors(gain), rows=ROWS, neither=neither).gains()[: labels or None] for _ in range(TIMES)]
    return share_by(first_decisions(gains)[0], labels)


def error(share: float) -> float:
    return 3 * float(np.sqrt(share * (1 - share) / TIMES))


def test_two_points_more_are_found_with_a_hundred_labels_in_four_of_five_cases() -> None:
    assert share_promoted(0.02, 100) >= 0.80 - error(0.8) / 3


def test_one_point_more_is_found_with_three_hundred_labels_in_three_of_four_cases() -> None:
    assert share_promoted(0.01, 300) >= 0.75 - error(0.75) / 3


@pytest.mark.parametrize("neither", [0.0, 0.4])
def test_an_equal_model_is_rarely_promoted_however_often_one_looks(neither: float) -> None:
    assert share_promoted(0.0, None, neither=neither) <= 0.05 + error(0.05)


def test_a_worse_model_is_practically_never_promoted() -> None:
    assert share_promoted(-0.02, None) <= 0.01


def window(
    fixed: int, broken: int, *, neither: int = 0, rows: int = 1000, **more: object
) -> tuple[PairedTraffic, np.ndarray, np.ndarray]:
    """A window with so many disagreements at its start, the rows in a mixed order, and the truth of all of them."""
    champion, candidate = np.zeros(rows, dtype=int), np.zeros(rows, dtype=int)
    champion[:fixed] = 1
    candidate[fixed : fixed + broken] = 1
    champion[fixed + broken : fixed + broken + neither] = 1
    candidate[fixed + broken : fixed + broken + neither] = 2
    made = traffic(champion, candidate, **more)  # type: ignore[arg-type]
    return made, draw_order(made, np.random.default_rng(0)), np.zeros(rows, dtype=int)


def judged(
    fixed: int, broken: int, *, labels: int | None = None, margin: float = 0.01, **more: int
) -> DisagreementVerdict:
    made, drawn, truth = window(fixed, broken, **more)
    rows = drawn[: labels or len(drawn)]
    return judge_disagreements(made, rows, truth[rows], rule=GateRule(margin))


def test_a_clearly_better_candidate_is_promoted_with_its_difference_over_all_traffic() -> None:
    found = judged(70, 20, neither=10)
    assert found.decision == SequentialDecision.PROMOTE
    assert (found.rows, found.disagreements, found.labels, found.left) == (1000, 100, 100, 0)
    assert (found.fixed, found.broken) == (70, 20)
    assert found.rate == pytest.approx(0.1)
    assert found.difference is not None and found.difference.value == pytest.approx(5.0)
    assert 0 < found.difference.low < 5 < found.difference.high < 10
    assert (found.difference.n, found.difference.n_effective) == (100, pytest.approx(90))
    assert found.p_better <= 0.05 < found.p_worse
    assert found.needed is None


def test_a_clearly_worse_candidate_is_refused() -> None:
    found = judged(20, 70)
    assert found.decision == SequentialDecision.REFUSE
    assert found.difference is not None and found.difference.high < 0
    assert found.needed is None


def test_an_undecided_one_names_the_labels_that_probably_decide() -> None:
    found = judged(120, 60, labels=30)
    assert found.decision == SequentialDecision.UNDECIDED
    assert found.needed is not None and 10 < found.needed < 400
    assert found.left == 150


def test_without_labels_nothing_is_decided_and_the_rate_is_known() -> None:
    made, _, _ = window(10, 10)
    found = judge_disagreements(made, [], [], rule=GateRule(0.01))
    assert (found.decision, found.difference, found.needed) == (SequentialDecision.UNDECIDED, None, None)
    assert (found.rate, found.left, found.p_better) == (pytest.approx(0.02), 20, pytest.approx(1.0))


def test_versions_that_agree_everywhere_and_an_empty_window_are_undecided() -> None:
    for rows in (0, 50):
        made, _, _ = window(0, 0, rows=rows)
        found = judge_disagreements(made, [], [], rule=GateRule(0.01))
        assert (found.decision, found.rate, found.left) == (SequentialDecision.UNDECIDED, 0, 0)


def test_copies_of_a_labelled_input_count_once() -> None:
    made, _, truth = window(40, 0, groups=np.repeat(np.arange(100), 10))
    found = judge_disagreements(made, np.arange(40), truth[:40], rule=GateRule(0.01))
    assert (found.labels, found.left, found.disagreements) == (4, 0, 40)
    assert found.decision == SequentialDecision.UNDECIDED


def test_costs_decide_what_counts_for_more() -> None:
    made, drawn, _ = window(90, 30)
    truth = np.zeros(1000, dtype=int)
    cheap = judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.01), costs=[[0, 1], [10, 0]])
    plain = judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.01))
    assert cheap.difference is not None and plain.difference is not None
    assert cheap.difference.value == pytest.approx(plain.difference.value / 10)
    assert plain.decision == SequentialDecision.PROMOTE


def test_a_slice_that_got_worse_is_not_outweighed_by_the_rest() -> None:
    worse = np.zeros(1000, dtype=bool)
    worse[80:] = np.arange(920) % 10 == 0  # of its 92 rows all the 20 broken ones
    worse[80:100] = True
    made, drawn, truth = window(80, 20, protected={"web": worse})
    found = judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.01))
    assert found.p_better <= 0.05
    assert found.decision == SequentialDecision.REFUSE
    assert found.slices[0].failed and not found.slices[0].passed
    assert (found.slices[0].disagreements, found.slices[0].labels) == (20, 20)


def test_a_slice_in_which_the_versions_hardly_differ_passes_without_a_label() -> None:
    calm = np.arange(1000) >= 100
    made, drawn, truth = window(70, 20, protected={"calm": calm})
    found = judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.01))
    assert (found.slices[0].labels, found.slices[0].difference) == (0, None)
    assert found.slices[0].passed
    assert found.decision == SequentialDecision.PROMOTE


def test_an_empty_slice_shows_nothing_and_no_number_of_labels_is_promised() -> None:
    made, drawn, truth = window(70, 20, protected={"none": np.zeros(1000, dtype=bool)})
    found = judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.01))
    assert (found.decision, found.slices[0].passed, found.needed) == (SequentialDecision.UNDECIDED, False, None)


def test_many_slices_are_each_held_to_a_higher_bar() -> None:
    mask = np.arange(1000) % 2 == 0
    alone, _, _ = window(60, 40, protected={"0": mask})
    among, drawn, truth = window(60, 40, protected={str(i): mask for i in range(8)})
    first, second = (
        judge_disagreements(made, drawn, truth[drawn], rule=GateRule(0.03), plan=False) for made in (alone, among)
    )
    assert first.slices[0].p_not_worse < second.slices[0].p_not_worse


def test_bad_input_is_refused_in_words() -> None:
    made, drawn, truth = window(10, 10)
    for rows, labels, words in [
        ([500], [0], "Row 500 was drawn, but both versions agree"),
        ([1, 1], [0, 0], "twice"),
        ([1, 2], [0], "truth"),
        ([1001], [0], "drawn"),
    ]:
        with pytest.raises(InvalidInput, match=words):
            judge_disagreements(made, rows, labels, rule=GateRule(0.01))


def test_the_verdict_is_plain_data() -> None:
    json.dumps(asdict(judged(30, 10, margin=0.02)))
