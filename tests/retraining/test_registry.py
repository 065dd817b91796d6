"""Versions: numbered, signed, and loaded only when the file holds exactly what such a model is made of."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from django.utils import timezone
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from projects.models import Project
from retraining import artifacts, registry
from retraining.artifacts import ArtifactRefused
from retraining.learning import predict
from retraining.models import ModelVersion
from tests.factories import NOW
from tests.retraining.scenarios import fitted, learn, make_champion, make_numeric_project, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(artifact_home: Path) -> Project:
    project = make_numeric_project()
    learn(project, 4)
    return project


def replaced(version: ModelVersion, data: bytes, *, family: str = "") -> ModelVersion:
    """The version with another file under it, signed with the right key: what only a thief of the key could do."""
    stored = artifacts.write(data)
    version.artifact_sha256, version.artifact_size = stored.sha256, stored.size
    version.family = family or version.family
    version.signature = artifacts.sign(
        stored.sha256, project_id=version.project_id, family=version.family, parameters=version.parameters
    )
    return version


def test_numbers_the_versions_of_each_project(project: Project) -> None:
    other = make_numeric_project()
    learn(other, 1)
    assert [make_version(one).tag for one in (project, project, other)] == ["v1", "v2", "v1"]


def test_finds_a_version_by_its_tag(project: Project) -> None:
    version = make_version(project)
    assert registry.version_by_tag(project, "v1") == version
    with pytest.raises(registry.UnknownModelVersion, match="There is no version v2 in"):
        registry.version_by_tag(project, "v2")


def test_knows_the_champion(project: Project) -> None:
    assert registry.champion(project) is None
    champion = make_champion(project)
    make_version(project)
    assert registry.champion(project) == champion


def test_loads_a_model_that_says_what_the_fitted_one_said(project: Project) -> None:
    loaded = registry.load(make_version(project))
    columns = {"x": [-1.0, 0.3, 2.0], "y": [0.0, 0.0, None]}
    expected = predict.probabilities(fitted(), columns, {"x": "number", "y": "number"})
    assert np.allclose(loaded.probabilities(columns), expected)


def test_the_signature_survives_the_database(project: Project) -> None:
    version = ModelVersion.objects.get(pk=make_version(project).pk)
    registry.verify(version, artifacts.VerifiedFiles())
    assert registry.load(version).classes == ("ham", "spam")


@pytest.mark.parametrize("field", ["signature", "family", "parameters", "artifact_sha256"])
def test_refuses_a_row_that_was_changed(project: Project, field: str) -> None:
    version, other = make_version(project), make_version(make_numeric_project())
    changed = {"parameters": {**version.parameters, "classes": ["spam", "ham"]}, "family": "tree"}
    setattr(version, field, changed.get(field, getattr(other, field)))
    with pytest.raises(ArtifactRefused, match=r"^v1 cannot be loaded\."):
        registry.load(version)


def test_refuses_another_projects_artifact(project: Project) -> None:
    other = make_numeric_project()
    learn(other, 1)
    version, foreign = make_version(project), make_version(other)
    for field in ("artifact_sha256", "artifact_size", "signature", "parameters"):
        setattr(version, field, getattr(foreign, field))
    with pytest.raises(ArtifactRefused, match="its row was changed"):
        registry.load(version)


class TestWithAGoodSignatureTheContentIsStillChecked:
    def test_a_function_in_the_file_is_never_called(self, project: Project, tmp_path: Path) -> None:
        evil = skops.io.dumps(FunctionTransformer(func=os.system, kw_args={"command": f"touch {tmp_path / 'owned'}"}))
        with pytest.raises(ArtifactRefused, match="v1 cannot be loaded"):
            registry.load(replaced(make_version(project), evil))
        assert not (tmp_path / "owned").exists()

    def test_a_type_that_no_such_model_has_is_refused(self, project: Project) -> None:
        with pytest.raises(ArtifactRefused, match="v1 cannot be loaded"):
            registry.load(replaced(make_version(project), skops.io.dumps(StandardScaler())))

    def test_an_unknown_family_is_refused(self, project: Project) -> None:
        version = make_version(project)
        data = artifacts.path_of(version.artifact_sha256).read_bytes()
        with pytest.raises(ArtifactRefused, match="'magic' is not a family"):
            registry.load(replaced(version, data, family="magic"))

    def test_a_zip_without_a_model_is_refused(self, project: Project) -> None:
        with pytest.raises(ArtifactRefused, match="v1 cannot be loaded"):
            registry.load(replaced(make_version(project), b"PK\x05\x06" + b"\0" * 18))


def test_the_sweeper_keeps_what_a_version_names(project: Project, artifact_home: Path) -> None:
    version = make_version(project)
    orphan = artifacts.write(b"left by a killed run")
    old = (timezone.now() - timedelta(days=2)).timestamp()
    for path in artifact_home.iterdir():
        os.utime(path, (old, old))
    assert registry.sweep(at=timezone.now()) == 1
    assert not artifacts.path_of(orphan.sha256).exists() and registry.load(version)


def test_knows_what_a_version_was_trained_on(project: Project) -> None:
    seen = learn(project, 1)
    version = make_version(project, at=NOW)
    unseen: Any = learn(project, 1)
    assert registry.out_of_sample(version, [seen[0].pk, unseen[0].pk]).tolist() == [False, True]
