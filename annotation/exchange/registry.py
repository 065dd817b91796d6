"""All exchange formats by name, found in the modules of `annotation.exchange.formats`."""

from annotation.exchange import formats
from annotation.exchange.base import ExchangeFormat
from validation.registry import Registry, concrete_classes, import_modules

FORMATS: Registry[ExchangeFormat] = Registry("exchange format")


def discover(package: str) -> None:
    """Register one instance of every concrete format that the package's modules define, in order of their names."""
    found = concrete_classes(import_modules(package), ExchangeFormat)
    for made in sorted(found, key=lambda made: str(made.name)):
        FORMATS.register(made())


discover(formats.__name__)
