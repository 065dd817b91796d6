"""Argument and value checks that every app and pure package shares; below all of them, imports none of them."""

from validation.errors import InvalidInput

__all__ = ["InvalidInput"]
