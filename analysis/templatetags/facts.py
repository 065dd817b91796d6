"""An input's value as the pages show it."""

from typing import Any

from django import template

from annotation.item_display import display_conversation, format_fact
from annotation.turn_display import DisplayedConversation
from inputs.registry import INPUT_TYPES
from inputs.turns import is_conversation
from inputs.types.base import broken_rule
from validation.json_values import quote

register = template.Library()
register.filter("broken_rule", broken_rule)


@register.filter
def fact(value: Any, kind: str) -> str:
    """The value as its input type writes it."""
    return format_fact(value, kind)


@register.filter
def display_of(kind: str, value: Any) -> str:
    """How a page shows a value of this type: "text", "image", "conversation" or "fact"."""
    shown = INPUT_TYPES[kind].display
    return "fact" if shown == "conversation" and not is_conversation(value) else shown


@register.filter
def as_conversation(value: Any, kind: str) -> DisplayedConversation:
    """The turns of a conversation as the page shows them."""
    return display_conversation("", value, kind)


@register.filter
def given_value(value: Any) -> str:
    """A value as it was given, in one short line; nothing where it was missing."""
    return "" if value is None else quote(value)
