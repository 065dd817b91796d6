"""A folder of artifacts for each test that asks, and no more than one candidate tried in each fit."""

from pathlib import Path
from typing import Any

import pytest

from retraining import artifacts, live_check, registry, serving
from retraining.model_cache import ModelCache
from retraining.trainers import here


@pytest.fixture
def artifact_home(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(here, "FIT_WORK", 0.0)
    settings.ARTIFACT_HOME = tmp_path / "artifacts"
    settings.ARTIFACT_HOME.mkdir()
    return settings.ARTIFACT_HOME


@pytest.fixture(autouse=True)
def loaded_versions(monkeypatch: pytest.MonkeyPatch) -> ModelCache:
    """No version loaded and no file verified, as in a process that has just begun."""
    fresh = ModelCache(registry.load)
    monkeypatch.setattr(serving, "loaded_versions", fresh)
    monkeypatch.setattr(live_check, "files", artifacts.VerifiedFiles())
    return fresh
