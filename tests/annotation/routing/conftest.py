"""Draws that are the same in every run: the secret of an installation is random."""

import pytest

from annotation.routing import audit_draw


@pytest.fixture(autouse=True)
def fixed_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_draw, "secret", lambda project: b"tests")
