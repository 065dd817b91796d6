"""What people may send to retraining: each field with its sentence."""

from collections.abc import Hashable, Iterable

from django import forms

from retraining.learning.decision_rules import PolicyBody, ThresholdBody, valid_policy, valid_thresholds
from retraining.models import RolloutMode
from retraining.release_record import LONGEST_REASON
from validation import InvalidInput

MOST_ASKED = 5000
REASON = {
    "required": "Say why; it stays in the audit trail.",
    "max_length": f"A reason takes at most {LONGEST_REASON} characters.",
}


class PromoteForm(forms.Form):
    """Only promote asks for the version to be typed, because it changes what everyone gets."""

    version = forms.CharField(max_length=80, strip=True, required=False)
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)
    expected = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: object, tag: str, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.tag = tag

    def clean_version(self) -> str:
        if self.cleaned_data["version"] != self.tag:
            raise forms.ValidationError(f"Type {self.tag} to say which version you mean.")
        return self.tag


class RollBackForm(forms.Form):
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)
    expected = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)


class EndForm(RollBackForm):
    """Names the rollout that the page showed."""

    rollout = forms.IntegerField(required=False, widget=forms.HiddenInput)


class GrowForm(EndForm):
    share = forms.FloatField(min_value=0, max_value=1)


class RolloutForm(forms.Form):
    version = forms.CharField(max_length=80, strip=True, error_messages={"required": "Name a version, such as v3."})
    mode = forms.ChoiceField(choices=RolloutMode.choices)
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)


class RuleForm(forms.Form):
    """A threshold or a policy, one part a line, such as "fraud 0.35" or "0.6 review", and why it is released."""

    lines = forms.CharField(
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Give one line or more."},
    )
    reason = forms.CharField(max_length=LONGEST_REASON, strip=True, error_messages=REASON)
    expected = forms.CharField(max_length=80, required=False, widget=forms.HiddenInput)

    def pairs_by_line(self) -> list[tuple[str, str]]:
        """The first and the last word of each line; labels may hold spaces. Raises InvalidInput."""
        found = []
        for number, line in enumerate(self.cleaned_data["lines"].splitlines(), start=1):
            head, _, tail = line.strip().rpartition(" ")
            if line.strip() and not head:
                raise InvalidInput(f"Line {number} takes two parts with a space between them.")
            if head:
                found.append((head.strip(), tail))
        return found


class ThresholdForm(RuleForm):
    def body(self, labels: list[str]) -> ThresholdBody:
        """Raises InvalidInput."""
        pairs = [(label, _number(score)) for label, score in self.pairs_by_line()]
        _refuse_repeated(label for label, _ in pairs)
        return valid_thresholds(dict(pairs), labels)


class PolicyForm(RuleForm):
    score_of = forms.CharField(max_length=200, required=False)

    def body(self, labels: list[str]) -> PolicyBody:
        """Raises InvalidInput."""
        bands = [(_number(start), decision) for start, decision in self.pairs_by_line()]
        _refuse_repeated(start for start, _ in bands)
        return valid_policy(self.cleaned_data["score_of"], bands, labels)


def _refuse_repeated(heads: Iterable[Hashable]) -> None:
    """Raise InvalidInput where two lines begin with the same label or score."""
    seen: set[Hashable] = set()
    for head in heads:
        if head in seen:
            raise InvalidInput(f"{f'{head:g}' if isinstance(head, float) else head} has two lines; give it one.")
        seen.add(head)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInput(f"{text[:40]!r} is no number from 0 to 1.") from None


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
