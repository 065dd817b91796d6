"""Fills in a settings page as a person does: look, then save, with what the form was based on."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from django.test import Client

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@dataclass
class SettingsTab:
    """One browser tab on one settings page; `entries` is what its form holds beside the hidden fields."""

    client: Client
    path: str
    entries: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)

    def open(self) -> Any:
        return self._shown(self.client.get(self.path))

    def look(self, **changed: Any) -> Any:
        self.entries |= changed
        return self._shown(self._post(act="look"))

    def save(self, reason: str = "", **changed: Any) -> Any:
        self.entries |= changed
        answer = self._post(act="save", reason=reason)
        return answer if answer.status_code == 302 else self._shown(answer)

    def _post(self, **act: str) -> Any:
        return self.client.post(self.path, {**self.entries, **self.hidden, **act})

    def _shown(self, answer: Any) -> Any:
        found = dict(HIDDEN.findall(answer.content.decode()))
        self.hidden = {name: unescape(found[name]) for name in ("base", "previewed") if name in found}
        return answer
