"""The form of a label schema: one row a label, in the order in which they are asked, and empty rows for new ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms

from annotation.kinds.choice.shortcuts import cap, keys_of
from projects.label_lists import COLOURS
from projects.models import Project

EMPTY_ROWS = 3
TEXTS = ("value", "title", "hint", "key", "colour")
COLUMNS = ("was", "place", *TEXTS, "state")
OFFERED, RETIRED = "offered", "retired"
MARKS = ("merged_into", "split_into")


@dataclass(frozen=True)
class EditedLabel:
    """What one row of the form holds, as texts. `was` is the label's value in the schema, empty for a new one."""

    was: str = ""
    place: str = ""
    value: str = ""
    title: str = ""
    hint: str = ""
    key: str = ""
    colour: str = ""
    state: str = OFFERED
    marks: dict[str, Any] = field(default_factory=dict)  # what it was merged or split into
    pressed: str = ""  # the cap of the key that answers with it now

    @property
    def is_empty(self) -> bool:
        return not self.was and not any(getattr(self, name).strip() for name in TEXTS)

    def label(self) -> dict[str, Any]:
        """The label as a schema holds it: what is empty is left out."""
        texts = {name: getattr(self, name).strip() for name in TEXTS}
        texts["value"] = self.was or texts["value"]
        kept: dict[str, Any] = {name: text for name, text in texts.items() if text}
        return kept | ({"retired": True} if self.state == RETIRED else {}) | self.marks

    @property
    def became(self) -> str:
        """What it was merged or split into, in words."""
        if merged := self.marks.get("merged_into"):
            return f"counts as {merged}"
        return f"split into {', '.join(self.marks['split_into'])}" if "split_into" in self.marks else ""


class LabelsForm(forms.Form):
    """Rows as parallel lists of the sent columns, so that a page without scripts can hold any number of them."""

    colours = COLOURS

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        schema = project.schema().labels
        self._places = {label["value"]: number for number, label in enumerate(schema, 1)}
        rows = _stored_rows(schema) if data is None else _sent_rows(data, schema)
        self.rows = [*rows, *[EditedLabel()] * (EMPTY_ROWS - sum(row.is_empty for row in rows))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if any(row.place.strip() and not row.place.strip().isdecimal() for row in self.rows):
            raise forms.ValidationError("A place in the order is a whole number from 1 on.")
        if any(row.state not in (OFFERED, RETIRED) for row in self.rows):
            raise forms.ValidationError("A label is offered or retired.")
        if nameless := next((row for row in self.rows if not row.is_empty and not row.label().get("value")), None):
            raise forms.ValidationError(f"The new label {nameless.title or nameless.hint!r} needs a value.")
        return cleaned

    def labels(self) -> list[dict[str, Any]]:
        """The schema that the rows stand for, in the order of their places."""
        kept = [row for row in self.rows if not row.is_empty]
        return [row.label() for row in sorted(kept, key=self._order)]

    def _order(self, row: EditedLabel) -> float:
        """A label that got another place stands before the one that has it when it moves up, after it when down."""
        last = float(len(self._places) + 1)
        stood = float(self._places.get(row.was, last))
        wanted = float(row.place) if row.place.strip() else stood
        if wanted == stood:
            return stood
        return wanted - 0.5 if wanted < stood else wanted + 0.5


def _stored_rows(schema: Sequence[dict[str, Any]]) -> list[EditedLabel]:
    return [
        EditedLabel(
            was=label["value"],
            place=str(number),
            state=RETIRED if label.get("retired") else OFFERED,
            pressed=cap(key),
            marks=_marks(label),
            **{name: str(label.get(name, "")) for name in TEXTS},
        )
        for number, (label, key) in enumerate(zip(schema, keys_of(schema), strict=True), 1)
    ]


def _sent_rows(data: Any, schema: Sequence[dict[str, Any]]) -> list[EditedLabel]:
    columns, marks = [data.getlist(name) for name in COLUMNS], {label["value"]: _marks(label) for label in schema}
    sent = (dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=False))
    return [EditedLabel(marks=marks.get(row["was"], {}), **row) for row in sent]


def _marks(label: dict[str, Any]) -> dict[str, Any]:
    return {name: label[name] for name in MARKS if name in label}
