"""Values of a project's task as a person reads them."""

from typing import Any

from django import template

from annotation import kinds
from projects.models import Project

register = template.Library()


@register.filter
def in_words(value: Any, project: Project) -> str:
    """A label as it is, a value of another kind as its kind describes it, a dash where there is none."""
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else kinds.of(project.kind).describe(value, project.schema().labels)
