"""Values of a project's task as a person reads them."""

from typing import Any

from django import template

from annotation import kinds
from projects.models import Project

register = template.Library()


@register.filter
def in_words(value: Any, project: Project) -> str:
    """A label by its title, a value of another kind as its kind describes it, a dash where there is none."""
    if value is None or value == "":
        return "–"
    schema = project.schema()
    return (
        schema.title_of(value) if isinstance(value, str) else kinds.of_project(project).describe(value, schema.labels)
    )
