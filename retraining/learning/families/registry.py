"""All model families by name, found in the modules of this package."""

from __future__ import annotations

import importlib
import pkgutil

from retraining.learning import families as package
from retraining.learning.families.base import ModelFamily
from validation import InvalidInput

_families: dict[str, ModelFamily] = {}


def register(family: ModelFamily) -> ModelFamily:
    """Add a family. Raises ValueError where another one has its name."""
    if type(_families.setdefault(family.name, family)) is not type(family):
        raise ValueError(f"There is another model family {family.name}.")
    return family


def unregister(name: str) -> None:
    """Remove a family, as tests do that added one."""
    _families.pop(name)


def family_named(name: str) -> ModelFamily:
    """The family of this name. Raises InvalidInput for a name that there is not."""
    if name not in _families:
        raise InvalidInput(f"{name!r} is not a family of models; known are {', '.join(names())}.")
    return _families[name]


def names() -> tuple[str, ...]:
    """The names in the order in which families are tried."""
    return tuple(family.name for family in ordered())


def ordered() -> list[ModelFamily]:
    return sorted(_families.values(), key=lambda family: (family.order, family.name))


def _discover() -> None:
    """Register the families that the modules of this package define."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name == __name__:
            continue
        for found in vars(importlib.import_module(module.name)).values():
            defined = isinstance(found, type) and issubclass(found, ModelFamily) and found.__module__ == module.name
            if defined and not getattr(found, "__abstractmethods__", None):
                register(found())


_discover()
