"""The trainer of the worker itself: it tries the model families that suit the inputs and keeps the best."""

from retraining.datasets import Examples
from retraining.learning.fitted import Fitted
from retraining.learning.model_selection import fitting
from retraining.trainers.base import Progress, Trainer

FIT_WORK = 120.0  # units: about two minutes of one core


class HereTrainer(Trainer):
    name = "here"
    title = "This server's worker"
    order = 0

    def fit(self, train: Examples, *, seed: int, progress: Progress) -> Fitted:
        return fitting.fit(
            train.columns,
            train.types,
            train.targets,
            classes=train.classes,
            texts=train.texts,
            search=fitting.ModelSearch(budget=FIT_WORK, seed=seed, progress=progress),
        )
