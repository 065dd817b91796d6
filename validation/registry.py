"""Parts of an extension point by name, each name once, and the modules of the package that defines them."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar


class Named(Protocol):
    """What an extension point holds; `name` is what is stored."""

    @property
    def name(self) -> str: ...


Part = TypeVar("Part", bound=Named)


class Registry(Generic[Part]):
    """The parts of one extension point in the order in which they came; `noun` is what messages call one."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._parts: dict[str, Part] = {}

    def register(self, part: Part) -> Part:
        """Add a part. Raises ValueError where another one has its name; the same one again changes nothing."""
        if self._parts.setdefault(part.name, part) != part:
            raise ValueError(f"There is another {self.noun} {part.name}.")
        return part

    def unregister(self, name: str) -> None:
        """Remove a part, as tests do that added one. Raises KeyError for a name that there is not."""
        del self._parts[name]

    def names(self) -> list[str]:
        return list(self._parts)

    def get(self, name: str) -> Part | None:
        return self._parts.get(name)

    def __getitem__(self, name: str) -> Part:
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts.values())


def import_modules(package: str) -> list[ModuleType]:
    """Import every module and package directly inside this one, as each of them may define a part."""
    path = importlib.import_module(package).__path__
    return [importlib.import_module(module.name) for module in pkgutil.iter_modules(path, f"{package}.")]


def concrete_classes(modules: Iterable[ModuleType], base: Any) -> list[Any]:
    """The classes without abstract methods that these modules define below `base`."""
    return [
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, base) and found.__module__ == module.__name__
        if not getattr(found, "__abstractmethods__", None)
    ]
