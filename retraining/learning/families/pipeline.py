"""The estimator that fits an input contract, built from a plain config.

Only scikit-learn's own classes are used, because an artifact is loaded by skops with a fixed allow-list and no code
of ours inside. Texts are hashed rather than listed: a vocabulary of 50 000 n-grams takes skops half a minute to
write and carries people's words into the artifact, hashes do neither. Columns that never occurred are dropped again
(VarianceThreshold), or the unseen words of a new text would take up its unit length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from retraining.learning.frames import ImageSize, column_names
from retraining.learning.validation import BadInput

FAMILIES = ("linear", "bayes", "svm", "tree", "forest", "naive")
WITH_SCORES = ("linear", "svm", "tree")  # have a decision function
WITH_PROBABILITIES = ("linear", "bayes", "tree", "forest", "naive")

WORDS = r"(?u)\w+|[^\w\s]+"  # punctuation counts: a message in exclamation marks is telling
HASHES = 2**18
MOST_CATEGORIES = 50  # of one column; the rarer ones share a place


def build(types: Mapping[str, str], config: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline that takes `frames.to_frame`'s frame and integer class codes.

    `config` is plain data: `family` (one of FAMILIES), `image_size`, `left_out`, `seed`, and what the family needs.
    Raises BadInput for an unknown family.
    """
    family = config["family"]
    if family not in FAMILIES:
        raise BadInput(f"{family!r} is not a family of models; known are {', '.join(FAMILIES)}.")
    sizes = config.get("image_size", {})
    types = {name: kind for name, kind in types.items() if name not in config.get("left_out", ())}
    inputs = (
        _for_trees(types, sizes)
        if family in ("tree", "forest")
        else _for_distances(types, sizes, dense=family == "svm")
    )
    return Pipeline([("inputs", inputs), ("model", _MODELS[family](config))])


def _linear(config: Mapping[str, Any]) -> LogisticRegression:
    """The stochastic solver needs a quarter of the time where texts meet many classes, and stops near enough."""
    many = config["solver"] == "saga"
    return LogisticRegression(
        C=config["C"],
        solver=config["solver"],
        max_iter=300 if many else 3000,
        tol=1e-2 if many else 1e-4,
        random_state=config["seed"],
    )


def _svm(config: Mapping[str, Any]) -> SVC:
    return SVC(C=config["C"], gamma="scale", random_state=config["seed"])


def _bayes(config: Mapping[str, Any]) -> MultinomialNB:
    return MultinomialNB(alpha=config["alpha"])


def _tree(config: Mapping[str, Any]) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=config["learning_rate"],
        max_leaf_nodes=config["leaves"],
        min_samples_leaf=config["smallest_leaf"],
        early_stopping=False,
        random_state=config["seed"],
    )


def _forest(config: Mapping[str, Any]) -> RandomForestClassifier:
    return RandomForestClassifier(
        n_estimators=100, min_samples_leaf=config["smallest_leaf"], n_jobs=1, random_state=config["seed"]
    )


def _naive(config: Mapping[str, Any]) -> DummyClassifier:
    return DummyClassifier(strategy="prior")


_MODELS: dict[str, Callable[[Mapping[str, Any]], ClassifierMixin]] = {
    "linear": _linear,
    "bayes": _bayes,
    "svm": _svm,
    "tree": _tree,
    "forest": _forest,
    "naive": _naive,
}


def _for_distances(types: Mapping[str, str], sizes: ImageSize, *, dense: bool) -> ColumnTransformer:
    """Every input on a comparable scale, for models that add or compare features."""
    numbers = Pipeline([("fill", _filled()), ("scale", StandardScaler())])
    parts: list[tuple[str, Any, Any]] = [(name, _text(), name) for name in column_names(types, "text", sizes)]
    parts += _present("numbers", numbers, column_names(types, "number", sizes))
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES)
    parts += _present("categories", one_hot, column_names(types, "category", sizes))
    parts += _present("pixels", _blank_pixels(), column_names(types, "image", sizes))
    return ColumnTransformer(parts, sparse_threshold=0.0 if dense else 0.3)


def _for_trees(types: Mapping[str, str], sizes: ImageSize) -> ColumnTransformer:
    """Numbers on their own scale, categories one-hot.

    The boosted trees' own handling of categories hides a functools.partial in the model, which no allow-list should
    have to name; their own handling of missing numbers fails where a column has nothing else.
    """
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False)
    parts = _present("categories", one_hot, column_names(types, "category", sizes))
    parts += _present("numbers", _filled(), column_names(types, "number", sizes))
    parts += _present("pixels", _blank_pixels(), column_names(types, "image", sizes))
    return ColumnTransformer(parts)


def _present(name: str, step: Any, columns: list[str]) -> list[tuple[str, Any, Any]]:
    return [(name, step, columns)] if columns else []


def _filled() -> SimpleImputer:
    """Medians for missing numbers, and a column beside that says so."""
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _blank_pixels() -> SimpleImputer:
    return SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)


def _text() -> FeatureUnion:
    words = HashingVectorizer(n_features=HASHES, ngram_range=(1, 2), token_pattern=WORDS, norm=None)
    characters = HashingVectorizer(n_features=HASHES, analyzer="char_wb", ngram_range=(2, 4), norm=None)
    return FeatureUnion([("words", _tf_idf(words)), ("characters", _tf_idf(characters))])


def _tf_idf(counts: HashingVectorizer) -> Pipeline:
    counts.set_params(alternate_sign=False)
    return Pipeline([("count", counts), ("seen", VarianceThreshold()), ("weigh", TfidfTransformer(sublinear_tf=True))])
