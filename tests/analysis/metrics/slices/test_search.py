"""The search behind the slices: counts made in one pass are those made by hand, and findings are what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.metrics.core.design import design
from analysis.metrics.slices import search as searching
from analysis.metrics.slices.conditions import axes
from analysis.metrics.slices.counts import SliceRows, Tally, blocks, conditions, total
from analysis.metrics.slices.split_confirmation import confirm

seeds, sizes = st.integers(0, 10_000), st.integers(40, 200)


def simulated(seed, n, weighted):
    rng = np.random.default_rng(seed)
    columns = {
        "number": rng.normal(size=n),
        "category": rng.choice(list("abc"), n),
        "text": np.array([" ".join(words) for words in rng.choice(["late", "card", "fee", "app"], (n, 2))], object),
    }
    split = axes(columns, types={"text": "text"}, min_rows=5)
    wrong = rng.random(n) < np.where(columns["category"] == "a", 0.7, 0.1)
    return split, SliceRows(wrong, rng.choice([1.0, 4.0], n) if weighted else None)


def by_hand(met, rows):
    weight = np.ones(met.size) if rows.weight is None else rows.weight
    wrong = weight[met & rows.wrong]
    return [met.sum(), weight[met].sum(), wrong.sum(), (wrong**2).sum()]


@given(seeds, sizes, st.booleans())
@settings(max_examples=15)
def test_every_rule_is_counted_as_one_would_by_hand(seed, n, weighted):
    split, rows = simulated(seed, n, weighted)
    assert np.ravel(total(rows)).tolist() == by_hand(np.ones(n, bool), rows)
    for block in blocks(split, rows):
        tally, first, second = conditions(block, split)
        for rule in np.random.default_rng(seed).integers(0, first.size, 3):
            places = [(block.a, int(first[rule]))]
            if block.b is not None:
                places.append((block.b, int(second[rule])))
            met = searching.rows_of(searching.Rule(tuple(places), 0.0, 1.0), split)
            counted = [part[rule] for part in tally]
            assert counted == pytest.approx(by_hand(met, rows))


@given(seeds, sizes, st.booleans())
@settings(max_examples=15)
def test_findings_are_rules_that_pass_and_their_words_hold_their_rows(seed, n, weighted):
    split, rows = simulated(seed, n, weighted)
    policy = searching.SearchLimits(pairs=True, level=0.05, min_rows=5, at_most=3)
    found, tested = searching.search(split, rows, policy)
    assert len(found) <= 3 and tested > 0
    drawn = design(np.ones(n) if rows.weight is None else rows.weight.min() / rows.weight)
    verdicts = confirm(found, split, rows, policy, drawn, seed)
    assert len(verdicts) == len(found)
    for rule, verdict in zip(found, verdicts, strict=True):
        said = searching.conditions_of(rule, split)
        assert [condition.column for condition in said] == [split[axis].name for axis, _ in rule.places]
        assert searching.rows_of(rule, split).sum() >= 5
        assert np.exp(rule.log_p) <= rule.adjusted <= 0.05
        assert verdict.confirmed in (True, False)
        assert verdict.held_out is None or 0 <= verdict.held_out.value <= 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_likeness_is_one_for_the_same_rows_and_nought_for_rows_apart(pairs):
    one, other = np.array(pairs).T
    assert searching.likeness(one, other) == searching.likeness(other, one)
    assert searching.likeness(one, ~one) == 0
    assert searching.likeness(one, one) == float(one.any())


@given(st.integers(1, 200), st.data())
def test_the_tail_of_a_count_is_the_exact_one_and_the_weighted_one_is_no_smaller(whole, data):
    wrong, drawn = data.draw(st.integers(1, whole)), data.draw(st.integers(1, whole))
    errors = data.draw(st.integers(0, min(wrong, drawn)))
    part, everything = (
        Tally(*(np.array([float(v)]) for v in (n, n, bad, bad))) for n, bad in ((drawn, errors), (whole, wrong))
    )
    exact = float(np.exp(searching.log_tail(part, everything, False)[0]))
    assert exact == pytest.approx(stats.hypergeom.sf(errors - 1, whole, wrong, drawn), rel=1e-7, abs=1e-12)
    if errors >= drawn * wrong / whole + 1:
        assert float(np.exp(searching.log_tail(part, everything, True)[0])) >= exact * (1 - 1e-6) - 1e-12
