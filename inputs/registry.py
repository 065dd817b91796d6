"""All input types by name, found in the modules of `inputs.types`."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from inputs import types
from inputs.types.base import InputType
from inputs.values import InvalidColumns


def find_types(package_path: list[str], prefix: str) -> dict[str, InputType]:
    """One instance of every concrete input type that the package's modules define, in the order of their names."""
    for module in pkgutil.iter_modules(package_path, prefix):
        importlib.import_module(module.name)
    found = {kind.name: kind() for kind in _concrete(InputType) if kind.__module__.startswith(prefix)}
    return dict(sorted(found.items()))


def _concrete(parent: Any) -> Iterator[type[InputType]]:
    for child in parent.__subclasses__():
        if not getattr(child, "__abstractmethods__", None):
            yield child
        yield from _concrete(child)


INPUT_TYPES: dict[str, InputType] = find_types(list(types.__path__), f"{types.__name__}.")


def typed(types_by_name: Mapping[str, str]) -> dict[str, InputType]:
    """The type of each named column. Raises InvalidColumns for a type that there is not."""
    for name, kind in types_by_name.items():
        if kind not in INPUT_TYPES:
            raise InvalidColumns(f"Input {name!r} has the type {kind!r}; known are {', '.join(INPUT_TYPES)}.")
    return {name: INPUT_TYPES[kind] for name, kind in types_by_name.items()}
