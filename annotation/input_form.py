"""The form of an input contract: one row an input, empty rows for new ones, and the names of segments."""

from dataclasses import dataclass
from typing import Any

from django import forms

from inputs.registry import INPUT_TYPES
from projects.models import ContractViolations, Project

NEW_ROWS = 2
COLUMNS = ("was", "name", "type", "required", "nullable", "min", "max", "values", "dimensions")
NUMBERS, YES, NO = ("min", "max", "dimensions"), "yes", "no"
FLAGS = {YES: True, NO: False}


@dataclass(frozen=True)
class EditedInput:
    """What one row of the form holds, as texts. `was` is the input's name in the contract, empty for a new one."""

    was: str = ""
    name: str = ""
    type: str = "text"
    required: str = YES
    nullable: str = ""
    min: str = ""
    max: str = ""
    values: str = ""
    dimensions: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.was and not self.name.strip()

    def takes(self) -> tuple[str, ...]:
        """The options that this row's type has."""
        return INPUT_TYPES[self.type].options if self.type in INPUT_TYPES else ()

    def rule(self) -> dict[str, Any]:
        """The entry of the contract; what is left empty is left out, and so is `required`, which holds anyway."""
        made: dict[str, Any] = {"type": self.type}
        if self.required == NO:
            made["required"] = False
        if self.nullable in FLAGS:
            made["nullable"] = FLAGS[self.nullable]
        for option in NUMBERS:
            if text := str(getattr(self, option)).strip():
                made[option] = _number(text)
        if levels := [line.strip() for line in self.values.splitlines() if line.strip()]:
            made["values"] = levels
        return made


def _number(text: str) -> Any:
    """The number, or the text, which the check of the contract refuses by its name."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


class InputsForm(forms.Form):
    """Rows as parallel lists of the sent columns, and segments one a line."""

    segments = forms.CharField(
        required=False,
        max_length=20_000,
        label="Segments, one a line",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Names that rows may carry beside their inputs, such as channel. Without a name, any is taken.",
    )

    contract_violations = forms.ChoiceField(
        label="A row that breaks the contract",
        choices=ContractViolations.choices,
        help_text="Kept, its value stands beside its item, which has no such input; both are counted.",
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        contract = project.contract()
        initial = {"segments": "\n".join(contract.segments), "contract_violations": project.contract_violations}
        super().__init__(data, initial=initial)
        rows = _stored_rows(contract.inputs) if data is None else _sent_rows(data)
        self.rows = [*rows, *[EditedInput()] * (NEW_ROWS - sum(row.is_empty for row in rows))]
        self.types = INPUT_TYPES.names()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        names = [row.was or row.name.strip() for row in self.rows if not row.is_empty]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise forms.ValidationError(f"Input {twice!r} stands in the list twice.")
        return cleaned

    def contract(self) -> dict[str, Any]:
        """The inputs, segments and what becomes of rows that break the contract, as the form has them."""
        kept = [row for row in self.rows if not row.is_empty]
        names = [line.strip() for line in self.cleaned_data["segments"].splitlines() if line.strip()]
        inputs = {row.was or row.name.strip(): row.rule() for row in kept}
        return {
            "inputs": inputs,
            "segments": names,
            "contract_violations": self.cleaned_data["contract_violations"],
        }


def _stored_rows(inputs: dict[str, Any]) -> list[EditedInput]:
    return [
        EditedInput(
            was=name,
            name=name,
            type=rule["type"],
            required=YES if rule.get("required", True) else NO,
            nullable="" if "nullable" not in rule else (YES if rule["nullable"] else NO),
            values="\n".join(rule.get("values", [])),
            **{option: "" if rule.get(option) is None else str(rule[option]) for option in NUMBERS},
        )
        for name, rule in inputs.items()
    ]


def _sent_rows(data: Any) -> list[EditedInput]:
    columns = [data.getlist(name) for name in COLUMNS]
    return [EditedInput(**dict(zip(COLUMNS, row, strict=True))) for row in zip(*columns, strict=False)]
