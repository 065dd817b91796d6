"""Out-of-sample probabilities: of every kind of input, never from the row itself, better than one plain model."""

import inspect
import multiprocessing
from typing import Any

import numpy as np
import pytest
from cleanlab.rank import get_label_quality_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from analysis.metrics.labels import out_of_sample as module
from analysis.metrics.labels.ensemble import members_for
from analysis.metrics.labels.features import Blocks
from analysis.metrics.labels.label_errors import suspected
from analysis.metrics.labels.out_of_sample import out_of_sample
from validation import InvalidInput

TOPICS = {
    0: "card arrive post deliver wait courier parcel tracking",
    1: "rate exchange euro dollar currency convert foreign",
    2: "transfer pending bank account money receive sender",
}


def messages(n=240, seed=0):
    """Short texts of three topics, with common words between."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    common = ["please", "my", "the", "is", "a", "when", "how", "what", "can", "i", "to"]
    texts = []
    for label in labels:
        words = [*rng.choice(TOPICS[int(label)].split(), 2), *rng.choice(common, 4)]
        texts.append(" ".join(rng.permutation(words)))
    return texts, labels


def flipped(labels, rate, seed=0):
    rng = np.random.default_rng(seed)
    wrong = rng.random(labels.size) < rate
    k = labels.max() + 1
    return np.where(wrong, (labels + rng.integers(1, k, labels.size)) % k, labels), wrong


def accuracy(found, labels):
    return float((found.probabilities.argmax(axis=1) == labels).mean())


def test_text_is_distinguished_by_words_and_characters():
    texts, labels = messages()
    found = out_of_sample({"text": texts}, {"text": "text"}, labels)
    assert accuracy(found, labels) > 0.9
    assert found.model == "naive Bayes + linear machine"
    assert "5 folds" in found.why


def test_numbers_categories_and_gaps_are_used_together():
    rng = np.random.default_rng(1)
    amount, country = rng.standard_normal(300), rng.choice(["CH", "DE", "FR"], 300)
    labels = ((amount > 0) ^ (country == "CH")).astype(int)
    gaps = amount.copy()
    gaps[rng.random(300) < 0.05] = np.nan
    columns: dict[str, Any] = {"amount": gaps, "country": [None if c == "FR" else c for c in country]}
    found = out_of_sample(columns, {"amount": "number", "country": "category"}, labels)
    assert accuracy(found, labels) > 0.85
    assert found.model == "logistic regression + extra trees"


def test_text_beside_numbers_is_used_with_them():
    texts, labels = messages()
    columns = {"text": texts, "size": labels + 0.5 * np.random.default_rng(2).standard_normal(labels.size)}
    found = out_of_sample(columns, {"text": "text", "size": "number"}, labels)
    assert accuracy(found, labels) > 0.92
    assert found.model == "naive Bayes + linear machine + extra trees"


@pytest.mark.simulation
def test_wrong_labels_of_images_are_found_better_than_with_one_plain_model():
    digits = load_digits()
    images, truth = digits.images[:900], digits.target[:900]
    labels, wrong = flipped(truth, 0.1)
    found = out_of_sample({"scan": images}, {"scan": "image"}, labels)
    plain = cross_val_predict(
        LogisticRegression(max_iter=300), images.reshape(900, -1) / 16, labels, method="predict_proba"
    )
    bar = average_precision_score(wrong, -get_label_quality_scores(labels, plain))
    reached = average_precision_score(wrong, -suspected(labels, found.probabilities).score)
    assert reached > bar + 0.02
    assert reached > 0.97
    assert "nearest neighbours" in found.model


def test_wrong_labels_of_text_are_found_better_than_with_tf_idf_and_logistic_regression():
    texts, truth = messages(n=400)
    labels, wrong = flipped(truth, 0.15, seed=3)
    found = out_of_sample({"text": texts}, {"text": "text"}, labels)
    plain = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10))
    bar = average_precision_score(
        wrong, -get_label_quality_scores(labels, cross_val_predict(plain, texts, labels, method="predict_proba"))
    )
    assert average_precision_score(wrong, -suspected(labels, found.probabilities).score) > bar


@pytest.mark.simulation
def test_a_row_never_speaks_for_itself():
    rng = np.random.default_rng(4)
    names = [f"unique{i}word" for i in range(200)]
    labels = rng.integers(0, 2, 200)
    columns: list[tuple[Any, str]] = [(names, "text"), (rng.standard_normal(200), "number"), (names, "category")]
    for column, kind in columns:
        assert 0.35 < accuracy(out_of_sample({"x": column}, {"x": kind}, labels), labels) < 0.65


def test_a_class_too_rare_for_every_fold_keeps_a_small_probability():
    texts, labels = messages(60)
    labels[0] = 3
    found = out_of_sample({"text": texts}, {"text": "text"}, labels)
    assert found.probabilities.shape == (60, 4)
    assert 0 < found.probabilities[0, 3] < 0.3


def test_a_class_without_rows_can_be_named():
    texts, labels = messages(60)
    assert out_of_sample({"text": texts}, {"text": "text"}, labels, classes=5).probabilities.shape == (60, 5)


def test_a_budget_leaves_models_out_and_says_so():
    data = load_breast_cancer()
    columns = {str(i): column for i, column in enumerate(data.data.T)}
    found = out_of_sample(columns, dict.fromkeys(columns, "number"), data.target, budget=0)
    assert found.model == "logistic regression"
    assert "Too much work for that: extra trees" in found.why


def test_the_usual_budget_leaves_out_no_model_of_thirteen_thousand_texts_of_many_classes():
    rows, terms, per_text, classes = 13_000, 60_000, 130, 77
    words = sparse.csr_matrix(
        (np.ones(rows * per_text), np.arange(rows * per_text) % terms, np.arange(rows + 1) * per_text), (rows, terms)
    )
    learnt = Blocks(words, None, np.zeros((rows, 384), dtype=np.float32))
    types = {"text": "text", "vectors": "vector"}
    budget = inspect.signature(out_of_sample).parameters["budget"].default

    found = members_for(types, rows, seed=0)

    assert [member.name for member in found][-1] == "linear machine"
    assert 5 * sum(member.work(learnt, classes) for member in found) < budget


@pytest.mark.simulation
@pytest.mark.parametrize("budget", [0.0, 1.0, 60.0])
def test_clocks_that_jump_and_other_threads_change_no_probability(budget: float, request: pytest.FixtureRequest):
    texts, labels = messages(90)
    columns, types = {"text": texts, "size": np.arange(90.0)}, {"text": "text", "size": "number"}
    with threadpool_limits(1):
        before = out_of_sample(columns, types, labels, budget=budget)
    request.getfixturevalue("jumping_clocks")
    after = out_of_sample(columns, types, labels, budget=budget)
    assert (after.model, after.why) == (before.model, before.why)
    assert np.allclose(after.probabilities, before.probabilities, atol=1e-9)


def test_boosted_trees_join_for_tables_of_many_rows():
    rng = np.random.default_rng(6)
    amount, size = rng.standard_normal(1200), rng.standard_normal(1200)
    labels = (amount * size > 0).astype(int)
    labels[0] = 2  # one row only of a class must not stop it
    columns: dict[str, Any] = {"amount": amount, "size": size}
    types = {"amount": "number", "size": "number"}
    found = out_of_sample(columns, types, labels, folds=2)
    assert found.model == "logistic regression + extra trees + boosted trees"
    assert accuracy(found, labels) > 0.9
    few = out_of_sample({name: cells[:200] for name, cells in columns.items()}, types, labels[:200], folds=2)
    assert "boosted" not in few.model


def test_score_is_the_mean_log_loss_of_the_given_labels():
    texts, labels = messages(90)
    found = out_of_sample({"text": texts}, {"text": "text"}, labels)
    assert found.score == pytest.approx(-np.log(found.probabilities[np.arange(90), labels]).mean())


def test_the_same_seed_gives_the_same_probabilities():
    texts, labels = messages(90)
    labels, _ = flipped(labels, 0.3)
    one, same, other = (out_of_sample({"t": texts}, {"t": "text"}, labels, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.probabilities, same.probabilities)
    assert (one.probabilities != other.probabilities).any()


def test_it_runs_in_a_daemonic_worker():
    texts, labels = messages(60)

    def work(answer):
        answer.put(out_of_sample({"t": texts}, {"t": "text"}, labels).score)

    context = multiprocessing.get_context("fork")
    answer = context.Queue()
    worker = context.Process(target=work, args=(answer,), daemon=True)
    worker.start()
    assert answer.get(timeout=60) == pytest.approx(out_of_sample({"t": texts}, {"t": "text"}, labels).score)
    worker.join(60)


def test_ten_images_of_several_sizes_are_enough():
    images = [np.full((2 + row % 3, 4), 200 * (row % 2), dtype=np.uint8) for row in range(10)]
    made = out_of_sample({"scan": images}, {"scan": "image"}, np.arange(10) % 2)
    assert (made.probabilities.argmax(axis=1) == np.arange(10) % 2).all()


@pytest.mark.parametrize(
    ("columns", "types", "labels", "message"),
    [
        ({"t": ["a"] * 12}, {"t": "text"}, [0] * 12, "All labels are the same"),
        ({"t": ["a"] * 4}, {"t": "text"}, [0, 1, 0, 1], "4 rows are too few"),
        ({"t": ["a"] * 12}, {"t": "text"}, [0, -1] * 6, "whole-number code"),
        ({"t": ["a"] * 12}, {"t": "text"}, [0.5, 1] * 6, "whole-number code"),
        ({"t": ["a"] * 11}, {"t": "text"}, [0, 1] * 6, "have 11 rows, the labels 12"),
        ({"t": ["a"] * 12}, {"t": "sound"}, [0, 1] * 6, "'t' has the type 'sound'"),
        ({"t": ["a"] * 12}, {"u": "text"}, [0, 1] * 6, "'u' is in the contract but not in the data"),
        ({}, {}, [0, 1] * 6, "no inputs"),
        ({"x": ["a"] * 12}, {"x": "number"}, [0, 1] * 6, "'x' should hold numbers"),
        ({"x": [np.inf] * 12}, {"x": "number"}, [0, 1] * 6, "infinite in row 0"),
        ({"x": [np.full((2, 2), np.nan)] * 12}, {"x": "image"}, [0, 1] * 6, "must be finite"),
        ({"x": [np.zeros((2, 2, 3))] * 12}, {"x": "image"}, [0, 1] * 6, "row 0: an image must be a table"),
    ],
)
def test_bad_input_is_refused_with_its_reason(columns, types, labels, message):
    with pytest.raises(InvalidInput, match=message):
        out_of_sample(columns, types, labels)


def test_a_code_outside_the_classes_is_refused():
    with pytest.raises(InvalidInput, match="Label code 1 is outside the 1 classes"):
        out_of_sample({"t": ["a"] * 12}, {"t": "text"}, [0, 1] * 6, classes=1)


@pytest.mark.simulation
def test_a_constant_column_tells_nothing_and_breaks_nothing():
    labels = np.array([0, 0, 1] * 10)
    for kind, value in (("number", 3.0), ("category", "x"), ("text", "same words"), ("text", ""), ("number", np.nan)):
        found = out_of_sample({"x": [value] * 30}, {"x": kind}, labels)
        np.testing.assert_allclose(found.probabilities[:, 1], 1 / 3, atol=0.15)


@pytest.mark.simulation
@pytest.mark.parametrize("far", [6e154, 1e300, -1.7e308])
@pytest.mark.parametrize("near", [0.0, 1e-150, 5e-324, 1.0])
def test_one_vast_number_among_small_ones_is_no_overflow(far, near):
    labels = np.array([0, 0, 1] * 8)
    found = out_of_sample({"x": [far, *[near, 0.0] * 11, near]}, {"x": "number"}, labels, folds=3)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


@pytest.mark.simulation
@settings(max_examples=10)
@given(st.data())
def test_every_row_of_any_input_gets_a_distribution(data):
    n = data.draw(st.integers(10, 25))
    labels = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n).filter(lambda v: len(set(v)) > 1))
    kinds = data.draw(st.lists(st.sampled_from(["text", "number", "category"]), min_size=1, max_size=2))
    values = {
        "text": st.text(alphabet="ab é?", max_size=8),
        "number": st.floats(allow_infinity=False),
        "category": st.sampled_from(["x", "y", None]),
    }
    columns = {str(i): data.draw(st.lists(values[kind], min_size=n, max_size=n)) for i, kind in enumerate(kinds)}
    types = {str(i): kind for i, kind in enumerate(kinds)}
    found = out_of_sample(columns, types, labels, folds=3)
    assert found.probabilities.shape == (n, max(labels) + 1)
    assert (found.probabilities > 0).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert np.isfinite(found.score)


def test_the_folds_spread_every_class():
    labels = np.array([0] * 17 + [1] * 5 + [2] * 8)
    fold = module._folds(labels, 5, 0, np.arange(30))
    for label in range(3):
        share = np.bincount(fold[labels == label], minlength=5)
        assert share.max() - share.min() <= 1


def test_copies_of_a_row_are_predicted_from_other_rows():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(300)]
    texts, labels = [" ".join(rng.choice(words, 8)) for _ in range(40)], rng.permutation(np.arange(40) % 2)
    found = out_of_sample({"x": texts * 10}, {"x": "text"}, np.tile(labels, 10))
    alone = out_of_sample({"x": texts * 10}, {"x": "text"}, np.tile(labels, 10), groups=np.arange(400))
    right = [(one.probabilities.argmax(axis=1) == np.tile(labels, 10)).mean() for one in (found, alone)]
    assert right[0] < 0.75 < right[1]


def test_vectors_of_texts_find_wrong_labels_where_words_say_nothing():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    texts = [" ".join(rng.choice(list("abcdefgh"), 6)) for _ in truth]
    vectors = np.eye(6)[truth] + 0.3 * rng.normal(size=(300, 6))
    wrong = rng.random(300) < 0.1
    given_labels = np.where(wrong, (truth + 1) % 3, truth)
    found = {}
    for name, encoded in (("words", None), ("vectors", {"text": vectors})):
        made = out_of_sample({"text": texts}, {"text": "text"}, given_labels, vectors=encoded)
        found[name] = average_precision_score(wrong, -suspected(given_labels, made.probabilities).score)
    assert "nearest vectors" in made.why
    assert found["words"] < 0.3
    assert found["vectors"] > 0.95


def test_vectors_that_callers_send_are_models_of_their_own():
    rng = np.random.default_rng(0)
    truth = np.arange(120) % 3
    rows = (np.eye(3)[truth] + 0.2 * rng.normal(size=(120, 3))).tolist()
    made = out_of_sample({"v": rows}, {"v": "vector"}, truth)
    assert made.model == "logistic regression on vectors + nearest vectors"
    assert (made.probabilities.argmax(axis=1) == truth).mean() > 0.95
