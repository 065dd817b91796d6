"""Template filters: numbers, times and words as `projects.formatting` writes them, and look-ups that templates lack."""

from typing import Any

from django import template

from projects import formatting

register = template.Library()
register.simple_tag(formatting.zone_name)
for written in (
    formatting.percent,
    formatting.points,
    formatting.signed,
    formatting.interval,
    formatting.age,
    formatting.moment,
    formatting.plural,
    formatting.span_of_hours,
):
    register.filter(written.__name__, written)


@register.filter
def thousands(value: float | int | None) -> str:
    return formatting.number(value)


@register.filter
def places(value: float | int | None, digits: int = 2) -> str:
    return formatting.number(value, digits)


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    return mapping.get(key) if hasattr(mapping, "get") else None


@register.filter
def attribute(thing: Any, name: str) -> Any:
    """An attribute whose name is computed; None where there is none."""
    return getattr(thing, name, None)


@register.filter
def split(text: str) -> list[str]:
    """A list of words, for small loops in templates."""
    return text.split()
