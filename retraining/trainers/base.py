"""What a trainer is: it fits a model on the training side of a frozen dataset."""

from abc import ABC, abstractmethod
from typing import ClassVar

from retraining.datasets import Examples
from retraining.learning.fitted import Fitted, Progress


class Trainer(ABC):
    """Where and how a run's model is fitted. What it returns is packed, signed, judged and released like any other.

    name   what projects and runs store; title, what pages show
    order  trainers with a lower number are listed first; the first is the default
    """

    name: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[int] = 50

    @abstractmethod
    def fit(self, train: Examples, *, seed: int, progress: Progress) -> Fitted:
        """The fitted model with its out-of-fold probabilities of every row.

        Its family must be a registered one: artifacts are loaded by the family's list of types. Call
        `progress(share, words)` often: it raises where the run was stopped. Raise InvalidInput, in words fit for a
        user, where another try would fail in the same way.
        """
