"""What holds for any input: the comparison with the naive answer, and pipelines from any contract."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retraining.learning import FAMILIES, beats_naive, build

SETTINGS = {"C": 1.0, "solver": "lbfgs", "alpha": 0.1, "learning_rate": 0.1, "leaves": 6, "smallest_leaf": 3}
codes = hnp.arrays(int, 24, elements=st.integers(0, 2))


@settings(max_examples=40)
@given(codes, codes, hnp.arrays(float, 24, elements=st.floats(0.05, 1)))
def test_a_version_never_beats_itself_and_the_verdict_is_in_range(
    truth: np.ndarray, predicted: np.ndarray, chance: np.ndarray
) -> None:
    same = beats_naive(truth, predicted, chance, naive=predicted)
    other = beats_naive(truth, predicted, chance)

    assert same.decision == "hold"
    assert same.difference is not None
    assert same.difference.value == 0
    assert other.difference is not None
    assert -100 <= other.difference.low <= other.difference.value <= other.difference.high <= 100
    assert len(other.fixed) + len(other.broken) + other.both_right + other.both_wrong == 24


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=4), st.sampled_from(["text", "number", "category"]), min_size=1
    ),
    st.sampled_from(FAMILIES),
    st.integers(0, 99),
)
def test_a_pipeline_is_built_alike_each_time_and_unfitted(types: dict[str, str], family: str, seed: int) -> None:
    one, other = (build(types, {**SETTINGS, "family": family, "seed": seed}) for _ in range(2))

    assert one is not other
    assert str(one) == str(other)
    assert not hasattr(one, "classes_")
