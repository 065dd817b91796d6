"""Models on the vectors of texts stand beside those on TF-IDF, and held-out loss decides between them."""

import numpy as np
import pytest

from inputs.encoders.columns import EncodedTexts
from retraining.learning import InvalidInput, dump, fit, load, probabilities
from retraining.learning.model_selection.fitting import ModelSearch
from retraining.learning.predict import encoder_of

WORDS = [f"word{i}" for i in range(60)]
TYPES = {"note": "text"}


def _texts(n: int, *, seed: int, in_words: bool) -> tuple[dict[str, list[str]], np.ndarray]:
    """Texts of random words and a label; where `in_words`, a word gives the label away."""
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    notes = [" ".join([*rng.choice(WORDS, 5), ("late" if t else "fine") if in_words else ""]) for t in target]
    return {"note": notes}, target


def _vectors(target: np.ndarray, *, seed: int, signal: float) -> EncodedTexts:
    rows = np.random.default_rng(seed).normal(size=(len(target), 8))
    rows[:, 0] += signal * (2 * target - 1)
    return EncodedTexts("made", "d" * 64, {"note": (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)})


def test_vectors_are_chosen_where_only_they_tell_the_classes_apart() -> None:
    columns, target = _texts(120, seed=0, in_words=False)
    model = fit(
        columns,
        TYPES,
        target,
        classes=["a", "b"],
        texts=_vectors(target, seed=1, signal=4),
        search=ModelSearch(budget=60, seed=0),
    )
    assert model.config["reads"].startswith("vectors")
    assert model.why.startswith(f"linear on {model.config['reads']} had the lowest held-out log loss")
    assert {one.config["reads"] for one in model.candidates} == {"vectors", "TF-IDF", "vectors and TF-IDF"}

    new, truth = _texts(40, seed=2, in_words=False)
    loaded = load(dump(model.estimator), family=model.family)
    texts = _vectors(truth, seed=3, signal=4)
    said = probabilities(loaded, new, TYPES, model.frame_parameters, model.classes, texts=texts)
    assert (said.argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.simulation
def test_vectors_that_know_nothing_change_nothing() -> None:
    """As of texts in a language that the encoder was not trained on."""
    columns, target = _texts(120, seed=0, in_words=True)
    noise = _vectors(target, seed=1, signal=0)
    beside = fit(columns, TYPES, target, classes=["a", "b"], texts=noise, search=ModelSearch(budget=60, seed=0))
    alone = fit(columns, TYPES, target, classes=["a", "b"], search=ModelSearch(budget=60, seed=0))
    assert beside.config["reads"] == "TF-IDF"
    assert encoder_of(beside.frame_parameters) is None
    np.testing.assert_allclose(probabilities(beside, columns, TYPES), probabilities(alone, columns, TYPES), atol=1e-6)


def test_a_model_says_which_encoder_it_reads_and_takes_no_other() -> None:
    columns, target = _texts(80, seed=0, in_words=False)
    texts = _vectors(target, seed=1, signal=4)
    model = fit(columns, TYPES, target, classes=["a", "b"], texts=texts, search=ModelSearch(budget=60, seed=0))
    read = encoder_of(model.frame_parameters)
    assert read is not None
    assert (read.name, read.digest, read.inputs) == ("made", "d" * 64, ("note",))
    with pytest.raises(InvalidInput, match="reads vectors of the text encoder made dddddddd"):
        probabilities(model, columns, TYPES)
    with pytest.raises(InvalidInput, match="not of other eeeeeeee"):
        probabilities(model, columns, TYPES, texts=EncodedTexts("other", "e" * 64, texts.vectors))


@pytest.mark.simulation
def test_trees_are_tried_once_beside_the_readings_of_texts() -> None:
    columns, target = _texts(80, seed=0, in_words=False)
    mixed = {**columns, "amount": np.random.default_rng(0).normal(target).tolist()}
    types = {**TYPES, "amount": "number"}
    texts = _vectors(target, seed=1, signal=1)
    model = fit(mixed, types, target, classes=["a", "b"], texts=texts, search=ModelSearch(budget=60, seed=0))
    families = [one.family for one in model.candidates]
    assert families.count("tree") == 1
    assert families.count("forest") == 1


def test_an_input_of_type_vector_is_learnt_from_like_any_other() -> None:
    target = np.arange(80) % 2
    rows = _vectors(target, seed=1, signal=4).vectors["note"].tolist()
    rows[3] = None
    model = fit({"v": rows}, {"v": "vector"}, target, classes=["a", "b"], search=ModelSearch(budget=60, seed=0))
    loaded = load(dump(model.estimator), family=model.family)
    said = probabilities(loaded, {"v": rows}, {"v": "vector"}, model.frame_parameters, model.classes)
    assert (said.argmax(axis=1) == target).mean() > 0.9
