"""What a model family defines: its estimator, when it is worth trying, and what its artifacts may contain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.base import ClassifierMixin

from analysis.metrics.core.work import MatrixSize
from inputs.types.base import Features, Purpose

Config = dict[str, Any]
Node = tuple[str, str]  # of a skops file: a class's full name, and the kind of node that holds it


def objects(module: str, *names: str) -> set[Node]:
    """The nodes of plain objects of these classes."""
    return {(f"{module}.{name}", "ObjectNode") for name in names}


@dataclass(frozen=True)
class TrainingSet:
    """What is known of the rows before a family proposes candidates.

    rows, classes: how many; rarity: total weight of the commonest class over that of the rarest.
    """

    features: frozenset[Features]
    rows: int
    classes: int
    rarity: float


class ModelFamily(ABC):
    """One family of classifiers, all of scikit-learn: an artifact is loaded with none of our code inside."""

    name: str
    order: int
    """Families are tried in this order, the quickest and safest first."""

    purpose: Purpose = Purpose.LINEAR
    dense: bool = False
    has_scores: bool = False
    """Whether the estimator has a decision function, whose values are calibrated."""

    has_probabilities: bool = True
    nodes: frozenset[Node]
    """What its fitted estimator consists of, beside what every pipeline has; read off models fitted here."""

    @abstractmethod
    def estimator(self, config: Mapping[str, Any]) -> ClassifierMixin:
        """The unfitted classifier of a plain config."""

    @abstractmethod
    def propose(self, data: TrainingSet) -> list[Config]:
        """The candidates worth trying on such rows, without `family`; none where it is not worth it."""

    @abstractmethod
    def work(self, config: Mapping[str, Any], size: MatrixSize, classes: int) -> float:
        """Units of work of one fit to features of this size (`analysis.metrics.core.work`); never timed."""
