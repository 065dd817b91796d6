"""The cache of loaded versions: a slow load stalls nobody else, a failure is remembered and noted."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError

from projects.models import Project
from retraining import artifacts, model_cache, registry
from retraining.model_cache import ModelCache
from retraining.models import LoadFailure, ModelVersion
from tests.retraining.scenarios import learn, make_numeric_project, make_version

PATIENCE = 60.0  # seconds after which a thread that hangs fails the test


def stand_in(signature: str) -> Any:
    """A version as the cache sees it, without a database."""
    return SimpleNamespace(signature=signature, tag=signature)


@pytest.fixture
def unrecorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "record", lambda version, why: None)


def in_threads(*acts: Callable[[], object]) -> None:
    threads = [threading.Thread(target=act, daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.usefixtures("unrecorded")
class TestLoading:
    def test_a_slow_load_stalls_no_other_version(self) -> None:
        slow_began, may_end = threading.Event(), threading.Event()

        def load(version: Any) -> Any:
            if version.tag == "slow":
                slow_began.set()
                assert may_end.wait(PATIENCE)
            return f"loaded {version.tag}"

        cache = ModelCache(load)
        slow = threading.Thread(target=cache.get, args=(stand_in("slow"),), daemon=True)
        slow.start()
        assert slow_began.wait(PATIENCE)
        found: list[object] = []
        in_threads(*[lambda tag=tag: found.append(cache.get(stand_in(tag))) for tag in ("quick", "other")])
        assert sorted(map(str, found)) == ["loaded other", "loaded quick"]
        may_end.set()
        slow.join(PATIENCE)
        assert cache.get(stand_in("slow")) == "loaded slow"

    def test_many_at_once_load_one_version_once(self) -> None:
        loads, gate = [], threading.Barrier(8, timeout=60)

        def load(version: Any) -> Any:
            loads.append(version.tag)
            return object()

        cache, found = ModelCache(load), []

        def act() -> None:
            gate.wait(PATIENCE)
            found.append(cache.get(stand_in("v1")))

        in_threads(*[act] * 8)
        assert (loads, len(set(map(id, found))), len(found)) == (["v1"], 1, 8)

    def test_those_who_waited_for_a_load_that_failed_hear_why_and_do_not_load_again(self) -> None:
        loads, gate, heard = [], threading.Barrier(4, timeout=60), []

        def load(version: Any) -> Any:
            loads.append(version.tag)
            raise artifacts.ArtifactRefused("v1 cannot be loaded. Its file is gone.")

        cache = ModelCache(load)

        def act() -> None:
            gate.wait(PATIENCE)
            with pytest.raises(artifacts.ArtifactRefused) as why:
                cache.get(stand_in("v1"))
            heard.append(str(why.value))

        in_threads(*[act] * 4)
        assert loads == ["v1"] and heard == ["v1 cannot be loaded. Its file is gone."] * 4

    def test_whatever_a_load_raises_is_remembered(self) -> None:
        tries: list[str] = []

        def load(version: Any) -> Any:
            tries.append(version.tag)
            raise ImportError("No module named 'sklearn.gone'")

        cache = ModelCache(load)
        for _ in range(2):
            with pytest.raises(artifacts.ArtifactRefused, match="v1 cannot be loaded. ImportError: No module named"):
                cache.get(stand_in("v1"))
        assert tries == ["v1"]

    def test_keeps_few_versions_and_no_lock_of_those_it_has_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(model_cache, "KEPT", 2)
        loads: list[str] = []

        def load(version: Any) -> Any:
            loads.append(version.tag)
            return object()

        cache = ModelCache(load)
        for tag in ("v2", "v3", "v4", "v4", "v2"):
            cache.get(stand_in(tag))
        assert loads == ["v2", "v3", "v4", "v2"] and not cache._loading


@pytest.mark.django_db
class TestTheNoteOfAFailure:
    @pytest.fixture
    def version(self, artifact_home: Any) -> ModelVersion:
        project: Project = make_numeric_project()
        learn(project, 4)
        return make_version(project)

    def test_is_written_once_and_goes_when_the_version_loads_again(
        self, version: ModelVersion, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        monkeypatch.setattr(model_cache, "RETRY_SECONDS", 0.0)
        path = artifacts.path_of(version.artifact_sha256)
        data = path.read_bytes()
        path.unlink()
        cache = ModelCache(registry.load)
        for _ in range(2):
            with pytest.raises(artifacts.ArtifactRefused):
                cache.get(version)
        words = LoadFailure.objects.get().words
        assert words == "v1 cannot be loaded. Its file cannot be read: No such file or directory."
        with django_assert_num_queries(1):  # what is known already is not written again
            model_cache.record(version, words)
        path.write_bytes(data)
        assert cache.get(version).tag == "v1"
        assert not LoadFailure.objects.exists()

    def test_costs_no_answer_where_the_database_does_not_take_it(
        self, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuses(*args: Any, **options: Any) -> None:
            raise DatabaseError("database is locked")

        monkeypatch.setattr(LoadFailure.objects, "update_or_create", refuses)
        model_cache.record(version, "v1 cannot be loaded.")
        assert not LoadFailure.objects.exists()
