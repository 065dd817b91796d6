"""A form for a settings object and the columns beside it, made of the fields that its definition has."""

from typing import Any

from django import forms

from projects.models import Project
from projects.project_settings import BadSpec, Settings, parse
from projects.settings_fields import SettingField, from_text, in_words, setting_fields, to_text

LONGEST = 10_000


class SettingsForm(forms.Form):
    """One field for each setting of the JSON object in `column`. Empty is the default, and stores nothing."""

    column: str
    kind: type[Settings]

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, initial=self.stored(project))
        self.project = project
        for field in setting_fields(self.kind):
            self.fields[field.name] = _form_field(field)

    def stored(self, project: Project) -> dict[str, Any]:
        """Field to the text of what is in force. Raises BadSpec where the row holds what no form would take."""
        value = getattr(project, self.column)
        parse(self.kind, self.column, value)
        return {field.name: to_text(field, value.get(field.name)) for field in setting_fields(self.kind)}

    def settings(self) -> dict[str, Any]:
        """The JSON object that the form stands for: what is left empty is left out."""
        given = {one.name: from_text(one, self.cleaned_data[one.name]) for one in setting_fields(self.kind)}
        return {name: value for name, value in given.items() if value is not None}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field in setting_fields(self.kind):
            value = from_text(field, cleaned.get(field.name, ""))
            try:
                parse(self.kind, self.column, {} if value is None else {field.name: value})
            except BadSpec as why:
                self.add_error(field.name, str(why))
        return cleaned

    @property
    def setting_fields(self) -> list[forms.BoundField]:
        """The fields of the settings object, as a template goes through them."""
        return [self[field.name] for field in setting_fields(self.kind)]


def _form_field(field: SettingField) -> forms.Field:
    """Choices and switches are lists to choose from, with the default first; everything else is text."""
    shared: dict[str, Any] = {"required": False, "label": field.title, "help_text": field.help}
    default = in_words(field, None)
    if field.choices and not field.default:
        default = f"{next(iter(field.choices.values()))} (default)"
    if field.entry in ("choice", "switch"):
        choices = list(field.choices.items()) or [("yes", "Yes"), ("no", "No")]
        return forms.ChoiceField(choices=[("", default.capitalize()), *choices], **shared)
    made = forms.CharField(max_length=LONGEST, **shared)
    made.widget = forms.Textarea(attrs={"rows": 3}) if field.entry == "lines" else forms.TextInput()
    made.widget.attrs["placeholder"] = default
    return made
