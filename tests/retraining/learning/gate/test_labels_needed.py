import numpy as np

from retraining.learning.gate.bounded_mean import mean_above, mean_below
from retraining.learning.gate.labels_needed import FEWEST, more_labels


def needed(fixed: int, broken: int, *, neither: int = 0, power: float = 0.8) -> int | None:
    """The labels come evenly mixed."""
    order = np.argsort(np.concatenate([np.arange(count) / max(count, 1) for count in (broken, fixed, neither)]))
    gains = np.repeat([-1.0, 1.0, 0.0], [broken, fixed, neither])[order]
    tests = mean_above(gains, 0.0, 0.05), mean_below(gains, 0.0, 0.05)
    return more_labels(gains, tests, signs=(1, -1), power=power, seed=0)


def test_the_clearer_the_difference_the_fewer_labels_are_needed_in_either_direction() -> None:
    clear, less = needed(29, 15), needed(26, 15)
    assert clear is not None and less is not None
    assert 5 < clear < less
    behind = needed(15, 29)
    assert behind is not None and abs(behind - clear) < 10


def test_more_certainty_takes_more_labels() -> None:
    half, most = needed(30, 14, power=0.5), needed(30, 14, power=0.9)
    assert half is not None and most is not None and half < most


def test_labels_that_neither_gets_right_make_it_longer() -> None:
    without, among = needed(28, 14), needed(28, 14, neither=42)
    assert without is not None and among is not None and among > 1.4 * without


def test_no_number_is_named_where_it_cannot_be_known() -> None:
    assert needed(FEWEST - 1, 0) is None
    assert needed(22, 22) is None
    assert needed(0, 0, neither=30) is None


def test_the_same_seed_names_the_same_number() -> None:
    assert needed(30, 14) == needed(30, 14)
