"""The form of a project's side questions: one group of fields each, in their order, and an empty one for a new one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from annotation import kinds
from projects.models import Project
from projects.project_settings import BadSpec
from projects.side_questions import current_when

COLUMNS = ("was", "name", "title", "kind", "labels", "when", "options", "required", "state", "place")
LONGEST_PLACE = 9  # digits
ASKED, RETIRED = "asked", "retired"


@dataclass(frozen=True)
class EditedQuestion:
    """What one group of the form holds, as texts. `was` is the name of a question in force, empty for a new one."""

    was: str = ""
    name: str = ""
    title: str = ""
    kind: str = "choices"
    labels: str = ""
    when: str = ""
    options: str = ""
    required: str = "no"
    state: str = ASKED
    place: str = ""
    retired_labels: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.was and not any(getattr(self, name).strip() for name in ("name", "title", "labels", "when"))

    def question(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """The question as a spec says it; labels that were taken off the list are retired. Raises BadSpec."""
        given = {
            "name": self.was or self.name.strip(),
            "kind": before.get("kind") or self.kind,
            "title": self.title.strip(),
            "labels": _labels(_lines(self.labels), before.get("labels", [])),
            "answer": before["answer"] if "answer" in before else _options(self.options),
            "required": self.required == "yes",
            "when": _lines(self.when),
            "retired": self.state == RETIRED,
        }
        return {name: value for name, value in given.items() if value or name in ("name", "kind")}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _labels(lines: Sequence[str], before: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A label for each line, with what it had before, and behind them those that are not on a line any more."""
    known = {label["value"]: {name: part for name, part in label.items() if name != "retired"} for label in before}
    kept = [known.get(value, {"value": value}) for value in lines]
    return kept + [{**label, "retired": True} for value, label in known.items() if value not in lines]


def _options(text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise BadSpec('Options are one JSON object, such as {"lowest": 1, "highest": 7}.') from None


class SideQuestionsForm(forms.Form):
    """Groups as parallel lists of the sent columns, so that a page without scripts can hold any number of them."""

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        self.stored = {one["name"]: one for one in project.also_ask}
        self.kinds = kinds.titles()
        labels = project.schema().labels
        sent = [] if data is None else _sent_rows(data, self.stored)
        filled = [row for row in sent if not row.is_empty]
        named = {row.was for row in filled}
        stored = [_stored_row(n, one, labels) for n, one in enumerate(project.also_ask, 1) if one["name"] not in named]
        self.rows = filled + stored  # what others added meanwhile stays
        self.rows.append(EditedQuestion())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        places = [row.place.strip() for row in self.rows]
        if any(place and not (place.isdecimal() and len(place) <= LONGEST_PLACE) for place in places):
            raise forms.ValidationError("A place in the order is a whole number from 1 on.")
        return cleaned

    def questions(self) -> list[dict[str, Any]]:
        """What the form asks for, in the order of the places. Raises BadSpec."""
        kept = [(place, row) for place, row in enumerate(self.rows, 1) if not row.is_empty]
        ordered = sorted(kept, key=lambda pair: (int(pair[1].place.strip() or pair[0]), pair[0]))
        return [row.question(self.stored.get(row.was, {})) for _, row in ordered]


def _stored_row(place: int, one: Mapping[str, Any], labels: Sequence[dict[str, Any]]) -> EditedQuestion:
    own = one.get("labels", [])
    return EditedQuestion(
        was=one["name"],
        name=one["name"],
        title=one.get("title", ""),
        kind=one["kind"],
        labels="\n".join(label["value"] for label in own if not label.get("retired")),
        when="\n".join(map(str, current_when(one.get("when", []), labels))),
        options=json.dumps(one["answer"]) if one.get("answer") else "",
        required="yes" if one.get("required") else "no",
        state=RETIRED if one.get("retired") else ASKED,
        place=str(place),
        retired_labels=_retired(own),
    )


def _retired(labels: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(label["value"] for label in labels if label.get("retired"))


def _sent_rows(data: Any, stored: Mapping[str, Mapping[str, Any]]) -> list[EditedQuestion]:
    columns = [data.getlist(name) for name in COLUMNS]
    sent = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=False)]
    for row in sent:  # a form that was sent twice: its new question is in force by now
        row["was"] = row["was"] or (row["name"].strip() if row["name"].strip() in stored else "")
    own = [stored.get(row["was"], {}).get("labels", []) for row in sent]
    return [EditedQuestion(**row, retired_labels=_retired(labels)) for row, labels in zip(sent, own, strict=True)]
