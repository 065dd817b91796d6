"""Vectors of texts: encoded once by a job, kept for a project, shared by routing and training; nothing waits for it."""

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from annotation import encoding_progress, tasks, text_vectors
from annotation.models import EncodingProgress, Item, TextVector
from annotation.routing import candidates
from inputs.encoders.choice import EncoderChoice
from inputs.encoders.tfidf import TfidfEncoder
from jobs import execution
from jobs.models import Job, JobState
from projects.models import Project
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
TYPES = {"text": "text"}


class CountingEncoder:
    """Encodes a text as its length and its number of words, and counts what it was given."""

    name, per_text = "counting", True

    def __init__(self, digest: str = "d" * 64) -> None:
        self.digest = digest
        self.encoded: list[str] = []
        self.fails_at: int | None = None

    def encode(self, texts: Any) -> Any:
        if self.fails_at is not None and len(self.encoded) >= self.fails_at:
            raise RuntimeError("killed")
        self.encoded += texts
        rows = np.array([[len(text), len(text.split())] for text in texts], dtype=np.float32).reshape(-1, 2)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch, settings: object) -> CountingEncoder:
    settings.TEXT_ENCODER = ""  # type: ignore[attr-defined]
    encoder = CountingEncoder()
    use(encoder, monkeypatch)
    return encoder


def use(encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "configured_encoder", lambda: EncoderChoice(encoder, "Encoded by counting."))


def encode_items(project: Project) -> Job:
    """Enqueue and do the job, as the reaper and a worker would."""
    tasks.encode_what_waits(project, timezone.now())
    job = Job.objects.filter(kind="annotation.encode_texts", project=project).latest("pk")
    if job.state == JobState.QUEUED:
        execution.run(job.pk)
    job.refresh_from_db()
    return job


def notes(project: Project, *texts: str | None) -> None:
    for text in texts:
        make_item(project, inputs={"text": text})


def test_the_job_encodes_each_text_once_and_keeps_it_under_name_and_digest(encoder: CountingEncoder) -> None:
    project = make_project()
    notes(project, "a card", "my euro", "a card", None, " a card ")

    job = encode_items(project)

    assert (job.state, job.result["items"], job.result["encoder"]) == (JobState.SUCCEEDED, 5, "counting")
    assert sorted(encoder.encoded) == ["a card", "my euro"]
    kept = TextVector.objects.filter(project=project)
    assert {(row.encoder, row.digest, len(bytes(row.vector))) for row in kept} == {("counting", "d" * 64, 4)}
    assert not encoding_progress.is_due(project)
    tasks.encode_what_waits(project, timezone.now())
    assert Job.objects.filter(kind="annotation.encode_texts").count() == 1


def test_a_conversation_is_encoded_as_the_text_that_its_columns_hold(encoder: CountingEncoder) -> None:
    project = make_project(inputs={"chat": {"type": "conversation"}})
    turns = [{"role": "user", "content": "Where is it?"}, {"role": "assistant", "content": "On its way."}]
    make_item(project, inputs={"chat": turns})
    make_item(project, inputs={"chat": None})

    encode_items(project)
    candidates.vectors_of(project, [{"chat": turns}, {"chat": None}])

    assert encoder.encoded == ["On its way.\nWhere is it?"]


def test_new_items_are_encoded_from_where_the_last_job_ended(encoder: CountingEncoder) -> None:
    project = make_project()
    notes(project, "a card")
    encode_items(project)
    notes(project, "my euro", "a card")
    encode_items(project)
    assert encoder.encoded == ["a card", "my euro"]


def test_a_job_that_dies_half_way_goes_on_where_it_was(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "PART", 2)
    project = make_project()
    notes(project, *(f"message {number}" for number in range(6)))
    encoder.fails_at = 4
    encode_items(project)
    assert TextVector.objects.count() == 4

    encoder.fails_at = None
    Job.objects.all().delete()
    encode_items(project)
    assert sorted(encoder.encoded) == [f"message {number}" for number in range(6)]
    assert TextVector.objects.count() == 6


def test_a_new_encoder_encodes_everything_again_and_then_removes_what_the_former_made(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, other = make_project(), make_project()
    for one in (project, other):
        notes(one, "a card", "my euro")
        encode_items(one)
    successor = CountingEncoder("e" * 64)
    use(successor, monkeypatch)
    EncodingProgress.objects.filter(project=project).update(last_item=0)  # as after a new item

    encode_items(project)

    assert sorted(successor.encoded) == ["a card", "my euro"]
    assert set(TextVector.objects.filter(project=project).values_list("digest", flat=True)) == {"e" * 64}
    assert set(TextVector.objects.filter(project=other).values_list("digest", flat=True)) == {"d" * 64}


def test_columns_get_the_stored_vectors_and_zeros_where_a_text_is_missing(encoder: CountingEncoder) -> None:
    project = make_project()
    notes(project, "a card", "my euro now")
    encode_items(project)
    encoder.encoded.clear()

    available = text_vectors.available_vectors(project, {"text": ["my euro now", None, "a card"]}, TYPES)

    assert available.texts is not None
    assert (available.texts.encoder, available.texts.digest) == ("counting", "d" * 64)
    expected = encoder.encode(["my euro now", "", "a card"])
    np.testing.assert_allclose(available.texts.vectors["text"], expected * [[1], [0], [1]], atol=1e-3)
    assert encoder.encoded == ["my euro now", "", "a card"]  # by this test alone


def test_few_missing_texts_are_encoded_at_once_and_kept(encoder: CountingEncoder) -> None:
    project = make_project()
    assert text_vectors.available_vectors(project, {"text": ["a card"]}, TYPES).texts is not None
    assert TextVector.objects.filter(project=project).count() == 1


def test_while_many_are_missing_texts_are_compared_by_tf_idf_and_it_says_so(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "AT_ONCE", 1)
    project = make_project()
    notes(project, "a card", "my euro")
    columns = {"text": ["a card", "my euro"]}

    before = text_vectors.available_vectors(project, columns, TYPES)
    assert before.texts is None
    assert before.words == "Texts are compared by TF-IDF for now: 2 of 2 wait to be encoded by counting."
    ids = list(project.items.values_list("pk", flat=True))
    assert candidates.load(project, ids).compared == before.words
    assert encoder.encoded == []

    encode_items(project)
    assert text_vectors.available_vectors(project, columns, TYPES).texts is not None
    assert candidates.load(project, ids).compared == ""


def test_items_that_were_committed_after_later_ones_are_encoded_too(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "AT_ONCE", 1)
    project = make_project()
    notes(project, "a card", "my euro")
    late = list(project.items.all())
    project.items.all().delete()
    notes(project, "of another capture")
    encode_items(project)
    Item.objects.bulk_create(late)
    columns = {"text": ["a card", "my euro", "of another capture"]}

    assert text_vectors.available_vectors(project, columns, TYPES).texts is None
    Job.objects.all().delete()
    encode_items(project)

    assert text_vectors.available_vectors(project, columns, TYPES).texts is not None
    assert sorted(encoder.encoded) == ["a card", "my euro", "of another capture"]
    assert not encoding_progress.is_due(project)


def test_another_project_s_vectors_are_never_used(encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_vectors, "AT_ONCE", 0)
    project = make_project()
    notes(project, "a card")
    encode_items(project)
    assert text_vectors.available_vectors(make_project(), {"text": ["a card"]}, TYPES).texts is None


def test_tf_idf_and_projects_without_text_need_no_job(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    numbers = make_project(inputs={"x": {"type": "number"}})
    make_item(numbers, inputs={"x": 1})
    assert not encoding_progress.is_due(numbers)
    assert text_vectors.available_vectors(numbers, {"x": [1.0]}, {"x": "number"}).words == ""
    texts = make_project()
    notes(texts, "a card")
    settings.TEXT_ENCODER = "tfidf"  # type: ignore[attr-defined]
    assert not encoding_progress.is_due(texts)


def test_without_a_sentence_encoder_the_job_ends_at_once_and_the_reason_is_said(
    encoder: CountingEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = EncoderChoice(TfidfEncoder(), "Texts are compared by TF-IDF. Its wheel is not installed.")
    monkeypatch.setattr(text_vectors, "configured_encoder", lambda: missing)
    project = make_project()
    notes(project, "a card")
    assert encode_items(project).result["words"] == missing.why
    assert not TextVector.objects.exists()
    assert text_vectors.available_vectors(project, {"text": ["a card"]}, TYPES).words == missing.why


def test_two_that_encode_the_same_text_at_once_keep_it_once(encoder: CountingEncoder) -> None:
    project = make_project()
    text_vectors.available_vectors(project, {"text": ["a card"]}, TYPES)
    text_vectors._encode_and_keep(project, encoder, ["a card", "my euro"])
    assert TextVector.objects.filter(project=project).count() == 2


def test_progress_names_the_time_of_the_last_part(encoder: CountingEncoder) -> None:
    project = make_project()
    notes(project, "a card")
    encode_items(project)
    progress = EncodingProgress.objects.get(project=project)
    assert (progress.setting, progress.encoder) == ("", "counting")
    assert progress.updated_at > NOW


def test_the_path_of_an_encoder_may_be_as_long_as_a_path_may_be(encoder: CountingEncoder, settings: Any) -> None:
    settings.TEXT_ENCODER = "/folder" * 200
    project = make_project()
    notes(project, "a card")
    assert encode_items(project).state == JobState.SUCCEEDED
    assert not encoding_progress.is_due(project)
