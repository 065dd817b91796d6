"""Another text encoder: everything is encoded again in the background, and no model reads vectors of the wrong one."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotation import encoding_progress, tasks
from annotation.models import EncodingProgress, TextVector
from inputs.encoders import folder, minilm
from inputs.encoders.base import EncoderUnavailable
from jobs import execution
from jobs.models import Job, JobState
from projects.models import Project
from retraining import artifacts, registry, release, serving
from retraining.models import ModelVersion, RunState
from tests.factories import make_item, make_project
from tests.retraining.scenarios import do, judged, open_run, resolve, train

pytestmark = pytest.mark.django_db
ROWS = 40


class FileEncoder:
    """Knows whether a number word is above five hundred; another file has another digest and other vectors."""

    per_text = True

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.digest, self.encoded = name, hashlib.sha256(content).hexdigest(), 0
        self.turned = bool(content[-1] % 2)

    def encode(self, texts: Any) -> Any:
        self.encoded += len(texts)
        above = np.array([int(text.split("-")[1]) > 500 if text else False for text in texts], dtype=bool)
        return np.column_stack([above ^ self.turned, ~above ^ self.turned]).astype(np.float32)


def load_folder(path: Path) -> FileEncoder:
    if not path.is_dir():
        raise EncoderUnavailable(f"TEXT_ENCODER names {path}, which is no folder.")
    return FileEncoder(path.name, (path / "model.onnx").read_bytes())


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two folders with an encoder each."""
    monkeypatch.setattr(folder, "load", load_folder)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.onnx").write_bytes(name.encode())
    return tmp_path / "first", tmp_path / "second"


@pytest.fixture
def project(artifact_home: Path, folders: tuple[Path, Path], settings: Any) -> Project:
    """Items that are encoded by the first encoder."""
    settings.TEXT_ENCODER = str(folders[0])
    project = make_project(labels=("ham", "spam"), inputs={"text": {"type": "text"}})
    for number in np.random.default_rng(0).choice(1000, ROWS, replace=False):
        resolve(make_item(project, inputs={"text": f"word-{number}"}), "spam" if number > 500 else "ham")
    work_through(project)
    return project


def work_through(project: Project) -> int:
    """What the reaper and a worker do until nothing is due; returns how many jobs it took."""
    for taken in range(5):
        tasks.encode_what_waits(project, timezone.now())
        job = Job.objects.filter(kind="annotation.encode_texts", project=project, state=JobState.QUEUED).first()
        if job is None:
            return taken
        execution.run(job.pk)
    raise AssertionError("It never ends.")


def encoders_kept(project: Project) -> dict[str, int]:
    """Name of each encoder whose vectors are kept, and how many."""
    names = TextVector.objects.filter(project=project).values_list("encoder", flat=True)
    return {name: list(names).count(name) for name in set(names)}


def promote(version: ModelVersion) -> None:
    """Make it the champion, unless its run has done so."""
    version.refresh_from_db()
    if version.stage != ModelVersion.Stage.CHAMPION:
        release.promote(judged(version), by=None, reason="a test", at=timezone.now())


def answer(project: Project) -> serving.PredictionResult:
    return serving.predict(project, inputs=[{"text": "word-999"}, {"text": "word-1"}], keys=None, at=timezone.now())


def test_everything_is_encoded_again_without_a_new_item_and_the_former_vectors_go(
    project: Project, folders: tuple[Path, Path], settings: Any
) -> None:
    assert encoders_kept(project) == {"first": ROWS}
    settings.TEXT_ENCODER = str(folders[1])
    assert work_through(project) == 1
    assert encoders_kept(project) == {"second": ROWS}
    assert not encoding_progress.is_due(project)


def test_back_to_the_former_encoder_everything_is_encoded_again(
    project: Project, folders: tuple[Path, Path], settings: Any
) -> None:
    for at, name in ((1, "second"), (0, "first")):
        settings.TEXT_ENCODER = str(folders[at])
        work_through(project)
        assert encoders_kept(project) == {name: ROWS}
    assert EncodingProgress.objects.filter(project=project).count() == 1


def test_another_file_in_the_same_folder_is_another_encoder(project: Project, folders: tuple[Path, Path]) -> None:
    before = set(TextVector.objects.values_list("digest", flat=True))
    (folders[0] / "model.onnx").write_bytes(b"a newer one")
    assert encoding_progress.is_due(project)
    assert work_through(project) == 1
    after = set(TextVector.objects.values_list("digest", flat=True))
    assert len(after) == 1 and not after & before


def test_where_texts_are_compared_by_tf_idf_from_now_on_no_vector_stays(project: Project, settings: Any) -> None:
    settings.TEXT_ENCODER = "tfidf"
    assert work_through(project) == 1
    assert encoders_kept(project) == {}
    assert work_through(project) == 0


def test_vectors_that_the_champion_reads_stay_until_another_is_promoted(
    project: Project, folders: tuple[Path, Path], settings: Any
) -> None:
    promote(train(project))
    settings.TEXT_ENCODER = str(folders[1])
    work_through(project)
    assert encoders_kept(project) == {"first": ROWS, "second": ROWS}
    assert work_through(project) == 0
    promote(train(project))
    assert work_through(project) == 1
    assert encoders_kept(project) == {"second": ROWS}


def test_a_version_is_refused_without_its_encoder_and_the_advice_to_train_again_helps(
    project: Project, folders: tuple[Path, Path], settings: Any
) -> None:
    first = train(project)
    promote(first)
    assert [row.label for row in answer(project).answers] == ["spam", "ham"]

    settings.TEXT_ENCODER = str(folders[1])
    with pytest.raises(artifacts.ArtifactRefused, match=r"vectors of the text encoder first .*train again"):
        registry.load(first)
    work_through(project)
    second = train(project)

    assert second.run.dataset == first.run.dataset
    loaded = registry.load(second)
    said = loaded.score(project, [{"text": "word-999"}, {"text": "word-1"}])
    assert [loaded.classes[code] for code in said.argmax(axis=1)] == ["spam", "ham"]


def test_with_the_same_encoder_a_second_run_changes_nothing(project: Project) -> None:
    train(project)
    assert do(open_run(project)).state == RunState.UNCHANGED


def test_a_loaded_version_keeps_its_encoder_while_its_process_lives(
    project: Project, folders: tuple[Path, Path], settings: Any
) -> None:
    loaded = registry.load(train(project))
    settings.TEXT_ENCODER = str(folders[1])
    said = loaded.score(project, [{"text": "word-999"}, {"text": "word-1"}])
    assert [loaded.classes[code] for code in said.argmax(axis=1)] == ["spam", "ham"]


def test_a_version_that_reads_minilm_keeps_it_under_another_setting(
    project: Project, folders: tuple[Path, Path], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "load", lambda: FileEncoder("minilm", b"minilm"))
    monkeypatch.setattr(minilm, "stamp", lambda: "of this test")
    settings.TEXT_ENCODER = ""
    work_through(project)
    promote(train(project))
    settings.TEXT_ENCODER = str(folders[1])
    result = answer(project)
    assert (result.degraded, [row.label for row in result.answers]) == (False, ["spam", "ham"])
