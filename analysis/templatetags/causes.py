"""The name of a cause where only its value is at hand."""

from django import template

from annotation.models import Cause

register = template.Library()


@register.filter
def cause_name(value: str) -> str:
    return Cause(value).label
