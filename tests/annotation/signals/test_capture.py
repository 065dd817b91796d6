"""Signals: each kept once under the caller's id, joined with its item, and refused alone where it does not fit."""

import pytest

from annotation import capture
from annotation.batches import Refusal
from annotation.models import Item, Signal
from annotation.signals import capture as signals
from annotation.signals import joining
from projects.models import Project
from tests.factories import NOW, make_item, make_project

pytestmark = pytest.mark.django_db
PREDICTION = {"key": "a", "inputs": {"text": "hello"}, "scores": {"ham": 0.7, "spam": 0.3}}


def signal(**changes: object) -> dict[str, object]:
    return {"id": "s1", "key": "a", "kind": "thumbs_down", **changes}


def capture_one(project: Project, **changes: object) -> signals.CapturedSignals:
    return signals.capture_signals(project, [signal(**changes)], at=NOW)


class TestASignal:
    def test_joins_its_prediction(self) -> None:
        project = make_project()
        capture.capture_rows(project, [PREDICTION], at=NOW)
        captured = capture_one(project)
        assert (captured.created, captured.waiting) == (1, 0)
        assert Signal.objects.get().item == Item.objects.get()

    def test_that_comes_first_waits_which_is_distinguished_from_created(self) -> None:
        project = make_project()
        captured = capture_one(project)
        assert (captured.created, captured.waiting) == (0, 1)
        capture.capture_rows(project, [PREDICTION], at=NOW)
        assert Signal.objects.get().item == Item.objects.get()

    def test_counts_in_one_place_only(self) -> None:
        project = make_project()
        make_item(project, "here")
        capture_one(project, id="old")
        rows = [
            signal(id="old"),
            signal(id="new", key="here"),
            signal(id="early", key="not here"),
            signal(id="bad", kind="applause"),
            signal(id="old", kind="click"),
        ]
        captured = signals.capture_signals(project, rows, at=NOW)
        parts = (captured.created, captured.waiting, captured.existing, len(captured.refused))
        assert parts == (1, 1, 1, 2)
        assert sum(parts) == len(rows)

    def test_is_kept_once_with_its_first_body(self) -> None:
        project = make_project()
        capture_one(project)
        again = signals.capture_signals(project, [signal(), signal(id="s2")], at=NOW)
        other = capture_one(project, kind="thumbs_up")
        assert (again.waiting, again.existing) == (1, 1)
        assert "captured before with another body" in other.refused[0].error
        assert Signal.objects.get(key="s1").kind == "thumbs_down"

    def test_of_another_project_never_joins(self) -> None:
        make_item(make_project(), "a")
        assert capture_one(make_project()).waiting == 1
        assert joining.join_all() == 0

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"kind": "applause"}, "`kind` is 'applause'; it takes thumbs_up"),
            (
                {"kind": ["thumbs_up"]},
                "`kind` takes the name of a signal kind, such as thumbs_down; it is ['thumbs_up'].",
            ),
            ({"kind": "correction"}, "A correction needs `value`: No label is given; the labels are ham, spam."),
            ({"kind": "correction", "value": "eggs"}, '"eggs" is not one of the labels'),
            ({"value": float("nan")}, "without NaN"),
            ({"key": None}, "`key` takes the key of the prediction, which may come later; it is None."),
            ({"extra": 1}, "Unknown field `extra`"),
        ],
    )
    def test_that_does_not_fit_is_refused_alone(self, changes: dict[str, object], sentence: str) -> None:
        kept = signals.capture_signals(make_project(), [signal(**changes), signal(id="s2")], at=NOW)
        assert kept.waiting == 1
        assert sentence in kept.refused[0].error

    def test_for_which_anything_is_raised_is_refused_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        validate = signals._validate

        def fail_for_the_bad_one(index: int, *given: object) -> object:
            if index == 1:
                raise ZeroDivisionError("by nobody's fault")
            return validate(index, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(signals, "_validate", fail_for_the_bad_one)

        captured = signals.capture_signals(make_project(), [signal(id=f"s{i}") for i in range(3)], at=NOW)

        assert captured.waiting == 2
        why = "This row could not be kept (ZeroDivisionError); the server's log says why."
        assert captured.refused == (Refusal(1, "s1", why),)
