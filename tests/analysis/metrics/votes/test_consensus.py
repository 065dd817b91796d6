"""Votes: what people agree on, chosen by evidence in their votes, right on planted truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.metrics.votes.consensus import METHODS, resolve
from validation import InvalidInput

rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=60)


def votes_of(confusion, truth, per_item, seed):
    """Votes of annotators with these confusion matrices (a, k, k), `per_item` on each item."""
    rng = np.random.default_rng(seed)
    people = np.argsort(rng.random((truth.size, len(confusion))), axis=1)[:, :per_item].ravel()
    items = np.repeat(np.arange(truth.size), per_item)
    chance = np.cumsum(confusion[people, truth[items]], axis=1)
    return items, people, (rng.random((items.size, 1)) > chance).sum(axis=1)


def coins(accuracy, k):
    right = np.asarray(accuracy)[:, None, None]
    return right * np.eye(k) + (1 - right) / (k - 1) * (1 - np.eye(k))


def right(found, truth):
    return float((found.label == truth).mean())


@pytest.fixture(scope="module")
def good_and_bad():
    """A few careful annotators among many careless ones."""
    truth = np.random.default_rng(0).integers(0, 3, 300)
    accuracy = np.array([0.95] * 3 + [0.45] * 9)
    return votes_of(coins(accuracy, 3), truth, 6, seed=1), truth, accuracy


@pytest.fixture(scope="module")
def biased():
    """Most annotators miss one of two classes; a few see both."""
    truth = np.random.default_rng(2).integers(0, 2, 150)
    blind = np.array([[0.9, 0.1], [0.65, 0.35]])
    seeing = np.array([[0.9, 0.1], [0.1, 0.9]])
    return votes_of(np.stack([blind] * 12 + [seeing] * 4), truth, 16, seed=3), truth


@pytest.fixture(scope="module")
def hard_negatives():
    """A quarter of the items are negatives that two of five annotators take for positives."""
    rng = np.random.default_rng(4)
    kind = rng.choice(3, 900, p=[0.5, 0.25, 0.25])  # easy negative, hard negative, positive
    skill = rng.uniform(-0.08, 0.08, 25)
    looks = np.array([[0.95, 0.05], [0.6, 0.4], [0.25, 0.75]])
    confusion = np.stack([np.clip(looks + s * np.array([[1, -1], [1, -1], [-1, 1]]), 0.01, 0.99) for s in skill])
    people = np.argsort(rng.random((900, 25)), axis=1)[:, :15].ravel()
    items = np.repeat(np.arange(900), 15)
    votes = (rng.random(items.size) < confusion[people, kind[items], 1]).astype(int)
    return (items, people, votes), (kind == 2).astype(int)


@pytest.mark.parametrize("method", METHODS)
def test_people_who_agree_are_believed_by_every_method(method):
    items, people = np.repeat(np.arange(12), 3), np.tile(["x", "y", "z"], 12)
    found = resolve((items, people, np.repeat(["yes", "no", "no"], 12)), method=method)
    assert found.label.tolist() == ["yes"] * 4 + ["no"] * 8
    assert (found.quality > 0.5).all()
    assert found.annotator_n.tolist() == [12, 12, 12]
    assert found.why


@pytest.mark.parametrize("method", ["auto", "dawid_skene", "one_coin", "glad", "crowdlab"])
def test_careful_annotators_count_for_more_than_careless_ones(good_and_bad, method):
    votes, truth, accuracy = good_and_bad
    found = resolve(votes, method=method)
    assert right(found, truth) > right(resolve(votes, method="majority"), truth) + 0.02
    assert found.annotator_quality[:3].min() > found.annotator_quality[3:].max()


def test_quality_is_the_share_of_labels_that_are_right(good_and_bad):
    votes, truth, _ = good_and_bad
    found = resolve(votes)
    assert found.quality.mean() == pytest.approx(right(found, truth), abs=0.04)
    doubtful = found.quality < np.quantile(found.quality, 0.2)
    assert right_among(found, truth, doubtful) < right_among(found, truth, ~doubtful)


def right_among(found, truth, chosen):
    return float((found.label == truth)[chosen].mean())


def test_auto_sees_bias_by_class_from_the_votes_alone(biased):
    votes, truth = biased
    auto = right(resolve(votes), truth)
    assert auto > right(resolve(votes, method="majority"), truth) + 0.05
    assert auto > right(resolve(votes, method="one_coin"), truth) + 0.05
    assert auto >= right(resolve(votes, method="dawid_skene"), truth) - 0.01


def test_auto_sees_kinds_of_items_that_mislead_everyone(hard_negatives):
    votes, truth = hard_negatives
    found = resolve(votes)
    assert right(found, truth) > right(resolve(votes, method="dawid_skene"), truth) + 0.05
    assert "item types" in found.why


@pytest.mark.simulation
def test_auto_stays_within_a_point_of_the_best_method(good_and_bad, biased, hard_negatives):
    for votes, truth in (good_and_bad[:2], biased, hard_negatives):
        best = max(right(resolve(votes, method=method), truth) for method in METHODS[1:])
        assert right(resolve(votes), truth) >= best - 0.01


def test_a_model_settles_what_few_votes_leave_open():
    truth = np.random.default_rng(5).integers(0, 4, 400)
    votes = votes_of(coins(np.linspace(0.4, 0.8, 12), 4), truth, 2, seed=6)
    wrong = np.random.default_rng(7).random(400) < 0.1
    guess = np.where(wrong, (truth + 1) % 4, truth)
    model = np.full((400, 4), 0.15) + 0.4 * np.eye(4)[guess]
    with_model = right(resolve(votes, probabilities=model), truth)
    assert with_model > right(resolve(votes), truth) + 0.1
    assert with_model >= right(resolve(votes, method="crowdlab", probabilities=model), truth)
    assert with_model > 0.9


def test_a_model_that_knows_nothing_is_not_trusted(good_and_bad):
    votes, truth, _ = good_and_bad
    noise = np.random.default_rng(8).dirichlet(np.ones(3), truth.size)
    found = resolve(votes, probabilities=noise)
    assert "weight 0" in found.why
    assert right(found, truth) >= right(resolve(votes), truth) - 0.01


def test_one_vote_per_item_and_a_model_can_still_be_weighed():
    truth = np.random.default_rng(9).integers(0, 2, 200)
    votes = votes_of(coins([0.9, 0.6, 0.5], 2), truth, 1, seed=1)
    model = np.full((200, 2), 0.2) + 0.6 * np.eye(2)[truth]
    found = resolve(votes, probabilities=model)
    assert right(found, truth) > 0.95
    assert np.isfinite(found.quality).all()


@pytest.mark.parametrize("votes", [([1, 2, 3], ["x", "x", "x"], [0, 1, 0]), ([1, 2, 3], ["x", "y", "z"], [0, 1, 0])])
def test_without_overlap_labels_stand_and_quality_is_undefined(votes):
    found = resolve(votes)
    assert found.label.tolist() == [0, 1, 0]
    assert np.isnan(found.quality).all()
    assert np.isnan(found.annotator_quality).all()
    assert "undefined" in found.why


def test_one_label_only_is_kept_and_its_quality_is_undefined():
    for method in METHODS:
        found = resolve(([1, 1, 2, 2], ["x", "y", "x", "y"], ["a"] * 4), method=method)
        assert found.label.tolist() == ["a", "a"]
        assert np.isnan(found.quality).all() and np.isnan(found.annotator_quality).all()
        assert "Only one label" in found.why


def tied_votes():
    """Two votes on each of 120 items of 6 labels: most items are ties, of votes and of label shares."""
    truth = np.random.default_rng(10).integers(0, 6, 120)
    return votes_of(coins([0.6, 0.5, 0.4, 0.3], 6), truth, 2, seed=11)


EVEN = np.full((120, 6), 1 / 6)  # probabilities that break no tie


@pytest.mark.parametrize("probabilities", [None, EVEN], ids=["without a model", "with even probabilities"])
def test_crowdlab_never_draws_from_the_generator_that_all_threads_share(monkeypatch, probabilities):
    for name in ("choice", "random", "rand", "permutation", "shuffle", "seed", "set_state", "randint"):
        monkeypatch.setattr(np.random, name, lambda *given, **named: pytest.fail("the global generator was used"))
    before = np.random.get_state()
    assert resolve(tied_votes(), method="crowdlab", probabilities=probabilities).label.size == 120
    after = np.random.get_state()
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_crowdlab_gives_one_seed_one_answer_whatever_else_the_process_draws():
    found = []
    for state in range(3):
        np.random.seed(state)
        np.random.random(state * 7)
        found.append(resolve(tied_votes(), method="crowdlab", probabilities=EVEN, seed=5))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].label, other.label)
        np.testing.assert_array_equal(found[0].quality, other.quality)


def test_crowdlab_refuses_people_who_agree_nowhere_and_the_others_do_not():
    votes = [1, 1], ["x", "y"], ["a", "b"]
    with pytest.raises(InvalidInput, match="CROWDLAB cannot resolve"):
        resolve(votes, method="crowdlab")
    assert resolve(votes).quality[0] == pytest.approx(0.5)


def test_people_who_always_say_the_same_do_not_outvote_those_who_look():
    rng = np.random.default_rng(12)
    truth = rng.integers(0, 4, 250)
    lazy = [np.tile(np.eye(4)[label], (4, 1)) for label in (0, 0, 0, 1, 1, 1, 2, 3)]
    votes = votes_of(np.concatenate([coins([0.8] * 6, 4), np.stack(lazy)]), truth, 7, seed=13)
    auto = resolve(votes)
    assert right(auto, truth) > right(resolve(votes, method="majority"), truth) + 0.05
    assert auto.annotator_quality[:6].min() > auto.annotator_quality[6:].max()


def test_few_votes_are_resolved_and_the_reason_says_that_they_are_few():
    found = resolve(([1, 1, 2, 2], ["x", "y", "x", "y"], ["a", "a", "b", "b"]))
    assert (found.label.tolist(), found.method) == (["a", "b"], "one_coin")
    assert "too few" in found.why


def test_the_last_of_two_votes_by_one_annotator_counts():
    found = resolve(([1, 1, 1], ["x", "x", "y"], ["a", "b", "b"]), method="majority")
    assert (found.label[0], found.quality[0]) == ("b", pytest.approx(1.0))
    assert found.annotator_n.tolist() == [1, 1]


def test_a_class_never_voted_for_keeps_its_column():
    found = resolve(([1, 1], ["x", "y"], ["a", "a"]), method="one_coin", classes=["a", "b", "c"])
    assert found.probabilities.shape == (1, 3)
    assert found.label.tolist() == ["a"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resolve(([], [], [])), "no votes"),
        (lambda: resolve(([1, 2], ["x"], ["a"])), "same length"),
        (lambda: resolve(([1], ["x"], [None])), "1 votes have no label"),
        (lambda: resolve(([1.0, np.nan], ["x", "y"], ["a", "a"])), "1 votes have no item"),
        (lambda: resolve((np.array([1, "b", None], dtype=object)[:2], ["x", "y"], ["a", "a"])), "sortable"),
        (lambda: resolve(([1], ["x"], ["d"]), classes=["a", "b"]), "'d', which is not among"),
        (lambda: resolve(([1], ["x"], ["a"]), classes=["a", "a"]), "more than once"),
        (lambda: resolve(([1], ["x"], ["a"]), method="mace"), "no method 'mace'"),
        (lambda: resolve(([1, 2], ["x", "x"], [0, 1]), method="crowdlab"), "two annotators"),
        (lambda: resolve(([1, 2], ["x", "y"], [0, 1]), probabilities=[[0.5, 0.5]]), "2 rows of 2 classes are needed"),
        (lambda: resolve(([1, 2], ["x", "y"], [0, 1]), probabilities=[[0.5, 0.5], [np.nan, 1]]), "has nan in row 1"),
        (lambda: resolve(([1, 2], ["x", "y"], [0, 1]), probabilities=[[0.5, 0.5], [0.5, 0.3]]), "0.2 less than 1"),
        (
            lambda: resolve(([1, 2], ["x", "y"], [0, 1]), probabilities=[[0.5, 0.5], [1.5, -0.5]]),
            "it must lie between 0 and 1",
        ),
    ],
)
def test_bad_input_is_refused_with_its_reason(call, message):
    with pytest.raises(InvalidInput, match=message):
        call()


@settings(max_examples=25)
@given(rows, st.sampled_from(METHODS), st.booleans())
def test_every_resolution_is_a_distribution_over_the_labels_seen(votes, method, with_model):
    items, people, labels = (list(column) for column in zip(*votes, strict=True))
    shape = len(set(items)), len(set(labels))
    model = np.full(shape, 1 / shape[1]) if with_model else None
    try:
        found = resolve((items, people, labels), method=method, probabilities=model)
    except InvalidInput:
        assert method == "crowdlab"
        return
    assert found.items.tolist() == sorted(set(items))
    assert found.probabilities.shape == shape
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert set(found.label.tolist()) <= set(labels)
    for quality in (found.quality, found.annotator_quality):
        assert (np.isnan(quality) | ((quality >= 0) & (quality <= 1))).all()
    assert np.isnan(found.quality).all() or np.isfinite(found.quality).all()
    again = resolve((items, people, labels), method=method, probabilities=model)
    np.testing.assert_array_equal(found.probabilities, again.probabilities)


@settings(max_examples=40)
@given(rows, st.sampled_from(["majority", "dawid_skene", "one_coin", "glad"]))
def test_names_of_items_and_annotators_do_not_matter(votes, method):
    items, people, labels = (list(column) for column in zip(*votes, strict=True))
    found = resolve((items, people, labels), method=method)
    renamed = resolve(([f"{9 - i}" for i in items], [f"{9 - p}" for p in people], labels), method=method)
    np.testing.assert_allclose(renamed.quality[::-1], found.quality, atol=1e-6)
