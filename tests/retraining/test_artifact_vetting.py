"""An artifact from elsewhere is tried in a process of its own before it is signed."""

import os
import signal

import pytest

from retraining import artifact_vetting, artifacts
from retraining.learning.families import artifact
from tests.retraining import scenarios


@pytest.fixture(scope="module")
def good() -> bytes:
    return artifact.dump(scenarios.fitted().estimator)


def test_a_model_of_its_family_is_taken(good: bytes) -> None:
    artifact_vetting.vet(good, family=scenarios.fitted().family)


def test_another_family_or_no_model_is_refused_in_words(good: bytes) -> None:
    with pytest.raises(artifacts.ArtifactRefused, match="'pickle' is not a family of models that may be loaded"):
        artifact_vetting.vet(good, family="pickle")
    with pytest.raises(artifacts.ArtifactRefused, match="not an artifact of the kind that is written here"):
        artifact_vetting.vet(b"\x80\x04.", family=scenarios.fitted().family)


@pytest.mark.parametrize(
    "harm",
    [
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: bytearray(2**36),
        lambda: os._exit(9),
        lambda: (_ for _ in ()).throw(MemoryError),
    ],
    ids=["crash", "memory", "exit", "error"],
)
def test_one_that_crashes_or_takes_all_memory_ends_a_child_only(good: bytes, monkeypatch, harm) -> None:
    monkeypatch.setattr(artifact, "load", lambda data, family: list(harm() or []))
    with pytest.raises(artifacts.ArtifactRefused, match="did not end within its limits of time and memory"):
        artifact_vetting.vet(good, family=scenarios.fitted().family)


def test_one_that_never_ends_is_ended(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def spin(data: bytes, family: str) -> None:
        while True:
            pass

    monkeypatch.setattr(artifact, "load", spin)
    monkeypatch.setattr(artifact_vetting, "CPU_SECONDS", 1)
    with pytest.raises(artifacts.ArtifactRefused, match="did not end within its limits"):
        artifact_vetting.vet(good, family=scenarios.fitted().family)
