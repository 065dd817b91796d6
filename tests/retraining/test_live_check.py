"""A champion that cannot answer is a headline everywhere, and no file that is none makes a request wait."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import health
from projects.models import LabelSchema, Project, Role
from retraining import artifacts, live_check, registry, release, serving
from retraining.model_cache import ModelCache
from retraining.models import LoadFailure, ModelVersion
from tests.factories import NOW, make_user
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project("mail", title="Mail")
    learn(project, 4)
    make_champion(project)
    return project


def path(project: Project) -> Path:
    return artifacts.path_of(ModelVersion.objects.get(project=project, stage="champion").artifact_sha256)


def missing(project: Project) -> None:
    path(project).unlink()


def pipe(project: Project) -> None:
    path(project).unlink()
    os.mkfifo(path(project))


def folder(project: Project) -> None:
    path(project).unlink()
    path(project).mkdir()


def changed(project: Project) -> None:
    data = bytearray(path(project).read_bytes())
    data[-1] ^= 1
    path(project).write_bytes(data)


def cut(project: Project) -> None:
    path(project).write_bytes(path(project).read_bytes()[:-1])


def signed_elsewhere(project: Project) -> None:
    ModelVersion.objects.filter(project=project).update(signature="0" * 64)


def label_retired(project: Project) -> None:
    labels = [{"value": "ham"}, {"value": "phishing"}]
    LabelSchema.objects.create(project=project, version=2, labels=labels, created_at=NOW)


def another_name(project: Project) -> None:
    Project.objects.update(champion_version="v99")


FAULTS: list[tuple[Callable[[Project], None], str]] = [
    (missing, "v1 cannot be loaded. Its file cannot be read: No such file or directory."),
    (pipe, "v1 cannot be loaded. Its file cannot be read: It is not a file but a pipe, a folder or a device."),
    (folder, "v1 cannot be loaded. Its file cannot be read: It is not a file but a pipe, a folder or a device."),
    (changed, "v1 cannot be loaded. Its file was changed after it was written: the hash differs."),
    (cut, "v1 cannot be loaded. Its file has"),
    (signed_elsewhere, "v1 cannot be loaded. Its signature was not made with this installation"),
    (label_retired, "v1 answers with 'spam', which is no label any more."),
    (another_name, "The project names v99 as what serves, but its champion is v1."),
]


def words(project: Project) -> list[str]:
    return [words for _, words in live_check.problems([Project.objects.get(pk=project.pk)])]


@pytest.mark.parametrize(("damage", "why"), FAULTS, ids=[damage.__name__ for damage, _ in FAULTS])
class TestEachFault:
    def test_is_said_by_readyz_health_overview_performance_and_releases(
        self, project: Project, client: Client, damage: Callable[[Project], None], why: str
    ) -> None:
        assert words(project) == []
        damage(project)
        [said] = words(project)
        assert said.startswith(why) and said.endswith("Every request to predict is refused.")
        ready = client.get("/readyz")
        check = next(one for one in ready.json()["missing"] if one["name"] == "models")
        assert ready.status_code == 503 and check["detail"] == "In 1 project the version that serves cannot answer."
        assert "mail" not in ready.content.decode().lower()  # everybody may read it
        client.force_login(make_user("emil", project, Role.ENGINEER))
        for name in ("overview:overview", "analysis:performance", "retraining:release-list"):
            page = client.get(reverse(name, args=[project.slug])).content.decode()
            assert why.split(" answers with")[0].split("'")[0] in page, name
        assert "Mail" in client.get("/health/").content.decode()

    def test_refuses_a_request_at_once(self, project: Project, damage: Callable[[Project], None], why: str) -> None:
        damage(project)
        found = Project.objects.get(pk=project.pk)
        with pytest.raises(serving.NothingToServe) as refused:
            serving.predict(found, inputs=[{"x": 1.0, "y": 0.0}], keys=None, at=timezone.now())
        assert str(refused.value).startswith(why)


class TestWhatAnswersInstead:
    @pytest.fixture
    def second(self, project: Project) -> ModelVersion:
        second = make_version(project)
        release.promote(second, by=None, reason="a test", at=timezone.now())
        return second

    def test_is_nothing_where_the_version_before_cannot_be_loaded_either(
        self, project: Project, second: ModelVersion
    ) -> None:
        ModelVersion.objects.update(signature="0" * 64)
        [said] = words(project)
        assert said.endswith("Every request to predict is refused.")

    def test_is_the_version_before_where_that_one_loads(self, project: Project, second: ModelVersion) -> None:
        ModelVersion.objects.filter(pk=second.pk).update(signature="0" * 64)
        [said] = words(project)
        assert said.endswith("v1 answers instead, marked as degraded.")

    def test_is_the_safe_default_where_the_project_has_one(self, project: Project) -> None:
        Project.objects.update(safe_default="ham")
        missing(project)
        [said] = words(project)
        assert said.endswith("Requests get the safe default, ham, marked as degraded.")


def test_a_load_that_fails_for_another_reason_is_said_until_it_succeeds(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(version: ModelVersion) -> registry.Loaded:
        raise ImportError("No module named 'sklearn.gone'")

    ask: dict[str, Any] = {"inputs": [{"x": 1.0, "y": 0.0}], "keys": None, "at": timezone.now()}
    monkeypatch.setattr(serving, "loaded_versions", ModelCache(load))
    with pytest.raises(serving.NothingToServe):
        serving.predict(project, **ask)
    [said] = words(project)
    assert said.startswith("v1 cannot be loaded. ImportError: No module named")
    # Another process, or after the library is back.
    monkeypatch.setattr(serving, "loaded_versions", ModelCache(registry.load))
    serving.predict(project, **ask)
    assert words(project) == [] and not LoadFailure.objects.exists()


def test_other_projects_and_projects_without_a_version_are_not_named(project: Project) -> None:
    learn(healthy := make_numeric_project(), 4)
    make_champion(healthy)
    bare = make_numeric_project()
    missing_path = artifacts.path_of(ModelVersion.objects.get(project=project).artifact_sha256)
    assert missing_path.exists()
    signed_elsewhere(project)
    projects = Project.objects.filter(pk__in=[project.pk, healthy.pk, bare.pk])
    assert [problem.project for problem in health.problems(projects)] == [project]


def test_one_projects_broken_rows_hide_no_others(project: Project) -> None:
    learn(broken := make_numeric_project("broken"), 4)
    make_champion(broken)
    broken.label_schemas.all().delete()
    missing(project)
    found = {problem.project.slug: problem.words for problem in health.problems(Project.objects.order_by("slug"))}
    assert found["broken"].startswith("What serves could not be checked")
    assert found["mail"].startswith("v1 cannot be loaded.")


def test_a_file_is_read_once_while_it_stays_as_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Mock(side_effect=artifacts._read_whole)
    monkeypatch.setattr(artifacts, "_read_whole", reads)
    for _ in range(3):
        assert words(project) == []
    assert reads.call_count == 1
    os.utime(path(project), (1, 1))
    assert words(project) == [] and reads.call_count == 2


def test_a_release_of_what_cannot_be_loaded_is_refused_without_waiting(project: Project) -> None:
    second = make_version(project)
    file = artifacts.path_of(second.artifact_sha256)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(artifacts.ArtifactRefused, match="not a file but a pipe"):
        release.promote(second, by=None, reason="x", at=timezone.now())
    assert registry.champion(project) != second
