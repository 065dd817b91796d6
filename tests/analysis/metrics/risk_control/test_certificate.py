import msgspec
import numpy as np
import pytest
from scipy import stats

from analysis.metrics.risk_control.certificate import (
    CertificateRule,
    InForce,
    ResolutionCertificate,
    VoidReason,
    audit_rows,
    certify,
    is_void,
    may_resolve,
    rows_needed,
    thresholds_to_try,
)
from validation import InvalidInput

RULE = CertificateRule()


def sample(n: int, *, seed: int = 0, steep: float = 12.0, **columns):
    """Errors that become rarer with confidence, about a fifth of all."""
    rng = np.random.default_rng(seed)
    confidence = rng.random(n)
    wrong = (rng.random(n) < np.exp(-steep * confidence) + 0.005).astype(float)
    return audit_rows([f"item-{row}" for row in range(n)], confidence, wrong, np.full(n, 0.1), **columns)


def made(rows, rule: CertificateRule = RULE) -> ResolutionCertificate:
    return certify(rows, rule, model_version="v1", monitor="m", created=5.0)


def test_a_certificate_states_its_method_rows_share_and_error() -> None:
    rows = sample(600)
    found = made(rows)
    one = found.thresholds[0]
    alone = rows.confidence >= one.threshold
    assert (found.largest_error, found.delta, found.n, found.model_version, found.created) == (
        0.05,
        0.1,
        600,
        "v1",
        5.0,
    )
    assert one.n == alone.sum() > 300
    assert found.share.value == pytest.approx(alone.mean())
    assert found.share.low < alone.mean() < found.share.high
    assert one.error.value == pytest.approx(rows.loss[alone].mean())
    assert stats.binom.cdf(rows.loss[alone].sum(), alone.sum(), 0.05) <= 0.1


def test_a_certificate_is_stored_and_read_without_loss() -> None:
    found = made(sample(300))
    assert msgspec.convert(msgspec.to_builtins(found), ResolutionCertificate) == found


def test_errors_that_confidence_does_not_know_of_certify_nothing() -> None:
    found = made(sample(600, steep=2.0))
    assert not found.resolves_any and found.share.value == 0
    assert is_void(found, InForce("v1", (None,), "m", alarmed=False)) == VoidReason.NOTHING


def test_fewer_rows_than_one_test_needs_certify_nothing() -> None:
    assert rows_needed(0, 0.05, 0.1) == 45
    rows = audit_rows([str(n) for n in range(44)], np.ones(44), np.zeros(44), np.ones(44))
    assert not made(rows).resolves_any
    rows = audit_rows([str(n) for n in range(45)], np.ones(45), np.zeros(45), np.ones(45))
    assert made(rows).thresholds[0].threshold == 1.0
    assert made(audit_rows([], [], [], [])).share.value is None


def test_copies_of_one_item_are_one_row() -> None:
    confidence, groups = np.linspace(0.9, 1.0, 200), np.arange(200) // 10
    rows = audit_rows([str(n) for n in range(200)], confidence, np.zeros(200), np.ones(200), groups=groups)
    assert not made(rows).resolves_any


def test_items_drawn_rarely_weigh_more() -> None:
    """Errors sit among rows that stand for ten items each: 2 % of the rows are wrong, and 16 % of the traffic."""
    wrong = np.append(np.zeros(480), np.ones(10))
    chance = np.append(np.ones(480), np.full(10, 0.1))
    rows = audit_rows([str(n) for n in range(490)], np.full(490, 0.9), wrong, chance)
    assert not made(rows).resolves_any
    assert made(audit_rows(rows.item, rows.confidence, wrong, np.ones(490))).resolves_any


def test_each_class_can_have_its_own_threshold_at_its_part_of_the_error_rate() -> None:
    predicted = np.arange(1200) % 2
    rows = sample(1200, predicted=predicted)
    wrong = rows.loss.copy()
    wrong[predicted == 1] = np.random.default_rng(1).random(600) < 0.3
    found = made(audit_rows(rows.item, rows.confidence, wrong, rows.inclusion_probability, predicted=predicted))
    by_class = {one.predicted: one.threshold for one in found.thresholds}
    assert by_class[1] is None and 0 < by_class[0] < 1
    alone = may_resolve(found.thresholds, rows.confidence, predicted)
    assert alone.sum() == found.thresholds[0].n > 0
    assert not alone[predicted == 1].any()


def test_the_thresholds_that_are_tried_fall_and_do_not_depend_on_the_losses() -> None:
    rows = sample(500)
    tried = thresholds_to_try(rows.confidence, np.ones(500), 0.05, 0.1)
    assert np.diff(tried).max() < 0
    assert (rows.confidence >= tried[0]).sum() == rows_needed(2, 0.05, 0.1)
    assert tried[-1] == rows.confidence.min()


def test_rows_of_equal_confidence_are_answered_alone_together_or_not_at_all() -> None:
    confidence = np.repeat([0.9, 0.5], 150)
    wrong = np.append(np.zeros(150), np.arange(150) % 3 == 0)
    found = made(audit_rows([str(n) for n in range(300)], confidence, wrong, np.ones(300)))
    assert (found.thresholds[0].threshold, found.thresholds[0].n) == (0.9, 150)


def test_the_hash_is_of_the_rows_and_not_of_their_order() -> None:
    rows = sample(50)
    turned = audit_rows(rows.item[::-1], rows.confidence[::-1], rows.loss[::-1], rows.inclusion_probability[::-1])
    changed = audit_rows(rows.item, rows.confidence, 1 - rows.loss, rows.inclusion_probability)
    assert rows.hash == turned.hash != changed.hash
    assert len(set(rows.row_hashes())) == 50


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"model_version": "v2"}, VoidReason.MODEL),
        ({"thresholds": (0.1,)}, VoidReason.THRESHOLD),
        ({"thresholds": ()}, VoidReason.THRESHOLD),
        ({"monitor": "other"}, VoidReason.MONITOR),
        ({"alarmed": True}, VoidReason.ALARM),
    ],
)
def test_a_certificate_is_void_once_model_threshold_or_monitor_change(change, reason) -> None:
    found = made(sample(600))
    now = {"model_version": "v1", "thresholds": (found.thresholds[0].threshold,), "monitor": "m", "alarmed": False}
    assert is_void(found, InForce(**now | change)) == reason


@pytest.mark.simulation
@pytest.mark.parametrize("error", [0.06, 0.15])
def test_of_certificates_of_a_model_that_is_always_above_the_limit_no_more_than_delta_are_given(error: float) -> None:
    rng, given = np.random.default_rng(0), 0
    for _ in range(300):
        wrong = (rng.random(200) < error).astype(float)
        given += made(audit_rows([str(n) for n in range(200)], rng.random(200), wrong, np.ones(200))).resolves_any
    assert given / 300 <= 0.1


def test_bad_rules_and_rows_are_refused() -> None:
    with pytest.raises(InvalidInput, match="delta"):
        CertificateRule(delta=0.0)
    with pytest.raises(InvalidInput, match="confidence"):
        audit_rows(["a"], [1.2], [0.0], [1.0])
    with pytest.raises(InvalidInput, match="loss"):
        audit_rows(["a"], [0.5], [0.0, 1.0], [1.0])
