"""An input's value as the pages write it."""

from typing import Any

from django import template

from annotation.item_display import format_fact

register = template.Library()


@register.filter
def fact(value: Any, kind: str) -> str:
    """The value as its input type writes it."""
    return format_fact(value, kind)
