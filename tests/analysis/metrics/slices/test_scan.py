"""Slices: exact tests, silence on noise, the planted one first, rules whose words mean what their rows are."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.metrics.slices.scan import ScanSettings, members, scan
from analysis.metrics.slices.tail_probabilities import log_hypergeometric_tail, log_weighted_tail
from validation import InvalidInput

seeds = st.integers(0, 10_000)
WORDS = ["late", "card", "lost", "refund", "app", "bank", "fee", "limit", "code", "again"]
UNCONFIRMED = ScanSettings(confirm=False)
REGIONS = np.array(["north", "east", "south", "west"], dtype=object)


def table(rng, n):
    """Four columns of every kind, with values missing in two of them."""
    amount = rng.lognormal(3, 1, n).round(2)
    return {
        "amount": np.where(rng.random(n) < 0.05, np.nan, amount),
        "age": rng.integers(18, 80, n),
        "region": np.where(rng.random(n) < 0.05, None, REGIONS[rng.integers(0, 4, n)]),
        "message": np.array([" ".join(w) for w in rng.choice(WORDS, (n, 4))], object),
    }


def planted(seed, n=10_000, rise=0.15):
    rng = np.random.default_rng(seed)
    columns = table(rng, n)
    met = (columns["region"] == "east") & (columns["age"] >= 64)
    return columns, rng.random(n) < np.where(met, 0.1 + rise, 0.1), met


@given(st.integers(1, 400), st.data())
@settings(max_examples=100)
def test_the_tail_is_the_exact_hypergeometric_one(whole, data):
    wrong, drawn = data.draw(st.integers(0, whole)), data.draw(st.integers(0, whole))
    errors = data.draw(st.integers(0, min(wrong, drawn)))
    found = log_hypergeometric_tail(*(np.array([float(v)]) for v in (errors, drawn, wrong, whole)))
    assert np.exp(found[0]) == pytest.approx(stats.hypergeom.sf(errors - 1, whole, wrong, drawn), rel=1e-8, abs=1e-12)


def test_a_tail_too_small_for_a_float_is_still_distinguished():
    found = log_hypergeometric_tail(*(np.array(v, float) for v in ([9000, 9500], [10000] * 2, [1e5] * 2, [1e6] * 2)))
    assert found[1] < found[0] < -10_000


@given(st.floats(0.1, 500), st.integers(1, 500), st.floats(0.5, 20))
def test_the_weighted_tail_is_the_poisson_one_whatever_the_common_weight(expected, errors, weight):
    found = log_weighted_tail(*(np.array([v]) for v in (errors * weight, errors * weight**2, expected * weight)))
    exact = stats.poisson.sf(errors - 1, expected) if errors > expected else 1.0
    assert np.exp(found[0]) == pytest.approx(exact, rel=1e-6, abs=1e-12)


@given(seeds, st.integers(200, 1500), st.booleans())
@settings(max_examples=25)
def test_every_finding_is_its_rows_in_words_and_numbers(seed, n, weighted):
    rng = np.random.default_rng(seed)
    columns = table(rng, n)
    wrong = rng.random(n) < np.where(columns["age"] > 60, 0.6, 0.1)
    inclusion = rng.choice([1.0, 0.3], n) if weighted else np.ones(n)
    found = scan(columns, wrong, inclusion_probability=inclusion if weighted else None)
    assert found.n == n and found.error_rate.value == pytest.approx(np.average(wrong, weights=1 / inclusion))
    for part in found.slices:
        rows = members(columns, part.conditions)
        assert (part.n, part.errors) == (rows.sum(), (rows & wrong).sum())
        rate = np.average(wrong[rows], weights=1 / inclusion[rows])
        assert part.error_rate.value == pytest.approx(rate)
        assert part.lift.value == pytest.approx(rate / found.error_rate.value)
        assert part.lift.low <= part.lift.value <= part.lift.high
        assert part.lift.value > 1 and part.p <= part.p_adjusted <= 0.05
        assert part.rule == " and ".join(c.words() for c in part.conditions)
        assert 0 < part.share_of_errors <= 1


@pytest.mark.simulation
def test_a_planted_slice_of_two_conditions_is_found_first():
    first = []
    for seed in range(20):
        columns, wrong, met = planted(seed)
        found = scan(columns, wrong, settings=UNCONFIRMED).slices
        rows = members(columns, found[0].conditions) if found else np.zeros_like(met)
        first.append((rows & met).sum() > 0.5 * (rows | met).sum())
    assert sum(first) >= 19


def test_noise_is_met_with_silence():
    reports = []
    for seed in range(60):
        rng = np.random.default_rng([seed, 1])
        found = scan(table(rng, 1000), rng.random(1000) < 0.2, settings=UNCONFIRMED)
        reports.append(bool(found.slices))
        assert found.slices or found.note.startswith("No slice is surely worse than the rest")
    assert sum(reports) <= 5  # of 60, at 5 %: more than that happens to 3 in 100


def test_weighted_noise_is_met_with_silence_where_the_chosen_items_are_the_wrong_ones():
    reports = []
    for seed in range(30):
        rng = np.random.default_rng([seed, 2])
        columns = table(rng, 6000)
        doubtful = columns["age"] < 30
        wrong = rng.random(6000) < 0.2
        rows = np.flatnonzero((doubtful & wrong & (rng.random(6000) < 0.8)) | (rng.random(6000) < 0.1))
        inclusion = np.where(doubtful & wrong, 1 - 0.2 * 0.9, 0.1)[rows]
        asked = {name: values[rows] for name, values in columns.items()}
        assert scan(asked, wrong[rows], settings=UNCONFIRMED).slices  # taken as they are, the chosen items mislead
        reports.append(bool(scan(asked, wrong[rows], inclusion_probability=inclusion, settings=UNCONFIRMED).slices))
    assert sum(reports) <= 4


def test_what_is_true_is_confirmed_by_the_half_that_had_no_say():
    columns, wrong, _ = planted(1, rise=0.3)
    first = scan(columns, wrong).slices[0]
    assert first.confirmed is True
    assert first.held_out.low < 0.4 < first.held_out.high + 0.05
    assert scan(columns, wrong, settings=UNCONFIRMED).slices[0].confirmed is None


def test_two_conditions_are_reported_only_when_worse_than_each_alone():
    rng = np.random.default_rng(2)
    columns = table(rng, 8000)
    wrong = rng.random(8000) < np.where(columns["region"] == "east", 0.35, 0.1)
    found = scan(columns, wrong)
    assert [part.rule for part in found.slices] == ["region is east"]


def test_a_second_finding_is_not_the_shadow_of_the_first():
    rng = np.random.default_rng(3)
    columns = table(rng, 8000)
    east, young = columns["region"] == "east", columns["age"] < 25
    wrong = rng.random(8000) < np.where(east | young, 0.4, 0.1)
    found = [part.rule for part in scan(columns, wrong).slices]
    assert found[0] == "region is east"
    assert found[1].startswith("age under 2")
    assert len(found) == 2


def test_a_broad_weak_finding_does_not_swallow_the_sharp_one_inside_it():
    kinds, units = np.array(["loan", "card", "cash", "bond"]), np.arange(6).astype(str)
    rules = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        columns = {"kind": rng.choice(kinds, 10_000), "unit": rng.choice(units, 10_000), "age": rng.random(10_000)}
        loan, fault = columns["kind"] == "loan", (columns["kind"] == "loan") & (columns["unit"] == "1")
        wrong = rng.random(10_000) < 0.08 + 0.04 * loan + 0.1 * fault
        rules.append({found.rule for found in scan(columns, wrong, settings=UNCONFIRMED).slices[:1]})
    assert rules.count({"kind is loan and unit is 1"}) >= 9


def test_times_are_cut_into_periods_with_readable_bounds():
    rng = np.random.default_rng(11)
    when = np.datetime64("2025-01-01", "s") + rng.integers(0, 500 * 86_400, 6000).astype("timedelta64[s]")
    late = when >= np.datetime64("2026-03-01")
    wrong = rng.random(6000) < np.where(late, 0.5, 0.05)
    for values, types in ((when, None), (when.astype(str).astype(object), {"when": "time"})):
        first = scan({"when": values}, wrong, types=types).slices[0]
        assert re.fullmatch(r"when from 2026-0[23]-\d\d", first.rule)
        assert (members({"when": values}, first.conditions) & late).sum() > 0.8 * late.sum()


def test_terms_and_missing_values_are_conditions_too():
    rng = np.random.default_rng(4)
    columns = table(rng, 5000)
    has = np.array(["refund" in text for text in columns["message"]])
    by_term = scan({"message": columns["message"]}, rng.random(5000) < np.where(has, 0.3, 0.1))
    assert by_term.slices[0].rule == "message contains refund"
    gone = np.isnan(columns["amount"])
    by_gap = scan({"amount": columns["amount"]}, rng.random(5000) < np.where(gone, 0.6, 0.1))
    assert by_gap.slices[0].rule == "amount is missing"
    nowhere = np.array([value is None for value in columns["region"]])
    by_name = scan({"region": columns["region"]}, rng.random(5000) < np.where(nowhere, 0.6, 0.1))
    assert by_name.slices[0].rule == "region is missing"


def test_numbers_are_said_as_people_say_them():
    rng = np.random.default_rng(5)
    limit = rng.integers(1, 50, 6000) * 10_000
    wrong = rng.random(6000) < np.where((limit >= 80_000) & (limit <= 240_000), 0.5, 0.05)
    rule = scan({"limit": limit}, wrong).slices[0].rule
    assert rule == "limit 80,000 to 240,000"
    few = rng.integers(0, 5, 6000)
    assert scan({"late": few}, rng.random(6000) < np.where(few == 2, 0.5, 0.05)).slices[0].rule == "late is 2"
    temperature = rng.normal(0, 10, 6000)
    rule = scan({"t": temperature}, rng.random(6000) < np.where(temperature < -9, 0.5, 0.05)).slices[0].rule
    assert rule.startswith("t under −")


def test_the_seed_decides_and_nothing_else():
    columns, wrong, _ = planted(6)
    assert scan(columns, wrong, settings=ScanSettings(seed=3)) == scan(columns, wrong, settings=ScanSettings(seed=3))


def test_a_constant_column_and_errors_of_one_kind_have_nothing_to_tell():
    rng = np.random.default_rng(7)
    same = scan({"one": np.ones(300), "word": ["x"] * 300}, rng.random(300) < 0.3)
    assert same.slices == () and same.note == "No column has two values with enough rows."
    columns = table(rng, 300)
    assert scan(columns, np.zeros(300, bool)).note == "None of the 300 rows are wrong."
    assert scan(columns, np.ones(300, bool)).note == "All of the 300 rows are wrong."
    assert scan({}, np.array([True, False])).note == "No column has two values with enough rows."


def test_no_rows_are_undefined_and_say_so():
    found = scan({"x": []}, [])
    assert found.slices == () and found.error_rate.value is None
    assert found.note == "No labelled items."


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: scan({"x": [1, 2]}, [True]), "The column x has 2 rows where 1 are needed"),
        (lambda: scan({"x": [1, 2]}, [0, 2]), "errors has 2 in row 1"),
        (lambda: scan({"x": [1, 2]}, [0.0, np.nan]), "errors has nan in row 1"),
        (lambda: scan({"x": [1, 2]}, [0, 1], inclusion_probability=[0.0, 1.0]), "inclusion_probability has 0"),
        (lambda: scan({"x": [1, 2]}, [0, 1], inclusion_probability=[1.0]), "errors has 2 rows where 1"),
        (lambda: scan({"x": [1.0, np.inf]}, [0, 1]), "'x' is infinite in row 1"),
        (lambda: scan({"x": ["a", "b"]}, [0, 1], types={"x": "number"}), "'x' should hold numbers"),
        (lambda: scan({"x": ["a", "b"]}, [0, 1], types={"x": "image"}), "x: no rule can use the type 'image'"),
        (lambda: scan({"x": [1, 2]}, [0, 1], settings=ScanSettings(level=0)), "level is 0"),
        (lambda: members({"x": [1]}, ()), "at least one condition"),
    ],
)
def test_what_cannot_be_scanned_is_refused_by_name(call, says):
    with pytest.raises(ValueError) as refused:
        call()
    assert says in str(refused.value)


def test_a_condition_on_a_column_that_is_not_there_is_refused():
    columns, wrong, _ = planted(8)
    first = scan(columns, wrong).slices[0]
    with pytest.raises(InvalidInput, match="There is no column"):
        members({"x": [1]}, first.conditions)


def repeated_noise(seed, times):
    """Errors by lot on 200 items, each `times` times."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(200), times)
    columns = {"x": rng.normal(size=200)[rows], "c": rng.choice(["a", "b", "c"], 200)[rows]}
    return columns, (rng.random(200) < 0.3)[rows], rows


def test_noise_repeated_tenfold_is_still_noise():
    grouped = plain = 0
    for seed in range(30):
        columns, errors, rows = repeated_noise(seed, 10)
        grouped += bool(scan(columns, errors, groups=rows, settings=UNCONFIRMED).slices)
        plain += bool(scan(columns, errors, settings=UNCONFIRMED).slices)
    assert grouped <= 3
    assert plain >= 20


def test_a_slice_of_repeated_items_is_found_and_its_copies_count_once():
    rng = np.random.default_rng(0)
    rows = np.repeat(np.arange(1000), rng.integers(1, 4, 1000))
    kind = rng.choice(["a", "b", "c", "d"], 1000)
    wrong = rng.random(1000) < np.where(kind == "a", 0.6, 0.1)
    found = scan({"kind": kind[rows]}, wrong[rows], groups=rows)
    (one,) = found.slices
    assert one.n == int((kind[rows] == "a").sum())
    assert one.error_rate.effective_n < one.n
    assert one.confirmed
