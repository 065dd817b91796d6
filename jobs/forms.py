"""The form of a webhook endpoint: its name, address and events."""

from typing import Any

from django import forms

from jobs.models import EventType
from jobs.webhooks.endpoints import EndpointFields
from projects.outgoing import LONGEST_URL
from projects.secrets import new_secret


class EndpointForm(forms.Form):
    """`once` is random, so that a form sent twice makes one endpoint."""

    once = forms.CharField(max_length=100, required=False)
    name = forms.CharField(max_length=80, error_messages={"required": "Say what receives the events."})
    url = forms.CharField(
        max_length=LONGEST_URL,
        error_messages={"required": "Enter an address such as https://example.com/hooks."},
    )
    events = forms.MultipleChoiceField(
        choices=EventType.choices,
        error_messages={"required": "Choose at least one event."},
    )

    def __init__(self, data: Any = None, *, initial: EndpointFields | None = None) -> None:
        known = {"name": initial.name, "url": initial.url, "events": list(initial.events)} if initial else {}
        super().__init__(data, initial={"once": new_secret(), "events": EventType.values, **known})

    def fields_given(self) -> EndpointFields:
        given = self.cleaned_data
        return EndpointFields(name=given["name"], url=given["url"].strip(), events=given["events"])

    def once_given(self) -> str:
        return str(self.cleaned_data["once"]) or new_secret()


class RotateForm(forms.Form):
    """`once` is random, so that a form sent twice rotates once."""

    once = forms.CharField(max_length=100, required=False)
