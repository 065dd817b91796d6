"""How good is the model before labels come, and when that should make anybody retrain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from analysis.metrics.core import intervals
from analysis.metrics.estimates import label_free
from analysis.metrics.estimates.expected_metrics import METRICS
from analysis.metrics.estimates.label_free import Gap, LabelFreeEstimate, Window, retrain_call


def corner(x):
    """A truth that a logistic regression cannot express: beyond x1 = .5 nothing can be known."""
    return np.where(x[:, 1] > 0.5, 0.5, expit(3 * x[:, 0]))


def simulated(rng, rows, moved=0.0):
    x = rng.normal(size=(rows, 2)) + [0, moved]
    return x, (rng.random(rows) < corner(x)).astype(int)


@pytest.fixture(scope="module")
def shifted():
    """(reference, model, inputs and labels of a window drawn elsewhere)."""
    rng = np.random.default_rng(0)
    x, y = simulated(rng, 3000)
    model = LogisticRegression().fit(x, y)
    x, y = simulated(rng, 5000)
    past = label_free.reference(model.predict_proba(x), y, features=x)
    return past, model, *simulated(rng, 2000, moved=1.0)


def known(value, metric="accuracy", reach=0.03, error=0.005):
    return LabelFreeEstimate(
        metric, value, value - reach, value + reach, error, 1000, 5000.0, "CBPE", f"{metric} {value}"
    )


def apart(value, drift=True):
    return Gap(value, value - 0.02, value + 0.02, 0.001 if drift else 0.4, drift, "Audit and estimate part.")


class TestWithoutShift:
    def test_the_interval_covers_what_the_labels_show(self):
        rng = np.random.default_rng(1)
        covered, errors = [], []
        for _ in range(40):
            x, y = simulated(rng, 3000)
            scores = np.clip(expit(4 * x[:, 0]), 0.01, 0.99)
            past = label_free.reference(scores[:2500], y[:2500])
            found = label_free.cbpe(past, scores[2500:])["accuracy"]
            real = ((scores[2500:] > 0.5) == y[2500:]).mean()
            covered.append(found.low <= real <= found.high)
            errors.append(found.value - real)
        assert np.mean(covered) >= 0.85
        assert abs(np.mean(errors)) < 0.015

    def test_every_metric_is_near_the_truth(self):
        rng = np.random.default_rng(2)
        x, y = simulated(rng, 9000)
        scores = np.column_stack([1 - expit(2 * x[:, 0]), expit(2 * x[:, 0])])
        past = label_free.reference(scores[:5000], y[:5000])
        found = label_free.cbpe(past, scores[5000:], metrics=METRICS)
        said = scores[5000:].argmax(axis=1)
        for metric in METRICS:
            real = label_free.expected(metric, np.eye(2)[y[5000:]], scores[5000:], said)
            assert found[metric].value == pytest.approx(real, abs=0.03)

    def test_what_the_model_said_may_follow_another_threshold(self):
        rng = np.random.default_rng(3)
        x, y = simulated(rng, 4000)
        past = label_free.reference(expit(x[:2000, 0]), y[:2000])
        said = (expit(x[2000:, 0]) > 0.8).astype(int)
        found = label_free.cbpe(past, expit(x[2000:, 0]), predicted=said)["accuracy"]
        assert found.value == pytest.approx((said == y[2000:]).mean(), abs=0.04)


class TestUnderShift:
    def test_error_is_at_most_half_of_cbpes(self, shifted):
        past, model, x, y = shifted
        scores = model.predict_proba(x)
        real = np.where(scores.argmax(axis=1) == 1, corner(x), 1 - corner(x)).mean()
        plain = abs(label_free.cbpe(past, scores)["accuracy"].value - real)
        ours = abs(label_free.shift_weighted(past, scores, x)["accuracy"].value - real)
        assert plain > 0.05
        assert ours <= plain / 2

    def test_weights_alone_do_it_where_trees_have_no_share(self, shifted):
        past, model, x, y = shifted
        weights_only = replace(past, refiner=None, held_out=None)
        scores = model.predict_proba(x)
        real = np.where(scores.argmax(axis=1) == 1, corner(x), 1 - corner(x)).mean()
        plain = abs(label_free.cbpe(past, scores)["accuracy"].value - real)
        assert abs(label_free.shift_weighted(weights_only, scores, x)["accuracy"].value - real) <= plain / 2

    def test_fewer_effective_rows_widen_the_interval(self, shifted):
        past, model, x, _ = shifted
        found = label_free.shift_weighted(past, model.predict_proba(x), x)["accuracy"]
        assert found.n_effective < 0.8 * len(past.labels)
        assert found.error > label_free.cbpe(past, model.predict_proba(x))["accuracy"].error

    def test_refuses_windows_that_do_not_fit(self, shifted):
        past, model, x, _ = shifted
        scores = model.predict_proba(x)
        with pytest.raises(ValueError, match="another number"):
            label_free.shift_weighted(past, scores, x[:, :1])
        with pytest.raises(ValueError, match="one row per row"):
            label_free.shift_weighted(past, scores, x[:-1])
        with pytest.raises(ValueError, match="without features"):
            label_free.shift_weighted(label_free.reference(past.scores, past.labels), scores, x)
        with pytest.raises(ValueError, match="3 classes, the reference 2"):
            label_free.cbpe(past, np.full((40, 3), 1 / 3))

    def test_a_window_of_a_few_rows_is_undefined(self, shifted):
        past, model, x, _ = shifted
        for found in (
            label_free.cbpe(past, model.predict_proba(x[:9]))["accuracy"],
            label_free.shift_weighted(past, model.predict_proba(x[:9]), x[:9])["accuracy"],
        ):
            assert found.value is None
            assert "9 rows where 30" in found.why

    def test_an_empty_window_and_nan_scores_are_errors(self, shifted):
        past = shifted[0]
        with pytest.raises(ValueError, match="at least two class probabilities"):
            label_free.cbpe(past, np.zeros((0, 2)))
        with pytest.raises(ValueError, match="has nan in row 0"):
            label_free.cbpe(past, np.full(40, np.nan))

    def test_a_level_that_is_none_is_refused(self, shifted):
        past, model, x, _ = shifted
        for call in (
            lambda: label_free.cbpe(past, model.predict_proba(x), level=95),
            lambda: label_free.shift_weighted(past, model.predict_proba(x), x, level=0),
            lambda: label_free.gap((0.8, 0.7, 0.9), known(0.8), level=1),
        ):
            with pytest.raises(ValueError, match="level is"):
                call()

    def test_precision_is_undefined_where_the_class_is_never_called(self, shifted):
        past, model, x, _ = shifted
        found = label_free.cbpe(past, model.predict_proba(x), predicted=np.zeros(len(x), int), metrics=("precision",))
        assert found["precision"].value is None
        assert found["precision"].why.startswith("Undefined")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 4), st.sampled_from(METRICS))
def test_an_estimate_lies_in_its_interval_and_in_range(seed, classes, metric):
    rng = np.random.default_rng(seed)
    scores = rng.dirichlet(np.ones(classes), 120)
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, 120 - classes)])
    found = label_free.cbpe(
        label_free.reference(scores, labels), rng.dirichlet(np.ones(classes), 40), metrics=(metric,)
    )
    one = found[metric]
    if one.value is not None:
        assert 0 <= one.low <= one.value <= one.high
        assert one.error > 0
        assert metric == "log_loss" or one.high <= max(1, one.value)


@pytest.mark.simulation
@settings(max_examples=4, deadline=None)
@given(
    st.integers(0, 10_000), st.integers(2, 3), st.floats(-1, 1), st.sampled_from(METRICS), st.sampled_from([150, 1000])
)
def test_a_weighted_estimate_lies_in_its_interval_and_names_what_can_be_reached(seed, classes, moved, metric, rows):
    rng = np.random.default_rng(seed)
    scores, features = rng.dirichlet(np.ones(classes), rows), rng.normal(size=(rows, 2))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    past = label_free.reference(scores, labels, features=features)
    now = rng.dirichlet(np.ones(classes), 60)
    one = label_free.shift_weighted(past, now, rng.normal(moved, 1, (60, 2)), metrics=(metric,))[metric]
    if one.value is None:
        assert one.attainable is None and one.why.startswith("Undefined")
    else:
        assert 0 <= one.low <= one.value <= one.high
        assert 0 < one.n_effective <= rows + 1e-9
        assert one.attainable is None or 0 <= one.attainable <= (np.inf if metric == "log_loss" else 1)


class TestGap:
    def test_concept_drift_shows_in_the_audit_and_not_in_the_estimate(self, shifted):
        past, model, x, y = shifted
        found = label_free.shift_weighted(past, model.predict_proba(x), x)["accuracy"]
        turned = np.where(np.random.default_rng(0).random(len(y)) < 0.2, 1 - y, y)
        for labels, drift in ((y, False), (turned, True)):
            right = model.predict(x) == labels
            value, reach = right.mean(), intervals.normal_quantile(0.95) * right.std() / np.sqrt(len(right))
            assert label_free.gap((value, value - reach, value + reach), found).concept_drift is drift

    def test_a_better_audit_is_no_alarm(self):
        assert not label_free.gap((0.95, 0.94, 0.96), known(0.8)).concept_drift
        assert label_free.gap((0.7, 0.69, 0.71), known(0.8)).concept_drift

    def test_low_is_good_for_losses(self):
        assert label_free.gap((0.9, 0.89, 0.91), known(0.3, "log_loss")).concept_drift
        assert not label_free.gap((0.1, 0.09, 0.11), known(0.3, "log_loss")).concept_drift

    def test_is_undefined_without_audit_or_estimate(self):
        none = LabelFreeEstimate("accuracy", None, None, None, None, 0, 0.0, "CBPE", "")
        for found in (label_free.gap((np.nan, 0, 1), known(0.8)), label_free.gap((0.8, 0.7, 0.9), none)):
            assert found.value is None
            assert not found.concept_drift

    @given(st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 1))
    def test_its_interval_holds_the_difference(self, audit, reach, value):
        found = label_free.gap((audit, audit - reach, audit + reach), known(value))
        assert found.low <= found.value <= found.high
        assert found.value == pytest.approx(audit - value)
        assert 0 <= found.p <= 1


class TestRetrainCall:
    def test_drifting_inputs_alone_never_call(self):
        call = retrain_call([Window(known(0.82), apart(0.0, False), 1.0)] * 5, baseline=0.83)
        assert not call.call
        assert "alone is no reason" in call.why

    def test_a_lasting_fall_of_the_estimate_calls(self):
        fallen = Window(known(0.7))
        assert retrain_call([fallen, fallen], baseline=0.83).cause == "performance"
        assert not retrain_call([Window(known(0.83)), fallen], baseline=0.83).call
        assert not retrain_call([fallen, Window()], baseline=0.83).call
        assert not retrain_call([fallen], baseline=0.83).call

    def test_a_lasting_gap_to_the_audit_calls(self):
        worse = Window(known(0.83), apart(-0.1))
        assert retrain_call([worse, worse], baseline=0.83).cause == "concept drift"
        assert not retrain_call([Window(known(0.83), apart(-0.01))] * 2, baseline=0.83).call
        assert not retrain_call([worse, Window(known(0.83), apart(0.0, False))], baseline=0.83).call

    def test_harder_rows_that_a_new_model_would_find_as_hard_do_not_call(self):
        hard = Window(replace(known(0.7), attainable=0.71))
        call = retrain_call([hard, hard], baseline=0.83)
        assert not call.call
        assert "0.710 can be reached" in call.why
        assert not retrain_call([Window(replace(known(0.7), attainable=0.8)), hard], baseline=0.83).call
        assert retrain_call([Window(replace(known(0.7), attainable=0.8))] * 2, baseline=0.83).cause == "performance"
        assert retrain_call([Window(replace(known(0.6, "log_loss"), attainable=0.4))] * 2, baseline=0.4).call
        assert not retrain_call([Window(replace(known(0.6, "log_loss"), attainable=0.59))] * 2, baseline=0.4).call
        worse = replace(hard, gap=apart(-0.1))
        assert retrain_call([worse, worse], baseline=0.83).cause == "concept drift"

    @pytest.mark.simulation
    def test_a_model_that_never_learnt_the_new_rows_calls_and_one_before_noise_does_not(self):
        calls = []
        for learnable in (True, False):
            rng = np.random.default_rng(5)

            def drawn(moved, rows=6000, learnable=learnable, rng=rng):
                x = rng.normal(size=(rows, 2)) + [0, moved]
                turned = np.where(learnable, expit(-4 * x[:, 0]), 0.5)
                return x, (rng.random(rows) < np.where(x[:, 1] > 1, turned, expit(4 * x[:, 0]))).astype(int)

            x, y = drawn(0)
            model = LogisticRegression().fit(x, y)
            past = label_free.reference(model.predict_proba(x), y, features=x)
            now, _ = drawn(1.5, 1500)
            found = label_free.shift_weighted(past, model.predict_proba(now), now)["accuracy"]
            calls.append(retrain_call([Window(found)] * 2, baseline=float((model.predict(x) == y).mean())).call)
        assert calls == [True, False]

    def test_losses_call_when_they_rise(self):
        assert retrain_call([Window(known(0.6, "log_loss"))] * 2, baseline=0.4).call
        assert not retrain_call([Window(known(0.2, "log_loss"))] * 2, baseline=0.4).call

    def test_undefined_parts_never_call(self):
        none = LabelFreeEstimate("accuracy", None, None, None, None, 0, 0.0, "CBPE", "")
        nothing = Gap(None, None, None, None, False, "")
        assert not retrain_call([Window(none, nothing)] * 3, baseline=0.8).call
        assert not retrain_call([], baseline=0.8).call

    @pytest.mark.parametrize("bad", [{"windows": 0}, {"margin": -1}, {"baseline": np.nan}])
    def test_refuses_settings_that_mean_nothing(self, bad):
        with pytest.raises(ValueError, match="at least one window"):
            retrain_call([], **({"baseline": 0.8} | bad))

    @given(st.lists(st.floats(0.5, 1), max_size=6), st.floats(0.5, 1), st.integers(1, 4))
    def test_calls_only_when_every_one_of_the_last_windows_is_worse(self, values, baseline, windows):
        call = retrain_call([Window(known(value)) for value in values], baseline=baseline, windows=windows)
        worse = [value + 0.03 < baseline - 0.02 for value in values[-windows:]]
        assert call.call == (len(worse) == windows and all(worse))
