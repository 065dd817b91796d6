"""Parts of pages that take a name, words and an action: the empty state and the form field."""

from typing import Any

from django import template
from django.forms import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_block_tag
def empty_state(content: str, title: str, href: str = "", action: str = "") -> SafeString:
    """A hollow bob on a grey line, a title, the sentence in the block, and at most one action."""
    return render_to_string("parts/empty.html", {"title": title, "text": content, "href": href, "action": action})


@register.inclusion_tag("parts/field.html")
def form_field(field: BoundField, label: str = "", **options: Any) -> dict[str, Any]:
    """A label above its input, the help and the errors below. Options: help, type, autocomplete, invalid."""
    return {"field": field, "label": label, **options}
