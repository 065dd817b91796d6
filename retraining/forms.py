"""What people may send to retraining: each field with its sentence."""

from django import forms

from retraining.release import LONGEST_REASON

MOST_ASKED = 5000
REASON = {
    "required": "Say why; it stays in the audit trail.",
    "max_length": f"A reason takes at most {LONGEST_REASON} characters.",
}


class PromoteForm(forms.Form):
    """Only promote asks for the version to be typed, because it changes what everyone gets."""

    version = forms.CharField(max_length=20, strip=True, required=False)
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)
    expected = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, tag: str, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.tag = tag

    def clean_version(self) -> str:
        if self.cleaned_data["version"] != self.tag:
            raise forms.ValidationError(f"Type {self.tag} to say which version you mean.")
        return self.tag


class RollBackForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)
    expected = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)


class AskForm(forms.Form):
    count = forms.IntegerField(
        min_value=1,
        max_value=MOST_ASKED,
        error_messages={
            "required": "Say how many items to label.",
            "invalid": "The number of items is a whole number.",
            "min_value": "At least one item is labelled.",
            "max_value": f"At most {MOST_ASKED:,} items are added at once.",
        },
    )
