"""A fitted scikit-learn estimator that logs what it predicts."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from plumbline_client.logging_calls import PredictionLog

log = logging.getLogger("plumbline_client")


class LogsPredictions(Protocol):
    """A client, whether with an event loop or without."""

    predictions: PredictionLog


class LoggedEstimator:
    """A fitted estimator whose `predict` and `predict_proba` are logged; everything else is the estimator's own.

    `inputs` names the columns of an array; a frame brings its own names. Each call logs its rows once, so whoever calls
    both methods on the same rows logs them twice, under two keys. What cannot be logged never costs the prediction.
    """

    def __init__(
        self,
        estimator: Any,
        client: LogsPredictions,
        *,
        model_version: str,
        inputs: Sequence[str] | None = None,
        segment: Mapping[str, Any] | None = None,
    ) -> None:
        self._estimator, self._client = estimator, client
        self._model_version, self._segment = model_version, segment
        self._inputs = None if inputs is None else [str(name) for name in inputs]

    def __getattr__(self, name: str) -> Any:
        if name == "_estimator":  # while a copy is made, before there is one
            raise AttributeError(name)
        return getattr(self._estimator, name)

    def predict(self, X: Any, *, keys: Sequence[str] | None = None, **more: Any) -> Any:
        """What the estimator predicts; logged as labels."""
        predicted = self._estimator.predict(X, **more)
        self._log(X, keys, lambda number: {"label": str(predicted[number])})
        return predicted

    def predict_proba(self, X: Any, *, keys: Sequence[str] | None = None, **more: Any) -> Any:
        """The probabilities; logged as scores."""
        probabilities = self._estimator.predict_proba(X, **more)
        self._log(X, keys, lambda number: {"scores": self._scores(probabilities[number])})
        return probabilities

    def _scores(self, row: Any) -> dict[str, float]:
        return {str(name): float(score) for name, score in zip(self._estimator.classes_, row, strict=True)}

    def _log(self, X: Any, keys: Sequence[str] | None, said: Any) -> None:
        try:
            for number, inputs in enumerate(self._rows(X)):
                fields = {"model_version": self._model_version, "segment": self._segment, **said(number)}
                if keys is not None:
                    fields["key"] = str(keys[number])
                self._client.predictions.log(inputs, **fields)
        except Exception:
            log.exception("Predictions could not be logged.")

    def _rows(self, X: Any) -> list[dict[str, Any]]:
        """The rows by input name; a missing value is null."""
        if hasattr(X, "columns") and hasattr(X, "to_dict"):
            return [{str(name): _or_none(value) for name, value in row.items()} for row in X.to_dict(orient="records")]
        rows = X.tolist() if hasattr(X, "tolist") else list(X)
        names = self._inputs or [str(name) for name in getattr(self._estimator, "feature_names_in_", ())]
        if not names:
            raise ValueError("an array has no names for its columns; give `inputs`")
        rows = [row if isinstance(row, (list, tuple)) else [row] for row in rows]  # texts in one column
        return [{name: _or_none(value) for name, value in zip(names, row, strict=True)} for row in rows]


def _or_none(value: Any) -> Any:
    """None for NaN and for pandas' own missing values, of which none equals itself."""
    try:
        return value if value == value else None
    except (TypeError, ValueError):
        return value if hasattr(value, "tolist") else None
