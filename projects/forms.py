"""Forms of people, keys and settings: what they take, in words where they refuse."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from projects import shortcuts, zones
from projects.models import Project, Role, Scope, User
from projects.project_settings import CostSettings
from projects.secrets import new_secret
from projects.settings_form import SettingsForm
from projects.settings_versions import GENERAL
from projects.specs import LONGEST_MATURING

EXPIRY = (("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never"))


class SignInForm(forms.Form):
    username = forms.CharField(max_length=150, error_messages={"required": "Enter your user name."})
    password = forms.CharField(max_length=500, strip=False, error_messages={"required": "Enter your password."})


class AppearanceForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("theme", "single_keys")


class ZoneForm(forms.Form):
    """In which zone times are shown; empty is that of the browser."""

    timezone = forms.ChoiceField(required=False)

    def __init__(self, user: User, browser: str, data: Any = None) -> None:
        super().__init__(data, initial={"timezone": user.timezone})
        automatic = f"As my browser says, {browser}" if browser else "As my browser says"
        choices = [("", automatic), *((name, name.replace("_", " ")) for name in zones.names())]
        self.fields["timezone"].choices = choices  # type: ignore[attr-defined]


class KeysForm(forms.Form):
    """One field for each act; empty is the default."""

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        for key in shortcuts.shortcuts_of(user):
            shown = "space" if key.key == " " else key.key
            self.fields[key.action] = forms.CharField(
                label=key.words, max_length=5, required=False, initial=shown, strip=False
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        try:
            return {"keys": shortcuts.changed_shortcuts(given)}
        except shortcuts.ShortcutConflict as problem:
            raise ValidationError(str(problem)) from None


class PasswordForm(forms.Form):
    """A new password, twice; who has one gives it first."""

    old = forms.CharField(required=False, strip=False, max_length=500)
    new = forms.CharField(strip=False, max_length=500, error_messages={"required": "Enter a new password."})
    again = forms.CharField(strip=False, max_length=500, error_messages={"required": "Type it again."})

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.user = user

    def clean_old(self) -> str:
        old = str(self.cleaned_data["old"])
        if self.user.has_usable_password() and not self.user.check_password(old):
            raise ValidationError("This is not your password now.")
        return old

    def clean_new(self) -> str:
        new = str(self.cleaned_data["new"])
        validate_password(new, self.user)
        return new

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if again != self.cleaned_data.get("new", again):
            raise ValidationError("The two are not the same.")
        return again


class InviteForm(forms.Form):
    """Whom to invite; `once` is random, so that a form sent twice shows one link."""

    once = forms.CharField(max_length=100, required=False)
    name = forms.RegexField(
        r"^[\w.@+-]{1,150}$",
        error_messages={"required": "Enter a user name.", "invalid": "A user name is letters, digits and . @ + - _"},
    )
    full_name = forms.CharField(max_length=150, required=False)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ANNOTATOR)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"once": new_secret()})


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class KeyForm(forms.Form):
    """A key with scopes that the person's role allows; `once` is random, so that a form sent twice makes one key."""

    once = forms.CharField(max_length=100, required=False)
    name = forms.CharField(max_length=80, error_messages={"required": "Say what the key is for."})
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        error_messages={"required": "Choose at least one scope; a key without one can call nothing."},
    )
    expires = forms.ChoiceField(choices=EXPIRY, required=False, initial="90")

    def __init__(self, role: Role, data: Any = None) -> None:
        super().__init__(data, initial={"once": new_secret()})
        allowed = [scope for scope in Scope if role.can(scope.needs)]
        self.fields["scopes"].choices = [(scope.value, scope.label) for scope in allowed]  # type: ignore[attr-defined]

    def lives(self) -> timedelta | None:
        days = self.cleaned_data["expires"]
        return timedelta(days=int(days)) if days else None


CHOSEN_LABELS = (
    ("positive", "Positive label", "A false alarm takes an item for it.", "None"),
    (
        "safe_default",
        "Safe default",
        "Answered with the mark degraded, and for a person to decide.",
        "None: requests are refused",
    ),
)


class CostsForm(SettingsForm):
    """The positive label, what mistakes about it cost, and what is answered when nothing can be loaded."""

    column, kind = "costs", CostSettings

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(project, data)
        labels = [(value, project.schema().title_of(value)) for value in project.schema().offered_values()]
        for name, title, help_text, none in CHOSEN_LABELS:
            kept = [(stored, stored) for stored in [getattr(project, name)] if stored and stored not in dict(labels)]
            choices = [("", none), *labels, *kept]
            self.fields[name] = forms.ChoiceField(required=False, choices=choices, label=title, help_text=help_text)

    def stored(self, project: Project) -> dict[str, Any]:
        return super().stored(project) | {"positive": project.positive, "safe_default": project.safe_default}

    def columns(self) -> dict[str, Any]:
        chosen = {name: self.cleaned_data[name] for name in ("positive", "safe_default")}
        return {**chosen, "costs": self.settings()}


class GeneralForm(forms.Form):
    """The title of a project, and after how many days an outcome is final."""

    title = forms.CharField(max_length=120, label="Title", error_messages={"required": "Enter a title."})
    outcome_matures_after_days = forms.IntegerField(
        min_value=0,
        max_value=LONGEST_MATURING,
        label="Days until an outcome is mature",
        help_text="One that comes sooner is provisional, and silence says nothing before. 0: at once.",
        error_messages={"required": "Enter a number of days; 0 is at once."},
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, initial=GENERAL.value(project))

    def columns(self) -> dict[str, Any]:
        return dict(self.cleaned_data)
