"""A folder of artifacts for each test that asks, and no more than one candidate tried in each fit."""

from pathlib import Path
from typing import Any

import pytest

from retraining.trainers import here


@pytest.fixture
def artifact_home(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(here, "FIT_SECONDS", 0.0)
    settings.ARTIFACT_HOME = tmp_path / "artifacts"
    settings.ARTIFACT_HOME.mkdir()
    return settings.ARTIFACT_HOME
