"""Values of a project's task as a person reads them."""

from typing import Any

from django import template

from annotation import kinds, side_answers
from projects.models import Project

register = template.Library()


@register.filter
def in_words(value: Any, project: Project) -> str:
    """A value as its kind describes it, a label by its title; a dash where there is none."""
    if value is None or value == "":
        return "–"
    kind, schema = kinds.of_project(project), project.schema()
    return schema.title_of(value) if kind.classes(schema.labels) else kind.describe(value, schema.labels)


@register.filter
def said_beside(also: Any, project: Project) -> list[tuple[str, str]]:
    """Each side question that a label answers, with the answer in words."""
    return side_answers.said_in_words(project, also)


@register.filter
def agreed_beside(also: Any, project: Project) -> list[tuple[str, str]]:
    """Each side question that was agreed on, with the answer in words."""
    return side_answers.agreed_in_words(project, also)
