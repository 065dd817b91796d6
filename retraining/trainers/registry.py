"""All trainers by name, found in the modules of this package, and which one a project uses."""

import importlib
import pkgutil
from typing import Annotated

from msgspec import Meta

from projects.models import Project
from projects.project_settings import BadSpec, RetrainingSettings, Settings, extend, shown
from retraining import trainers as package
from retraining.trainers.base import Trainer
from validation import InvalidInput

_trainers: dict[str, Trainer] = {}


class TrainerSettings(Settings, frozen=True, kw_only=True):
    """Who fits a project's models; "" is the first trainer."""

    trainer: Annotated[str, Meta(max_length=40, description="the name of a trainer")] = ""

    def validate(self, name: str) -> None:
        if self.trainer and self.trainer not in _trainers:
            raise BadSpec(f"{name}.trainer is {shown(self.trainer)}; it takes {', '.join(names())}.")


def register(trainer: Trainer) -> Trainer:
    """Add a trainer. Raises ValueError where another one has its name."""
    if type(_trainers.setdefault(trainer.name, trainer)) is not type(trainer):
        raise ValueError(f"There is another trainer {trainer.name}.")
    return trainer


def unregister(name: str) -> None:
    """Remove a trainer, as tests do that added one."""
    _trainers.pop(name)


def names() -> tuple[str, ...]:
    return tuple(trainer.name for trainer in ordered())


def ordered() -> list[Trainer]:
    return sorted(_trainers.values(), key=lambda trainer: (trainer.order, trainer.name))


def find(name: str) -> Trainer:
    """The trainer of this name. Raises InvalidInput where there is none any more."""
    if name not in _trainers:
        raise InvalidInput(f"There is no trainer {name!r} any more; there are {', '.join(names())}.")
    return _trainers[name]


def title_of(name: str) -> str:
    """The title of a trainer that was once registered."""
    return _trainers[name].title if name in _trainers else name


def of_project(project: Project) -> Trainer:
    """The trainer that the project's settings name. Raises BadSpec."""
    return find(project.retraining_part(TrainerSettings).trainer or names()[0])


def _discover() -> None:
    """Register the trainers that the modules of this package define."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name == __name__:
            continue
        for found in vars(importlib.import_module(module.name)).values():
            defined = isinstance(found, type) and issubclass(found, Trainer) and found.__module__ == module.name
            if defined and not getattr(found, "__abstractmethods__", None):
                register(found())


extend(RetrainingSettings, TrainerSettings)
_discover()
