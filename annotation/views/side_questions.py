"""The settings page of side questions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotation import side_answers
from annotation.kinds import Labels
from annotation.models import Resolution
from annotation.side_question_form import SideQuestionsForm
from projects.formatting import plural
from projects.guards import ProjectRequest, member
from projects.models import Can, ChangeRecord, Project, User
from projects.settings_versions import SIDE_QUESTIONS, change, check_area, decision_of, versions_of
from projects.side_questions import current_when, parse_questions
from projects.views.settings_page import SHOWN_VERSIONS, ChangeLine, Effect, SettingsPage

PARTS = {"title": "title", "labels": "labels", "when": "asked beside", "required": "required", "retired": "retired"}
MOST_COUNTED = 10_001


class SideQuestionsPage(SettingsPage):
    """What people are asked beside the decision."""

    template, url, noun = "annotation/side_questions.html", "annotation:side-questions", "Side questions"

    def present(self, project: Project) -> dict[str, Any]:
        return SIDE_QUESTIONS.value(project)

    def form(self, project: Project, data: Any = None) -> forms.Form:
        return SideQuestionsForm(project, data)

    def proposed(self, project: Project, form: Any) -> dict[str, Any]:
        asked = parse_questions(form.questions(), decision_of(project))
        labels, before = project.schema().labels, {one["name"]: one for one in project.also_ask}
        for one in asked:  # what a merge or a split of labels changed already is no edit
            stored = before.get(one["name"], {}).get("when", [])
            if stored and current_when(stored, labels) == one.get("when"):
                one["when"] = stored
        return {"also_ask": asked}

    def validate(self, project: Project, proposed: Any) -> None:
        check_area(project, proposed)

    def changes(self, project: Project, before: Any, after: Any) -> list[ChangeLine]:
        old, new = ({one["name"]: one for one in value["also_ask"]} for value in (before, after))
        lines = [ChangeLine(name, "", _new_in_words(one)) for name, one in new.items() if name not in old]
        for name, one in new.items():
            lines += [
                ChangeLine(f"{name}: {words}", _in_words(old[name].get(part)), _in_words(one.get(part)))
                for part, words in PARTS.items()
                if name in old and old[name].get(part) != one.get(part)
            ]
        if [name for name in new if name in old] != [name for name in old if name in new]:
            lines.append(ChangeLine("order", ", ".join(old), ", ".join(new)))
        return lines

    def effects(self, project: Project, before: Any, after: Any) -> list[Effect]:
        old = {one["name"]: one for one in before["also_ask"]}
        found = []
        for one in after["also_ask"]:
            was = old.get(one["name"], {})
            if one.get("retired") and not was.get("retired"):
                n = _answered(project, one["name"])
                words = (
                    f"{one['name']} is not asked any more. {plural(n, 'item keeps,items keep')} what was agreed of it."
                )
                found.append(Effect(words, f"{_items(project)}?also.{one['name']}=any" if n else ""))
            if needed := _newly_needed(one, was, project.schema().labels):
                words = f"{needed} without an answer to {one['name']} are refused, also from desks that are open now."
                found.append(Effect(words, warns=True))
        return found

    def store(self, project: Project, proposed: Any, *, base: str, reason: str, by: User, at: datetime) -> Any:
        return change(project, SIDE_QUESTIONS, proposed, base=base, reason=reason, by=by, at=at)

    def versions(self, project: Project) -> Sequence[tuple[int, ChangeRecord, Any]]:
        rows = versions_of(project, SIDE_QUESTIONS.name)[: SHOWN_VERSIONS + 1]
        return [(row.version, row, row.value) for row in rows]

    def context(self, request: ProjectRequest) -> dict[str, Any]:
        asked = side_answers.asked_by(request.project)
        return {"asked": len(asked), "counts": [(one, _answered(request.project, one.name)) for one in asked]}


def _items(project: Project) -> str:
    return reverse("analysis:item-list", args=[project.slug])


def _answered(project: Project, name: str) -> int:
    """Items with an agreed answer, or votes that differ, at most MOST_COUNTED."""
    rows = Resolution.objects.current().filter(project=project, also__has_key=name)
    return rows.values("pk")[:MOST_COUNTED].count()


def _newly_needed(one: Mapping[str, Any], was: Mapping[str, Any], labels: Labels) -> str:
    """Which labels need an answer to this question that needed none before, such as "Labels of spam"; "" for none."""
    if not one.get("required") or one.get("retired"):
        return ""
    beside = current_when(one.get("when", []), labels)
    if not was.get("required") or was.get("retired"):
        return _labels_of(beside)
    before = current_when(was.get("when", []), labels)
    added = [answer for answer in beside if answer not in before]
    return _labels_of(added) if before and (added or not beside) else ""


def _labels_of(answers: Sequence[Any]) -> str:
    return f"Labels of {' or '.join(map(str, answers))}" if answers else "Labels"


def _new_in_words(one: Mapping[str, Any]) -> str:
    """new, rating, required, asked beside bad, highest 3."""
    options = [f"{name} {_in_words(value)}" for name, value in one.get("answer", {}).items()]
    parts = [
        "new",
        one["kind"],
        "required" if one.get("required") else "",
        f"asked beside {_in_words(one['when'])}" if one.get("when") else "",
        f"labels {_in_words(one['labels'])}" if one.get("labels") else "",
        *options,
    ]
    return ", ".join(filter(None, parts))


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        named = [label if not isinstance(label, dict) else label["value"] for label in value if not _is_retired(label)]
        return ", ".join(map(str, named))
    return str(value or "")


def _is_retired(label: Any) -> bool:
    return isinstance(label, dict) and bool(label.get("retired"))


SIDE_QUESTIONS_PAGE = SideQuestionsPage()


@require_http_methods(["GET", "HEAD", "POST"])
@member(Can.CHANGE)
def side_questions(request: ProjectRequest) -> HttpResponse:
    return SIDE_QUESTIONS_PAGE.respond(request)
