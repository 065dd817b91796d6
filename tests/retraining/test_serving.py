"""Serving: the live version answers; where it cannot, another one does and says so; every answer is captured."""

import base64
import io
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from annotation import media
from annotation.capture import validate_inputs
from annotation.models import Item, Prediction, Source
from inputs import images
from projects.models import AuditEvent, LabelSchema, Project
from retraining import artifacts, model_cache, registry, release, serving
from retraining.model_cache import ModelCache
from retraining.models import ModelVersion, Release
from retraining.serving import PredictionResult
from tests.factories import NOW, make_item, make_project
from tests.retraining.scenarios import learn, make_champion, make_numeric_project, make_version

pytestmark = pytest.mark.django_db
SPAM, HAM = {"x": 1.5, "y": 0.0}, {"x": -1.5, "y": 0.0}


@pytest.fixture
def project(artifact_home: Any) -> Project:
    project = make_numeric_project(safe_default="ham")
    learn(project, 4)
    make_champion(project)
    return project


def ask(project: Project, *inputs: Any, keys: list[str] | None = None) -> PredictionResult:
    project = Project.objects.get(pk=project.pk)  # as a request does
    return serving.predict(project, inputs=list(inputs), keys=keys, at=timezone.now())


def spoil(version: ModelVersion) -> None:
    artifacts.path_of(version.artifact_sha256).write_bytes(b"tampered")


def promote(version: ModelVersion) -> None:
    release.promote(version, by=None, reason="a test", at=timezone.now())


class TestTheLiveVersion:
    def test_answers_each_input_in_order(self, project: Project) -> None:
        answered = ask(project, SPAM, HAM, keys=["a", "b"])
        assert (answered.model_version, answered.degraded) == ("v1", False)
        assert [(one.key, one.label, one.decision) for one in answered.answers] == [
            ("a", "spam", "approve"),
            ("b", "ham", "approve"),
        ]
        assert all(abs(sum(one.scores.values()) - 1) < 1e-9 for one in answered.answers)

    def test_captures_what_it_served(self, project: Project) -> None:
        answered = ask(project, SPAM, keys=["a"])
        item = Item.objects.get(project=project, key="a")
        row = item.predictions.get()
        assert item.inputs == SPAM
        assert (row.source, row.model_version, row.label, row.degraded) == (Source.SERVED, "v1", "spam", False)
        assert np.allclose(np.frombuffer(row.scores, dtype="<f4"), list(answered.answers[0].scores.values()))
        assert row.margin is not None and row.margin > 0

    def test_makes_keys_where_none_are_given(self, project: Project) -> None:
        answered = ask(project, SPAM, SPAM)
        keys = {one.key for one in answered.answers}
        assert len(keys) == 2 and Item.objects.filter(key__in=keys).count() == 2

    def test_is_loaded_once_and_a_release_is_seen_by_the_next_request(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads: list[str] = []

        def load(version: ModelVersion) -> registry.Loaded:
            loads.append(version.tag)
            return registry.load(version)

        monkeypatch.setattr(serving, "loaded_versions", ModelCache(load))
        ask(project, SPAM)
        ask(project, HAM)
        promote(make_version(project))
        assert ask(project, SPAM).model_version == "v2"
        release.roll_back(project, by=None, reason="a test", at=timezone.now())
        assert ask(project, SPAM).model_version == "v1"
        assert loads == ["v1", "v2"]

    def test_costs_few_queries_when_it_is_warm(self, project: Project, django_assert_max_num_queries: Any) -> None:
        ask(project, SPAM)
        with django_assert_max_num_queries(20):
            ask(project, HAM)


class TestTheSameKeyAgain:
    def test_gets_the_stored_answer_even_after_a_release(self, project: Project) -> None:
        first = ask(project, SPAM, HAM, keys=["a", "b"])
        promote(make_version(project))
        again = ask(project, SPAM, HAM, keys=["a", "b"])
        assert (again.model_version, again.degraded) == ("v1", False)
        assert [(one.key, one.label) for one in again.answers] == [(one.key, one.label) for one in first.answers]
        assert np.allclose(list(again.answers[0].scores.values()), list(first.answers[0].scores.values()), atol=1e-6)
        assert Prediction.objects.filter(source=Source.SERVED).count() == 2

    def test_with_other_inputs_is_refused_and_nothing_is_kept(self, project: Project) -> None:
        ask(project, SPAM, keys=["a"])
        with pytest.raises(serving.KeyTaken, match="Key a was captured before with other inputs"):
            ask(project, SPAM, HAM, keys=["new", "a"])
        assert not Item.objects.filter(key="new").exists()

    def test_of_an_item_captured_before_adds_this_versions_answer(self, project: Project) -> None:
        item = make_item(project, "a", inputs=SPAM)
        answered = ask(project, SPAM, HAM, keys=["a", "b"])
        row = item.predictions.get()
        assert (row.source, row.model_version, row.label) == (Source.SERVED, "v1", answered.answers[0].label)

    def test_knows_what_the_version_was_trained_on(self, project: Project) -> None:
        seen = Item.objects.filter(project=project).earliest("pk")
        ask(project, seen.inputs, keys=[seen.key])
        assert seen.predictions.get(source=Source.SERVED).out_of_sample is False


class TestADegradedAnswer:
    @pytest.fixture
    def broken(self, project: Project) -> Project:
        """v2 is live, but its artifact was changed on disk."""
        second = make_version(project)
        promote(second)
        spoil(second)
        return project

    def test_comes_from_the_version_before(self, broken: Project) -> None:
        answered = ask(broken, SPAM, keys=["a"])
        assert (answered.model_version, answered.degraded, answered.answers[0].label) == ("v1", True, "spam")
        row = Prediction.objects.get(item__key="a")
        assert (row.model_version, row.degraded) == ("v1", True)

    def test_comes_from_the_safe_default_where_no_version_can_be_loaded(self, broken: Project) -> None:
        spoil(ModelVersion.objects.get(number=1))
        answered = ask(broken, SPAM, keys=["a"])
        assert (answered.model_version, answered.degraded) == ("safe_default", True)
        one = answered.answers[0]
        assert (one.label, one.scores, one.decision) == ("ham", {}, "review")
        row = Prediction.objects.get(item__key="a")
        assert (row.model_version, row.label, row.scores, row.degraded) == ("safe_default", "ham", None, True)
        assert ask(broken, SPAM, keys=["a"]) == answered

    def test_is_refused_where_there_is_no_safe_default_either(self, broken: Project) -> None:
        spoil(ModelVersion.objects.get(number=1))
        Project.objects.update(safe_default="")
        with pytest.raises(serving.NothingToServe, match=r"^v2 cannot be loaded\..*names no safe default"):
            ask(broken, SPAM, keys=["a"])
        assert not Item.objects.filter(key="a").exists()

    def test_does_not_read_a_broken_file_at_every_request(
        self, broken: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tries: list[str] = []

        def load(version: ModelVersion) -> registry.Loaded:
            tries.append(version.tag)
            return registry.load(version)

        monkeypatch.setattr(serving, "loaded_versions", ModelCache(load))
        for _ in range(3):
            ask(broken, SPAM)
        assert tries == ["v2", "v1"]

    def test_comes_where_the_model_answers_with_a_retired_label(self, project: Project) -> None:
        LabelSchema.objects.create(
            project=project, version=2, labels=[{"value": "ham"}, {"value": "phishing"}], created_at=NOW
        )
        assert ask(project, SPAM).model_version == "safe_default"

    def test_comes_where_the_model_fails_on_the_input(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*args: Any) -> None:
            raise ValueError("singular matrix")

        monkeypatch.setattr(registry.Loaded, "score", fails)
        assert ask(project, SPAM).degraded

    def test_is_all_there_is_before_the_first_release(self, artifact_home: Any) -> None:
        assert ask(make_numeric_project(safe_default="ham"), SPAM).model_version == "safe_default"


class TestAProjectThatNamesAnotherVersion:
    """Something wrote into the project what no release did: no model answers until a person has decided."""

    @pytest.fixture(params=["v99", "", "router-7"])
    def unclear(self, project: Project, request: pytest.FixtureRequest) -> Project:
        Project.objects.update(champion_version=request.param, safe_default="")
        return project

    def test_gets_no_answer_and_says_why(self, unclear: Project) -> None:
        with pytest.raises(serving.NothingToServe, match=r"names .* as what serves, but its champion is v1"):
            ask(unclear, SPAM, keys=["a"])
        assert not Item.objects.filter(key="a").exists()

    def test_gets_the_safe_default_where_there_is_one(self, unclear: Project) -> None:
        Project.objects.update(safe_default="ham")
        assert ask(unclear, SPAM).model_version == "safe_default"

    def test_is_put_right_by_promoting_the_champion_again(self, unclear: Project) -> None:
        promote(ModelVersion.objects.get())
        assert ask(unclear, SPAM).model_version == "v1"
        assert AuditEvent.objects.get(action="release.repair").details["version"] == "v1"
        assert Release.objects.count() == 1

    def test_is_put_right_by_the_next_release(self, unclear: Project) -> None:
        promote(make_version(unclear))
        assert ask(unclear, SPAM).model_version == "v2"

    def test_without_any_version_says_so(self, artifact_home: Any) -> None:
        bare = make_numeric_project(champion_version="v99")
        with pytest.raises(serving.NothingToServe, match="names v99 as what serves, but its champion is no version"):
            ask(bare, SPAM)


class TestALargerSchema:
    def test_gives_a_label_that_the_model_does_not_know_no_probability(self, project: Project) -> None:
        labels = [{"value": "phishing"}, {"value": "spam"}, {"value": "ham"}]
        LabelSchema.objects.create(project=project, version=2, labels=labels, created_at=NOW)
        answered = ask(project, SPAM)
        assert (answered.model_version, answered.answers[0].label) == ("v1", "spam")
        assert answered.answers[0].scores["phishing"] == 0.0


class TestBadInput:
    def test_names_each_input_that_does_not_fit(self, project: Project) -> None:
        with pytest.raises(serving.BadRequest, match=r"Input 1: `x` is \"12,50\"") as why:
            ask(project, SPAM, {"x": "12,50", "y": 0}, {"y": 0})
        assert [error["index"] for error in why.value.errors] == [1, 2]
        assert not Prediction.objects.filter(source=Source.SERVED).exists()

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            (["a"], "There are 2 inputs and 1 keys"),
            (["a", "a"], "Each key of a request stands for one input"),
            (["a", ""], "Key 1 takes a text of 1 to 200"),
            (["a", "b\n"], "Key 1 takes a text of 1 to 200"),
        ],
    )
    def test_says_what_is_wrong_with_the_keys(self, project: Project, keys: list[str], words: str) -> None:
        with pytest.raises(serving.BadRequest, match=words):
            ask(project, SPAM, HAM, keys=keys)


def test_a_failed_version_is_tried_again_after_a_while(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version = ModelVersion.objects.get()
    data = artifacts.path_of(version.artifact_sha256).read_bytes()
    spoil(version)
    assert ask(project, SPAM).degraded
    artifacts.path_of(version.artifact_sha256).write_bytes(data)
    assert ask(project, SPAM).degraded
    monkeypatch.setattr(model_cache, "RETRY_SECONDS", 0.0)
    assert not ask(project, SPAM).degraded


class TestTheCost:
    """Of a request with images: each is decoded once, and everything is kept in one write transaction."""

    @pytest.mark.django_db(transaction=True)
    def test_is_one_decoding_and_one_transaction(self, artifact_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        project = make_project("scans", labels=("ham", "spam"), inputs={"scan": {"type": "image"}}, safe_default="ham")
        before = make_item(project, "before", inputs={"scan": None})
        shades = {"before": 10, "new": 200}
        pictures = [{"scan": make_png(shade)} for shade in shades.values()]
        [stored, _] = validate_inputs(project, pictures)[0]
        Item.objects.filter(pk=before.pk).update(inputs=stored.stored)
        monkeypatch.setattr(registry, "live", lambda project: ModelVersion(number=1, project=project))
        monkeypatch.setattr(registry, "version_by_tag", lambda project, tag: ModelVersion(number=1, project=project))
        monkeypatch.setattr(registry, "out_of_sample", lambda version, ids: np.ones(len(ids), dtype=bool))
        monkeypatch.setattr(serving.loaded_versions, "get", lambda version: Brightness())
        decoded = Mock(side_effect=images._grey)
        monkeypatch.setattr(images, "_grey", decoded)

        with CaptureQueriesContext(connection) as queries:
            answered = serving.predict(project, inputs=pictures, keys=list(shades), at=timezone.now())

        assert [round(one.scores["spam"] * 255) for one in answered.answers] == list(shades.values())
        assert decoded.call_count == 2
        assert sum(query["sql"].startswith("BEGIN") for query in queries) == 1
        assert Prediction.objects.filter(source=Source.SERVED).count() == Item.objects.count() == 2
        assert project.media.count() == 1


class Brightness:
    """A loaded version: the brighter the picture, the more probably spam."""

    classes = ("ham", "spam")

    def score(self, project: Project, rows: Any, decoded: Any) -> Any:
        columns = media.columns(project, rows, {"scan": "image"}, decoded)
        spam = np.array([picture.mean() / 255 for picture in columns["scan"]])
        return np.column_stack([1 - spam, spam])


def make_png(shade: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.full((4, 4), shade, dtype=np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
