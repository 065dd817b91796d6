"""All input types by name, found in the modules of `inputs.types`."""

from collections.abc import Mapping

from inputs import types
from inputs.types.base import Features, InputType
from inputs.values import InvalidColumns
from validation.registry import Registry, concrete_classes, import_modules

INPUT_TYPES: Registry[InputType] = Registry("input type")


def discover(package: str) -> None:
    """Register one instance of every concrete input type that the package's modules define, in order of their names."""
    for kind in sorted(concrete_classes(import_modules(package), InputType), key=lambda kind: str(kind.name)):
        INPUT_TYPES.register(kind())


def typed(types_by_name: Mapping[str, str]) -> dict[str, InputType]:
    """The type of each named column. Raises InvalidColumns for a type that there is not."""
    for name, kind in types_by_name.items():
        if kind not in INPUT_TYPES:
            known = ", ".join(INPUT_TYPES.names())
            raise InvalidColumns(f"Input {name!r} has the type {kind!r}; known are {known}.")
    return {name: INPUT_TYPES[kind] for name, kind in types_by_name.items()}


def is_read_as_text(kind: str) -> bool:
    """Whether models read values of this type as words, as of a text or a conversation."""
    return kind in INPUT_TYPES and INPUT_TYPES[kind].features is Features.TERMS


discover(types.__name__)
