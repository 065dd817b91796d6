"""Side questions as the desk asks them: for its template, for its script, and what they need of an item."""

from collections.abc import Mapping
from typing import Any

from django.templatetags.static import static

from annotation import side_answers
from projects.models import Project


def for_template(project: Project) -> list[dict[str, Any]]:
    """What the controls of each question are drawn from."""
    return [
        {
            "name": one.name,
            "words": one.words,
            "required": one.required,
            "template": one.kind.template,
            "form": one.kind.form(one.labels),
        }
        for one in side_answers.asked_by(project)
    ]


def for_script(project: Project) -> list[dict[str, Any]]:
    """When each question is asked, and the module that drives its controls."""
    return [
        {
            "name": one.name,
            "words": one.words,
            "required": one.required,
            "when": list(one.when),
            "module": static(one.kind.desk_module),
        }
        for one in side_answers.asked_by(project)
    ]


def about(project: Project, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What questions about one of the inputs need of the item, by question."""
    found = {one.name: one.kind.about(inputs) for one in side_answers.asked_by(project)}
    return {name: value for name, value in found.items() if value is not None}
