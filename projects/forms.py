"""Forms of people, keys and settings: what they take, in words where they refuse."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from projects import shortcuts, zones
from projects.models import Role, Scope, User
from projects.secrets import new_secret

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
