"""Copiers: found where they are, left alone where agreement has another reason, and never worth more than one vote."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.votes import consensus, copier_detection
from analysis.metrics.votes.annotator_models import CodedVotes
from analysis.metrics.votes.copier_detection import merge_copiers, merge_group


def votes_of(*, copiers=6, right=0.5, follow=1.0, people=18, n=300, per_item=8, k=3, seed=0, able=(0.6, 0.85)):
    """Votes of able annotators, of whom the first `copiers` take over the votes of one careless colleague."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    who = np.argsort(rng.random((n, people)), axis=1)[:, :per_item].ravel()
    items = np.repeat(np.arange(n), per_item)
    slip = (truth[items] + rng.integers(1, k, items.size)) % k
    label = np.where(rng.random(items.size) < rng.uniform(able[0], able[1], people)[who], truth[items], slip)
    source = np.where(rng.random(n) < right, truth, (truth + 1) % k)
    taken = (who < copiers) & (rng.random(items.size) < follow)
    label[taken] = source[items[taken]]
    return CodedVotes(items, who, label, n, people, k), truth


def accuracy(cast, truth):
    found = consensus.resolve((cast.item, cast.annotator, cast.label))
    return float((found.label == truth).mean()), found


LAWS = [{}, {"copiers": 9}, {"copiers": 4}, {"follow": 0.8}, {"k": 2, "n": 600}, {"k": 8}, {"right": 0.8}]
OF_THE_BEST = {"right": 0.95, "n": 500}  # only their few errors in common tell them from experts


@pytest.mark.parametrize("law", [*LAWS, OF_THE_BEST])
def test_copiers_are_found_whatever_their_share_and_the_number_of_classes(law):
    cast, _ = votes_of(seed=1, **law)
    assert merge_copiers(cast, 0).groups == (tuple(range(law.get("copiers", 6))),)


def test_two_groups_are_kept_apart():
    cast, truth = votes_of(copiers=5, seed=1)
    rng = np.random.default_rng(9)
    other = np.where(rng.random(300) < 0.5, truth, (truth + 2) % 3)
    label = np.where((cast.annotator >= 5) & (cast.annotator < 10), other[cast.item], cast.label)
    found = merge_copiers(CodedVotes(cast.item, cast.annotator, label, 300, 18, 3), 0).groups
    assert sorted(found) == [tuple(range(5)), tuple(range(5, 10))]


def test_votes_that_copiers_mislead_are_resolved_as_by_the_others():
    cast, truth = votes_of(seed=3)
    reached, found = accuracy(cast, truth)
    with_one, _ = accuracy(cast.only((cast.annotator >= 6) | (cast.annotator == 0)), truth)
    assert found.copies == (tuple(range(6)),)
    assert "6 annotators agree more than" in found.why
    assert reached > with_one - 0.03
    assert found.annotator_quality[:6].max() < found.annotator_quality[6:].min()


@pytest.mark.parametrize("seed", range(3))
def test_annotators_who_err_each_for_themselves_are_left_alone(seed):
    cast, _ = votes_of(copiers=0, seed=seed)
    found = merge_copiers(cast, 0)
    assert found.groups == ()
    assert found.votes is cast


@pytest.mark.simulation
@pytest.mark.parametrize("seed", range(3))
def test_experts_agree_because_they_are_right(seed):
    # The first six say the truth alone, and so the same, where the others mostly guess.
    cast, truth = votes_of(copiers=6, right=1.0, able=(0.35, 0.6), seed=seed)
    assert merge_copiers(cast, 0).groups == ()
    assert accuracy(cast, truth)[0] > 0.97


def test_hard_items_make_everyone_agree_on_the_wrong_label_and_nobody_a_copier():
    cast, truth = votes_of(copiers=0, seed=2)
    misleading = np.arange(300) % 4 == 0
    rng = np.random.default_rng(4)
    fooled = misleading[cast.item] & (rng.random(cast.item.size) < 0.7)
    label = np.where(fooled, (truth[cast.item] + 1) % 3, cast.label)
    assert merge_copiers(CodedVotes(cast.item, cast.annotator, label, 300, 18, 3), 0).groups == ()


def coded(item, annotator, label, items, annotators, k):
    return CodedVotes(np.array(item), np.array(annotator), np.array(label), items, annotators, k)


def test_a_group_has_one_vote_per_item_the_one_most_of_it_gave():
    cast = coded([0, 0, 0, 0, 1, 1], [0, 1, 2, 3, 0, 3], [2, 2, 1, 0, 1, 0], 2, 4, 3)
    one = merge_group(cast, [0, 1, 2])
    assert sorted(zip(one.item.tolist(), one.annotator.tolist(), one.label.tolist(), strict=True)) == [
        (0, 0, 2),
        (0, 3, 0),
        (1, 0, 1),
        (1, 3, 0),
    ]


def test_a_tie_inside_a_group_goes_to_its_busier_member():
    cast = coded([0, 0, 1, 2], [0, 1, 1, 1], [0, 2, 1, 1], 3, 2, 3)
    assert merge_group(cast, [0, 1]).label[0] == 2


def test_two_votes_per_item_tell_nothing_of_copies():
    cast, _ = votes_of(per_item=2)
    assert merge_copiers(cast, 0).groups == ()


def test_everyone_alike_is_no_group_since_nobody_is_outside():
    items, who = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
    cast = CodedVotes(items, who, np.arange(60)[items] % 3, 60, 5, 3)
    assert merge_copiers(cast, 0).groups == ()


def test_only_the_busiest_are_screened(monkeypatch):
    monkeypatch.setattr(copier_detection, "MOST_ANNOTATORS", 7)
    cast, _ = votes_of(seed=3)
    busiest = np.argsort(-np.bincount(cast.annotator), kind="stable")[:7]
    assert {one for group in merge_copiers(cast, 0).groups for one in group} <= set(busiest.tolist())


def test_a_small_table_of_pairs_is_enough_to_find_copiers(monkeypatch):
    monkeypatch.setattr(copier_detection, "MOST_CELLS", 150 * 28 * 3)
    cast, _ = votes_of(seed=3)
    assert merge_copiers(cast, 0).groups == (tuple(range(6)),)


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(1, 6), st.integers(2, 4))
def test_any_votes_are_taken_and_no_vote_is_invented(seed, n, people, k):
    rng = np.random.default_rng(seed)
    given_ = rng.random((n, people)) < 0.8
    items, who = np.nonzero(given_)
    cast = CodedVotes(items, who, rng.integers(0, k, items.size), n, people, k)
    found = merge_copiers(cast, seed % 7)
    assert set(zip(found.votes.item, found.votes.label, strict=True)) <= set(zip(items, cast.label, strict=True))
    assert len({one for group in found.groups for one in group}) == sum(map(len, found.groups))


@given(st.integers(0, 2**31), st.integers(1, 25), st.integers(2, 6), st.integers(2, 4), st.data())
def test_a_group_made_one_gives_a_vote_per_item_it_met_and_leaves_the_others(seed, n, people, k, data):
    rng = np.random.default_rng(seed)
    items, who = np.nonzero(rng.random((n, people)) < 0.7)
    cast = CodedVotes(items, who, rng.integers(0, k, items.size), n, people, k)
    group = data.draw(st.lists(st.integers(0, people - 1), min_size=2, unique=True))
    inside = np.isin(who, group)
    found = merge_group(cast, group)
    one = found.annotator == group[0]
    assert sorted(found.item[one].tolist()) == np.unique(items[inside]).tolist()
    assert not np.isin(found.annotator[~one], group).any()
    np.testing.assert_array_equal(found.label[~one], cast.label[~inside])
    counts = cast.only(inside).counts
    assert (counts[found.item[one], found.label[one]] == counts[found.item[one]].max(axis=1)).all()
    assert (found.items, found.annotators, found.k) == (n, people, k)
