"""All model families by name, found in the modules of this package."""

from __future__ import annotations

from retraining.learning.families.base import ModelFamily
from validation import InvalidInput
from validation.registry import Registry, concrete_classes, import_modules

_families: Registry[ModelFamily] = Registry("model family")
register, unregister = _families.register, _families.unregister


def family_named(name: str) -> ModelFamily:
    """The family of this name. Raises InvalidInput for a name that there is not."""
    if name not in _families:
        raise InvalidInput(f"{name!r} is not a family of models; known are {', '.join(names())}.")
    return _families[name]


def names() -> tuple[str, ...]:
    """The names in the order in which families are tried."""
    return tuple(family.name for family in ordered())


def ordered() -> list[ModelFamily]:
    return sorted(_families, key=lambda family: (family.order, family.name))


for found in concrete_classes(import_modules(__package__), ModelFamily):
    register(found())
