import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analysis.metrics.core.folds import assign_folds
from validation import InvalidInput

targets = hnp.arrays(int, st.integers(2, 60), elements=st.integers(0, 5))


@given(targets, st.integers(2, 6), st.integers(0, 99))
def test_every_class_is_spread_as_evenly_as_its_size_allows(target: np.ndarray, k: int, seed: int) -> None:
    fold = assign_folds(target, folds=k, seed=seed)
    for name in np.unique(target):
        counts = np.bincount(fold[target == name], minlength=k)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(fold, minlength=k)
    assert sizes.max() - sizes.min() <= 1


@given(targets, st.integers(0, 99), st.data())
def test_rows_of_one_group_share_a_fold_and_no_fold_is_all(target: np.ndarray, seed: int, data: st.DataObject) -> None:
    group = data.draw(hnp.arrays(int, len(target), elements=st.integers(0, 8)))
    fold = assign_folds(target, folds=3, seed=seed, groups=group)
    if len(np.unique(group)) == 1:  # nothing could be held out, and nothing known by heart
        assert (fold == assign_folds(target, folds=3, seed=seed)).all()
    else:
        assert all(len(set(fold[group == g])) == 1 for g in np.unique(group))
    assert len(set(fold)) >= 2


def test_the_seed_decides() -> None:
    target = np.arange(40) % 4
    assert (assign_folds(target, folds=5, seed=1) == assign_folds(target, folds=5, seed=1)).all()
    assert (assign_folds(target, folds=5, seed=1) != assign_folds(target, folds=5, seed=2)).any()


@pytest.mark.parametrize(("target", "k"), [([0], 2), ([0, 1], 1), ([], 2)])
def test_too_little_to_hold_out_is_refused(target: list[int], k: int) -> None:
    with pytest.raises(InvalidInput, match="at least two rows and two folds"):
        assign_folds(np.array(target, dtype=int), folds=k, seed=0)


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="groups has 1 rows where 2"):
        assign_folds([0, 1], folds=2, seed=0, groups=[1])


def test_rows_without_copies_are_dealt_as_without_groups() -> None:
    target = np.arange(50) % 3
    grouped = assign_folds(target, folds=5, seed=3, groups=np.arange(50)[::-1])
    assert (grouped == assign_folds(target, folds=5, seed=3)).all()
