"""The estimator that fits an input contract, built from a plain config.

Only scikit-learn's own classes are used, because an artifact is loaded by skops with a fixed allow-list and no code
of ours inside. The features are those of `inputs.encoding`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from inputs.encoding import column_transformer
from inputs.types.base import Purpose
from retraining.learning.validation import BadInput

FAMILIES = ("linear", "bayes", "svm", "tree", "forest", "naive")
WITH_SCORES = ("linear", "svm", "tree")  # have a decision function
WITH_PROBABILITIES = ("linear", "bayes", "tree", "forest", "naive")


def build(types: Mapping[str, str], config: Mapping[str, Any]) -> Pipeline:
    """An unfitted pipeline that takes `inputs.frame.to_frame`'s frame and integer class codes.

    `config` is plain data: `family` (one of FAMILIES), `image_size`, `left_out`, `seed`, and what the family needs.
    Raises BadInput for an unknown family.
    """
    family = config["family"]
    if family not in FAMILIES:
        raise BadInput(f"{family!r} is not a family of models; known are {', '.join(FAMILIES)}.")
    sizes = config.get("image_size", {})
    types = {name: kind for name, kind in types.items() if name not in config.get("left_out", ())}
    purpose = Purpose.TREES if family in ("tree", "forest") else Purpose.LINEAR
    inputs = column_transformer(types, purpose, shapes=sizes, dense=family == "svm")
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
