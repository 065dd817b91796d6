import numpy as np
import pytest

from inputs.values import InvalidColumns
from retraining.learning import dump, fit, load, probabilities
from retraining.learning.model_selection.fitting import ModelSearch
from retraining.learning.predict import spread
from tests.retraining.learning.data import mixed, only
from validation import InvalidInput

COLUMNS, TYPES = only(mixed(60)[0], "amount", "country")
FITTED = fit(COLUMNS, TYPES, np.arange(60) % 2, classes=("a", "b", "c"), search=ModelSearch(budget=0, seed=0))


def test_a_loaded_estimator_says_what_the_fitted_model_says() -> None:
    loaded = load(dump(FITTED.estimator), family=FITTED.family)
    said = probabilities(loaded, COLUMNS, TYPES, FITTED.frame_parameters, FITTED.classes)
    assert np.array_equal(said, probabilities(FITTED, COLUMNS, TYPES))


def test_no_rows_give_no_probabilities() -> None:
    assert probabilities(FITTED, {"amount": [], "country": []}, TYPES).shape == (0, 3)


def test_a_bare_estimator_needs_its_parameters() -> None:
    with pytest.raises(InvalidInput, match="frame parameters and classes"):
        probabilities(FITTED.estimator, COLUMNS, TYPES)


def test_columns_that_break_the_contract_are_named() -> None:
    with pytest.raises(InvalidColumns, match="'country' is in the contract but not in the data"):
        probabilities(FITTED, {"amount": [1.0]}, TYPES)


def test_known_classes_are_spread_over_all() -> None:
    assert spread(np.array([[0.25, 0.75]]), [3, 1], n_classes=4).tolist() == [[0, 0.75, 0, 0.25]]


def test_a_class_that_nobody_names_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the 1 classes are numbered"):
        probabilities(FITTED.estimator, COLUMNS, TYPES, FITTED.frame_parameters, ("a",))
