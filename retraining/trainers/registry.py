"""All trainers by name, found in the modules of this package, and which one a project uses."""

from typing import Annotated

from msgspec import Meta

from projects.models import Project
from projects.project_settings import BadSpec, RetrainingSettings, Settings, extend, shown
from retraining.trainers.base import Trainer
from validation import InvalidInput
from validation.registry import Registry, concrete_classes, import_modules

_trainers: Registry[Trainer] = Registry("trainer")
register, unregister = _trainers.register, _trainers.unregister


class TrainerSettings(Settings, frozen=True, kw_only=True):
    """Who fits a project's models; "" is the first trainer."""

    trainer: Annotated[
        str,
        Meta(
            max_length=40,
            title="Who fits the models",
            description="the name of a trainer",
            extra={"choices": lambda: {one.name: one.title for one in ordered()}},
        ),
    ] = ""

    def validate(self, name: str) -> None:
        if self.trainer and self.trainer not in _trainers:
            raise BadSpec(f"{name}.trainer is {shown(self.trainer)}; it takes {', '.join(names())}.")


def names() -> tuple[str, ...]:
    return tuple(trainer.name for trainer in ordered())


def ordered() -> list[Trainer]:
    return sorted(_trainers, key=lambda trainer: (trainer.order, trainer.name))


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


extend(RetrainingSettings, TrainerSettings)
for found in concrete_classes(import_modules(__package__), Trainer):
    register(found())
