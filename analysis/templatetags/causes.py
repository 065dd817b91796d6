"""The name of a cause where only its value is at hand."""

from django import template

from annotation.models import cause_title

register = template.Library()


@register.filter
def cause_name(value: str) -> str:
    return cause_title(value)
