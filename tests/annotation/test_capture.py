"""Capture: one answer per row, good rows kept, the caller's key decides."""

import base64
import io
import math
from types import ModuleType
from unittest.mock import Mock

import numpy as np
import pytest
from django.db import OperationalError
from PIL import Image

from annotation import capture, media
from annotation.batches import Refusal, former_body_hash
from annotation.capture import rows, storage
from annotation.models import Item, Prediction, Resolution, Source
from inputs import images
from projects.models import InputContract, Project
from tests.factories import NOW, make_item, make_project
from tests.pictures import broken_profile, encoded, many_pictures

pytestmark = pytest.mark.django_db


def row(key: str = "a", **changes: object) -> dict[str, object]:
    return {"key": key, "inputs": {"text": "hello"}, "scores": {"ham": 0.7, "spam": 0.3}, **changes}


def errors(project: object, *rows: object) -> list[str]:
    return [refusal.error for refusal in capture.capture_rows(project, rows, at=NOW).refused]  # type: ignore[arg-type]


class TestGoodRows:
    def test_store_item_and_prediction_with_confidence_margin_and_entropy(self) -> None:
        project = make_project()

        captured = capture.capture_rows(project, [row(model_version="m1", segment={"channel": "app"})], at=NOW)

        prediction = Prediction.objects.select_related("item").get()
        assert (captured.created, captured.existing, captured.refused) == (1, 0, ())
        assert prediction.item.inputs == {"text": "hello"}
        assert prediction.item.segment == {"channel": "app"}
        assert (prediction.label, prediction.model_version, prediction.source) == ("ham", "m1", Source.CAPTURED)
        assert prediction.confidence == pytest.approx(0.7)
        assert prediction.margin == pytest.approx(0.4)
        assert prediction.entropy == pytest.approx(-0.7 * math.log(0.7) - 0.3 * math.log(0.3))

    def test_scores_load_into_one_array_in_the_order_of_the_labels(self) -> None:
        project = make_project()
        capture.capture_rows(project, [row("a"), row("b", scores={"spam": 1.0})], at=NOW)

        stored = b"".join(Prediction.objects.order_by("pk").values_list("scores", flat=True))

        assert np.frombuffer(stored, dtype="<f4").reshape(-1, 2) == pytest.approx(np.array([[0.7, 0.3], [0.0, 1.0]]))

    def test_may_come_without_scores(self) -> None:
        project = make_project()
        assert capture.capture_rows(project, [{"key": "a", "inputs": {"text": "x"}}], at=NOW).created == 1
        assert Prediction.objects.get().scores is None

    def test_a_known_label_becomes_a_resolution(self) -> None:
        project = make_project()
        capture.capture_rows(project, [row(label_known="spam")], at=NOW)
        resolution = Resolution.objects.get()
        assert (resolution.value, resolution.method, resolution.evaluation) == ("spam", "known", False)

    def test_keep_the_callers_time(self) -> None:
        project = make_project()
        capture.capture_rows(project, [row(at="2026-01-02T03:04:05+01:00")], at=NOW)
        assert Item.objects.get().at.isoformat() == "2026-01-02T02:04:05+00:00"

    @pytest.mark.simulation
    def test_ten_thousand_rows_are_one_batch(self) -> None:
        project = make_project()
        captured = capture.capture_rows(project, [row(f"k{i}") for i in range(10_000)], at=NOW)
        assert captured.created == Item.objects.count() == Prediction.objects.count() == 10_000


class TestScoresThatWereRounded:
    """Rounded scores sum to a little more or less than 1; the row is taken, divided by its sum, and that is said."""

    def test_of_one_row_never_cost_the_rows_beside_it(self) -> None:
        project = make_project(labels=("a", "b", "c"))
        good = [row(f"ok{i}", scores={"a": 0.5, "b": 0.25, "c": 0.25}) for i in range(5)]
        odd = row("odd", scores={"a": 0.021, "b": 0.869, "c": 0.111})

        captured = capture.capture_rows(project, [*good, odd], at=NOW)

        assert (captured.created, captured.refused, captured.renormalised) == (6, (), 1)
        stored = Prediction.objects.get(item__key="odd")
        assert np.frombuffer(stored.scores, dtype="<f4").sum() == pytest.approx(1, abs=1e-6)
        assert (stored.label, stored.confidence) == ("b", pytest.approx(0.869 / 1.001))

    @pytest.mark.parametrize("classes", [2, 3, 10, 77, 300])
    def test_to_three_decimals_are_taken_for_any_number_of_classes(self, classes: int) -> None:
        labels = [f"label {i}" for i in range(classes)]
        scores = np.random.default_rng(classes).dirichlet(np.ones(classes), 50).round(3).tolist()
        rows = [row(f"r{i}", scores=dict(zip(labels, one, strict=True))) for i, one in enumerate(scores)]

        captured = capture.capture_rows(make_project(labels=labels), rows, at=NOW)

        assert (captured.created, captured.refused) == (50, ())
        assert captured.renormalised == sum(abs(sum(one) - 1) > 1e-6 for one in scores)

    def test_are_existing_when_they_are_sent_again(self) -> None:
        project, odd = make_project(), row(scores={"ham": 0.7, "spam": 0.301})
        capture.capture_rows(project, [odd], at=NOW)
        again = capture.capture_rows(project, [odd], at=NOW)
        assert (again.created, again.existing, again.renormalised) == (0, 1, 0)


class TestAFailureOfALaterStage:
    """Whatever is raised for one row becomes the refusal of that row; the others are kept."""

    @pytest.mark.parametrize(
        ("module", "stage"),
        [
            (rows, "to_struct"),
            (rows, "uncertainty_numbers"),
            (storage, "_insert_items"),
            (storage, "_insert_predictions"),
        ],
    )
    def test_refuses_the_row_it_was_raised_for_and_keeps_the_others(
        self, monkeypatch: pytest.MonkeyPatch, module: ModuleType, stage: str
    ) -> None:
        work = getattr(module, stage)

        def fail_for_the_bad_one(*given: object, **named: object) -> object:
            if "'bad'" in str(given) or (stage == "uncertainty_numbers" and (np.asarray(given[0]) == 0.123).any()):
                raise ZeroDivisionError("by nobody's fault")
            return work(*given, **named)

        monkeypatch.setattr(module, stage, fail_for_the_bad_one)
        given = [row(f"good{i}") for i in range(9)]
        given.insert(4, row("bad", scores={"ham": 0.123, "spam": 0.877}))

        captured = capture.capture_rows(make_project(), given, at=NOW)

        assert captured.created == Item.objects.count() == Prediction.objects.count() == 9
        assert captured.refused == (
            Refusal(4, "bad", "This row could not be kept (ZeroDivisionError); the server's log says why."),
        )

    def test_that_says_the_database_is_away_fails_the_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*given: object, **named: object) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(storage, "find_by_keys", away)
        with pytest.raises(OperationalError):
            capture.capture_rows(make_project(), [row("a"), row("b")], at=NOW)


class TestTheSameKey:
    def test_and_the_same_body_is_existing_whatever_the_order_of_its_fields(self) -> None:
        project = make_project()
        first = row()
        capture.capture_rows(project, [first], at=NOW)

        again = capture.capture_rows(project, [dict(reversed(first.items()))], at=NOW)

        assert (again.created, again.existing, again.refused) == (0, 1, ())
        assert Prediction.objects.count() == 1

    def test_and_the_same_body_is_existing_where_a_former_version_stored_its_hash(self) -> None:
        project = make_project()
        capture.capture_rows(project, [row(inputs={"text": "naïve"})], at=NOW)
        Item.objects.update(body_hash=former_body_hash(row(inputs={"text": "naïve"})))

        again = capture.capture_rows(project, [row(inputs={"text": "naïve"})], at=NOW)

        assert (again.created, again.existing, again.refused) == (0, 1, ())

    def test_with_another_body_is_refused_and_the_first_is_kept(self) -> None:
        project = make_project()
        capture.capture_rows(project, [row()], at=NOW)

        again = capture.capture_rows(project, [row(inputs={"text": "other"}), row("b")], at=NOW)

        assert (again.created, again.existing) == (1, 0)
        assert again.refused == (
            Refusal(0, "a", "Key a was captured before with another body; the first is kept.", "key"),
        )
        assert Item.objects.get(key="a").inputs == {"text": "hello"}

    def test_twice_in_one_batch_with_two_bodies_keeps_the_first(self) -> None:
        project = make_project()
        captured = capture.capture_rows(project, [row(), row(inputs={"text": "other"})], at=NOW)
        assert captured.created == 1
        assert "twice with different bodies" in captured.refused[0].error

    def test_twice_in_one_batch_with_one_body_is_one_item(self) -> None:
        assert capture.capture_rows(make_project(), [row(), row()], at=NOW).refused == ()
        assert Item.objects.count() == 1

    def test_of_another_project_is_another_item(self) -> None:
        for project in (make_project(), make_project()):
            assert capture.capture_rows(project, [row()], at=NOW).created == 1


class TestBadRows:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"scores": {"ham": 0.7, "spam": 0.5}}, "The scores sum to 1.2000, 0.2000 more than 1."),
            ({"scores": {"ham": 0.7}}, "The scores sum to 0.7000, 0.3000 less than 1."),
            ({"scores": {"ham": float("nan"), "spam": 1}}, "The score of 'ham' is nan; a finite number from 0 to 1"),
            ({"scores": {"ham": 10**400, "spam": 0}}, "a finite number from 0 to 1 is expected."),
            ({"scores": {"ham": -0.1, "spam": 1.1}}, "The score of 'ham' is -0.1; a number from 0 to 1 is expected."),
            ({"scores": {"eggs": 1}}, "`scores` has 'eggs'; the labels are ham, spam."),
            ({"scores": [0.5, 0.5]}, "`scores` takes an object of labels with their probabilities"),
            ({"label": "eggs"}, "`label` is 'eggs'; the labels are ham, spam."),
            ({"label_known": "eggs"}, "`label_known` is 'eggs'; the labels are ham, spam."),
            ({"inputs": {"text": 5}}, "`text` is 5; a text is expected."),
            ({"inputs": {}}, "`text` is missing."),
            ({"inputs": {"text": "a", "more": 1}}, "`more` is not in the input contract, which has text."),
            ({"inputs": {"text": "a\x00b"}}, "holds a NUL"),
            ({"inputs": {"text": "\ud800"}}, "half a surrogate pair"),
            ({"at": "yesterday"}, "`at` is 'yesterday'; a time such as 2026-11-23T14:00:00Z is expected."),
            ({"at": "2026-01-02T03:04:05"}, "a time such as"),
            ({"at": "2026-13-45T00:00:00Z"}, "a time such as"),
            (
                {"segment": {"a": float("nan")}},
                "`segment` takes names with texts or numbers of at most 200 characters; 'a' is nan.",
            ),
            ({"segment": {"a": {"b": 1}}}, "'a' is {'b': 1}."),
            ({"model_version": "x" * 81}, "`model_version` takes a text of 1 to 80 printable characters; it is"),
            ({"key": ""}, "`key` takes your own id of the sample, a text of 1 to 200 printable characters; it is ''."),
            ({"surprise": 1}, "Unknown field `surprise`"),
        ],
    )
    def test_are_refused_with_one_clear_sentence_and_the_others_kept(
        self, changes: dict[str, object], sentence: str
    ) -> None:
        project = make_project()

        captured = capture.capture_rows(project, [row("good"), {**row("bad"), **changes}], at=NOW)

        assert captured.created == 1
        assert [refusal.index for refusal in captured.refused] == [1]
        assert sentence in captured.refused[0].error

    def test_that_are_no_objects_are_refused(self) -> None:
        assert errors(make_project(), 3, None, [], "x") == ["A row is one JSON object."] * 4

    def test_numbers_are_held_to_their_range(self) -> None:
        project = make_project(inputs={"amount": {"type": "number", "min": 0}})
        assert errors(project, row(inputs={"amount": -1})) == ["`amount` is -1; it is at least 0."]
        assert errors(project, row(inputs={"amount": "12,50"})) == [
            '`amount` is "12,50"; a number with a point is expected.'
        ]
        assert errors(project, row(inputs={"amount": True})) == ["`amount` is True; a number with a point is expected."]


def png(width: int = 3, height: int = 2) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(width * height, dtype=np.uint8).reshape(height, width)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


class TestImages:
    def test_are_stored_once_under_their_hash_and_read_back(self) -> None:
        project = make_project(inputs={"scan": {"type": "image"}})
        rows = [{"key": key, "inputs": {"scan": f"data:image/png;base64,{png()}"}} for key in "ab"]

        capture.capture_rows(project, rows, at=NOW)

        stored = [item.inputs["scan"] for item in Item.objects.all()]
        assert stored[0] == stored[1]
        assert (stored[0]["width"], stored[0]["height"]) == (3, 2)
        assert media.pixels(project, stored[0]["media"]).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert project.media.count() == 1

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            (base64.b64encode(b"<svg onload=alert(1)>").decode(), "not a whole PNG"),
            (png()[: len(png()) // 2 // 4 * 4], "not a whole PNG"),
            ("not base64 at all!", "not base64"),
            (5, "base64 text"),
        ],
        ids=["svg", "truncated", "no base64", "number"],
    )
    def test_that_are_none_are_refused(self, given: object, why: str) -> None:
        project = make_project(inputs={"scan": {"type": "image"}})
        [error] = errors(project, {"key": "a", "inputs": {"scan": given}})
        assert error.startswith("`scan` is no image")
        assert why in error

    def test_of_too_many_pixels_are_refused_before_they_are_unpacked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "MOST_PIXELS", 5)
        project = make_project(inputs={"scan": {"type": "image"}})
        [error] = errors(project, {"key": "a", "inputs": {"scan": png()}})
        assert "3 × 2 pixels; at most 5" in error

    def test_that_no_decoder_can_read_cost_their_own_row_only(self) -> None:
        project = make_project(inputs={"scan": {"type": "image"}})
        scans = [png(), encoded(broken_profile()), encoded(many_pictures())]

        captured = capture.capture_rows(project, [scan_row(f"k{i}", scan) for i, scan in enumerate(scans)], at=NOW)

        assert (captured.created, [refusal.index for refusal in captured.refused]) == (2, [1])
        assert "not a whole PNG" in captured.refused[0].error
        assert project.media.get(width=64).content_type == "image/jpeg"

    def test_share_one_budget_of_pixels_in_a_request(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(images, "MOST_PIXELS_A_BODY", 20)
        decoded = Mock(side_effect=images._grey)
        monkeypatch.setattr(images, "_grey", decoded)
        project = make_project(inputs={"scan": {"type": "image"}})

        captured = capture.capture_rows(project, [scan_row(f"k{i}", png(4, 2)) for i in range(38)], at=NOW)

        assert (captured.created, len(captured.refused), decoded.call_count) == (2, 36, 2)
        assert "`scan` is no image: with its 4 × 2 pixels the images of this request have more than 20 together" in (
            captured.refused[0].error
        )
        assert capture.capture_rows(project, [scan_row("k37", png(4, 2))], at=NOW).created == 1


def scan_row(key: str, scan: str) -> dict[str, object]:
    return {"key": key, "inputs": {"scan": scan}}


class TestScoresOfAVersion:
    def test_are_recorded_once(self) -> None:
        project = make_project()
        items = [make_item(project) for _ in range(3)]
        for _ in range(2):
            capture.record_scores(
                project,
                item_ids=[item.pk for item in items],
                probabilities=np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]]),
                model_version="v2",
                schema_version=1,
                source=Source.RESCORED,
                out_of_sample=np.array([True, False, True]),
                at=NOW,
            )
        rows = Prediction.objects.order_by("item_id").values_list("label", "out_of_sample", "model_version")
        assert list(rows) == [("ham", True, "v2"), ("spam", False, "v2"), ("ham", True, "v2")]


@pytest.mark.django_db
def test_segments_that_a_project_lists_are_the_only_ones_and_without_a_list_any_is_taken() -> None:
    listed, free = make_project(), make_project()
    InputContract.objects.filter(project=listed).update(segments=["channel", "country"])
    batch = [
        {"key": "a", "inputs": {"text": "x"}, "segment": {"channel": "app"}},
        {"key": "b", "inputs": {"text": "x"}, "segment": {"channel": "app", "colour": "red"}},
    ]
    captured = capture.capture_rows(Project.objects.get(pk=listed.pk), batch, at=NOW)
    assert (captured.created, captured.refused[0].key) == (1, "b")
    assert captured.refused[0].error == "`segment` has 'colour'; the segments are channel, country."
    assert capture.capture_rows(free, batch, at=NOW).created == 2
