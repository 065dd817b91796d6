"""Runs of projects with texts: models on the vectors of an encoder, and what happens where the encoder is gone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotation import text_vectors
from inputs.encoders.choice import EncoderChoice
from inputs.encoders.tfidf import TfidfEncoder
from projects.models import Project
from retraining import artifacts, registry
from tests.factories import make_item, make_project
from tests.retraining.scenarios import resolve, train

pytestmark = pytest.mark.django_db
TYPED = {"text": {"type": "text"}}


class MeaningEncoder:
    """Knows whether a number word is above five, which no two texts say in the same words."""

    name, digest, per_text = "meaning", "d" * 64, True

    def encode(self, texts: Any) -> Any:
        above = np.array([int(text.split("-")[1]) > 500 if text else False for text in texts])
        return np.column_stack([above, ~above]).astype(np.float32)


@pytest.fixture
def project(artifact_home: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    use(MeaningEncoder(), monkeypatch)
    project = make_project(labels=("ham", "spam"), inputs=TYPED)
    for number in np.random.default_rng(0).choice(1000, 40, replace=False):
        item = make_item(project, inputs={"text": f"word-{number}"})
        resolve(item, "spam" if number > 500 else "ham")
    return project


def use(encoder: object, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = EncoderChoice(encoder, "Encoded.")  # type: ignore[arg-type]
    monkeypatch.setattr(text_vectors, "configured_encoder", lambda: chosen)


def test_a_run_learns_from_the_vectors_and_its_version_answers_new_texts(project: Project) -> None:
    version = train(project)
    assert "on vectors" in version.run.report["why"]
    loaded = registry.load(version)
    said = loaded.score(project, [{"text": "word-999"}, {"text": "word-1"}])
    assert [loaded.classes[code] for code in said.argmax(axis=1)] == ["spam", "ham"]


def test_a_version_whose_encoder_is_gone_is_refused_in_words(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version = train(project)
    use(TfidfEncoder(), monkeypatch)
    with pytest.raises(artifacts.ArtifactRefused, match=r"cannot be loaded\. The model reads vectors of"):
        registry.load(version)


def test_a_run_does_not_wait_for_texts_to_be_encoded_and_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "AT_ONCE", 0)
    version = train(project)
    assert "Texts are compared by TF-IDF for now: 40 of 40 wait" in version.run.report["why"]
    assert registry.predict.encoder_of(version.parameters["frame"]) is None
