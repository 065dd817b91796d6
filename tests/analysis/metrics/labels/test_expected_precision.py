"""The expected precision of a list of suspects comes true, and people's decisions correct it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.labels.expected_precision import SuspectDecision, revised_precision
from analysis.metrics.labels.label_errors import suspected
from tests.analysis.metrics.labels.planted import as_rows, copied, judged, planted, tables
from validation import InvalidInput


def test_expected_precision_covers_what_is_found_at_every_length():
    inside = []
    for seed in range(30):
        kind, rate = ("at random", "by confusion")[seed % 2], (0.03, 0.08, 0.15)[seed % 3]
        labels, p, wrong = planted(kind, rate=rate, n=1200, seed=seed)
        expected = suspected(labels, p).expected_precision
        for length in (20, 60, 150, 400):
            found = expected.of(length)
            inside.append(found.low <= wrong[expected.order[:length]].mean() <= found.high)
    assert np.mean(inside) >= 0.93


def test_the_surer_the_word_the_more_it_may_be_off():
    labels, p, wrong = planted("at random", sharp=8.0)
    expected = suspected(labels, p).expected_precision
    assert expected.of(20).value > 0.99 > 0.97 > expected.of(20).low
    # Some rows are of another class than anything in them says: no model can know it, so the promise has to allow it.
    order = expected.order[:60]
    odd = np.random.default_rng(0).choice(order, 3, replace=False)
    realised = np.where(np.isin(order, odd), False, wrong[order]).mean()
    assert expected.of(60).low <= realised <= expected.of(60).high


def test_the_longest_list_that_keeps_a_precision():
    labels, p, wrong = planted("at random", sharp=5.0)
    expected = suspected(labels, p).expected_precision
    longest = expected.longest(0.8)
    assert expected.of(longest).value >= 0.8 > expected.of(longest + 1).value
    assert expected.of(longest).low <= wrong[expected.order[:longest]].mean() <= expected.of(longest).high
    assert expected.longest(1.01) == 0
    with pytest.raises(InvalidInput, match="not 0"):
        expected.of(0)


def test_decisions_correct_a_precision_that_promised_too_much():
    labels, p, wrong = planted("at random", rate=0.15)
    overstated = suspected(labels, p).expected_precision
    kept = [SuspectDecision(int(row), wrong=False) for row in overstated.order[:25]]
    revised = revised_precision(kept, overstated)
    assert (revised.decided, revised.of(25).value) == (25, 0.0)
    assert revised.of(200).value < overstated.of(200).value - 0.1
    fixed = [SuspectDecision(int(row), wrong=True) for row in overstated.order[:25]]
    assert revised_precision(fixed, overstated).of(25).value == 1.0
    assert revised_precision(fixed, overstated).of(400).value >= overstated.of(400).value


def test_decisions_narrow_a_list_that_the_labels_gave_no_evidence_for():
    labels, p, wrong = planted("by confusion", rate=0.004, n=3000, seed=5)
    expected = suspected(labels, p).expected_precision
    assert "Normalised margin" in suspected(labels, p).method
    decided = [SuspectDecision(int(row), bool(wrong[row])) for row in expected.order[:30]]
    before, after = expected.of(120), revised_precision(decided, expected).of(120)
    assert after.high - after.low < (before.high - before.low) / 2
    assert after.low <= wrong[expected.order[:120]].mean() <= after.high


def test_decisions_may_come_at_once_or_one_by_one_and_be_changed():
    labels, p, wrong = planted("at random", n=400)
    expected = suspected(labels, p).expected_precision
    rows = [int(row) for row in expected.order[:8]]
    first = [SuspectDecision(row, bool(wrong[row])) for row in rows[:4]]
    every = first + [SuspectDecision(row, bool(wrong[row])) for row in rows[4:]]
    step_by_step = revised_precision(every, revised_precision(first, expected))
    np.testing.assert_allclose(step_by_step.precision, revised_precision(every, expected).precision)
    changed = revised_precision([*every, SuspectDecision(rows[0], not wrong[rows[0]])], expected)
    assert changed.decided == 8
    assert revised_precision([], expected) is expected


def test_a_decision_on_a_row_that_is_not_in_the_list_is_refused():
    expected = suspected([0, 1] * 6, as_rows([0.6, 0.4], [0.4, 0.6])).expected_precision
    with pytest.raises(InvalidInput, match="Row 12"):
        revised_precision([SuspectDecision(12, wrong=True)], expected)


@settings(max_examples=40)
@given(tables, st.data())
def test_decided_rows_count_as_decided_whatever_the_model_said(rows, data):
    labels, p = judged(rows)
    expected = suspected(labels, p).expected_precision
    verdicts = data.draw(st.dictionaries(st.integers(0, labels.size - 1), st.booleans(), min_size=1))
    revised = revised_precision([SuspectDecision(row, wrong) for row, wrong in verdicts.items()], expected)
    assert revised.decided == len(verdicts)
    assert np.isfinite(revised.precision).all()
    assert (revised.low <= revised.precision).all()
    assert (revised.precision <= revised.high).all()
    if len(verdicts) == labels.size:
        assert revised.of(labels.size).value == pytest.approx(np.mean(list(verdicts.values())))


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(10, 60), st.floats(0, 1), st.floats(0, 1))
def test_a_list_is_as_long_as_the_precision_asked_allows(seed, n, precision, less):
    labels, p, _ = planted("at random", n=n, k=3, seed=seed)
    expected = suspected(labels, p).expected_precision
    length = expected.longest(precision)
    assert 0 <= length <= n
    assert not length or expected.of(length).value >= precision
    assert length == n or expected.of(length + 1).value < precision
    assert expected.longest(precision * less) >= length
    assert all(expected.of(m).low <= expected.of(m).value <= expected.of(m).high for m in (1, n))


def test_decisions_about_copies_count_once():
    labels, p, wrong, groups = copied(10, seed=1, rate=0.1)
    expected = suspected(labels, p, groups=groups).expected_precision
    row = int(expected.order[0])
    of_one = revised_precision([SuspectDecision(row, False)], expected).of(200)
    copies = [SuspectDecision(int(i), False) for i in np.flatnonzero(groups == groups[row])]
    of_all = revised_precision(copies, expected).of(200)
    independent = revised_precision(copies, suspected(labels, p).expected_precision).of(200)
    assert independent.value < of_all.value <= of_one.value
