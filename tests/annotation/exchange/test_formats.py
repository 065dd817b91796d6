"""Every annotation tool's format: what is written is read back the same, and the keys of others come back too."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.exchange.base import ExchangeFormat
from annotation.exchange.registry import FORMATS
from annotation.exchange.rows import (
    ExchangeLabel,
    ExchangePrediction,
    ExchangeRow,
    ProjectShape,
    RefusedRecord,
    SideShape,
    UnusableFile,
)
from annotation.kinds.boxes.geometry import SIDES
from tests.annotation.exchange.shapes import INTENTS, SPANS, TEXTS, parse_all, parse_bytes, records_of, written

TASK: dict[str, Any] = {
    "id": 4711,
    "data": {"text": "Refund still missing after 9 days", "channel": "email", "order": {"lines": [1, 2]}},
    "meta": {"external_id": "pred-183", "queue": "thumbs_down"},
    "inner_id": 3,
    "predictions": [
        {
            "model_version": "intent-clf@17",
            "score": 41.5,
            "cluster": 2,
            "result": [
                {
                    "id": "p1",
                    "from_name": "intent",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": ["billing"]},
                }
            ],
        }
    ],
    "annotations": [
        {
            "id": 8,
            "completed_by": {"id": 12, "email": "ann@example.org"},
            "was_cancelled": False,
            "ground_truth": True,
            "lead_time": 3.8,
            "created_at": "2026-11-21T09:14:05Z",
            "result": [
                {
                    "id": "a1",
                    "from_name": "intent",
                    "to_name": "text",
                    "type": "choices",
                    "value": {"choices": ["refund"]},
                },
                {
                    "id": "a2",
                    "from_name": "ner",
                    "to_name": "text",
                    "type": "labels",
                    "value": {"start": 27, "end": 33},
                },
            ],
        },
        {"completed_by": 13, "was_cancelled": True, "ground_truth": False, "result": []},
    ],
}
FLAT: dict[str, Any] = {
    "id": "pred-183",
    "text": "Refund still missing",
    "channel": "email",
    "status": "pending",
    "embedding": [0.1, -0.4],
    "intent.suggestion": "billing",
    "intent.suggestion.score": 0.41,
    "intent.suggestion.agent": "intent-clf@17",
    "intent.responses": ["refund", "billing"],
    "intent.responses.users": ["2f0c", "9b1d"],
    "intent.responses.status": ["submitted", "discarded"],
    "quality.suggestion": 4,
}
LINE: dict[str, Any] = {"id": 7, "text": "Where is it?", "channel": "app", "label": ["billing"], "Comments": ["late"]}
FILES = {"label_studio": TASK, "argilla": FLAT, "doccano": LINE}
BOTH_WAYS = sorted(FILES)
FLAT_FORMATS = ("csv", "jsonl", "parquet")


def test_the_formats_are_those_of_the_package() -> None:
    assert set(BOTH_WAYS) | {*FLAT_FORMATS, "langfuse", "langsmith", "mlflow", "phoenix"} == set(FORMATS.names())


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_file_of_the_tool_comes_back_as_it_was(name: str) -> None:
    rows = parse_all(name, [FILES[name]])
    assert records_of(written(name, rows)) == [FILES[name]]


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_byte_order_mark_and_other_encodings_of_a_file_are_read(name: str) -> None:
    text = json.dumps(FILES[name])
    plain = parse_bytes(name, text.encode(), TEXTS)
    assert isinstance(plain[0], ExchangeRow)
    for data in (text.encode("utf-8-sig"), text.encode("utf-16"), f"[{text}]\n".encode(), f"\n{text}\r\n".encode()):
        assert parse_bytes(name, data, TEXTS) == plain


def test_a_task_gives_its_labels_and_what_versions_said() -> None:
    (row,) = parse_all("label_studio", [TASK])
    assert (row.key, row.inputs) == ("pred-183", {"text": TASK["data"]["text"], "channel": "email"})
    first, skipped = row.labels
    assert (first.value, first.annotator, first.gold, first.seconds) == ("refund", "ann@example.org", True, 3.8)
    assert (skipped.value, skipped.skipped, row.agreed) == (None, True, "refund")
    assert (row.predictions[0].value, row.predictions[0].model_version) == ("billing", "intent-clf@17")
    assert (row.predictions[0].score, row.predictions[0].scores) == (41.5, None)  # no probability: kept as it is


def test_an_argilla_record_gives_responses_and_its_nested_form_the_same() -> None:
    nested = {
        "id": "pred-183",
        "status": "pending",
        "fields": {"text": "Refund still missing"},
        "metadata": {"channel": "email"},
        "vectors": {"embedding": [0.1, -0.4]},
        "suggestions": {
            "intent": {"value": "billing", "score": 0.41, "agent": "intent-clf@17"},
            "quality": {"value": 4},
        },
        "responses": {
            "intent": [
                {"value": "refund", "user_id": "2f0c", "status": "submitted"},
                {"value": "billing", "user_id": "9b1d", "status": "discarded"},
            ]
        },
    }
    (flat,), (deep,) = parse_all("argilla", [FLAT]), parse_all("argilla", [nested])
    assert flat == deep
    assert [(label.value, label.annotator, label.skipped) for label in flat.labels] == [
        ("refund", "2f0c", False),
        ("billing", "9b1d", True),
    ]
    assert flat.agreed == "refund" and flat.predictions[0].value == "billing"


def test_a_plain_row_with_a_label_is_known() -> None:
    (row,) = parse_all("argilla", [{"text": "a", "label": "refund"}])
    assert (row.known, row.key[:7]) == ("refund", "sha256:")


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_a_record_without_a_key_has_the_same_one_every_time(name: str) -> None:
    record = {"data": {"text": "a"}} if name == "label_studio" else {"text": "a"}
    (row,) = parse_all(name, [record])
    (again,) = parse_bytes(name, written(name, [row]), TEXTS)
    assert isinstance(again, ExchangeRow) and row.key == again.key


@pytest.mark.parametrize(
    ("name", "record", "words"),
    [
        ("label_studio", {"data": {"body": "a"}}, r"none of the project's inputs \(text, channel\)"),
        ("label_studio", {"data": {"text": "a"}, "annotations": 3}, "annotations is 3; a list is expected"),
        (
            "label_studio",
            {
                "data": {"text": "a"},
                "annotations": [{"result": [{"type": "choices", "value": {"choices": ["x", "y"]}}]}],
            },
            "holds 2 choices; this project takes one",
        ),
        ("argilla", {"fields": {}}, "none of the project's inputs"),
        ("argilla", {"text": "a", "q.responses": ["b"], "q.responses.users": []}, None),
        ("argilla", {"text": "a", "q.responses": ["b"], "q.responses.users": ["u", "v"]}, "2 entries for 1 responses"),
        ("doccano", {"text": 3}, "`text` is 3; a text is expected"),
        ("doccano", {"text": "a", "label": ["x", "y"]}, "has 2 labels; this project takes one"),
        ("doccano", {"text": "a", "label": []}, None),
    ],
)
def test_a_record_of_another_shape_is_refused_in_words(name: str, record: Any, words: str | None) -> None:
    found = parse_all(name, [{"text": "ok", "data": {"text": "ok"}}, record])
    assert isinstance(found[0], ExchangeRow)
    if words is None:
        assert isinstance(found[1], ExchangeRow)
    else:
        assert isinstance(found[1], RefusedRecord) and found[1].number == 2
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(found[1].error)


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_of_two_records_with_one_key_the_second_is_refused(name: str) -> None:
    row = {"id": "k", "text": "a", "data": {"text": "a"}}
    first, second = parse_all(name, [row, row])
    assert first.key == "k" and "stands in this file twice" in second.error


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "The file is empty"),
        (b'[{"text": "a"}, {"text": "b"', "Record 2 of the file is not whole JSON"),
        (b'[{"text": "a"}, ', "breaks off after record 1"),
        (b'[{"text": "a"}, 3]', "Record 2 of the file is no JSON object"),
        (b"text,label\n", "Record 1 of the file is no JSON object"),
        (b'{"text": "\xff"}', "not UTF-8"),
        (b'{"a": ' * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_the_record(data: bytes, words: str) -> None:
    with pytest.raises(UnusableFile, match=words):
        parse_bytes("doccano", data, TEXTS)


def test_records_are_read_one_at_a_time_also_where_one_is_large() -> None:
    large = {"text": "x" * 500_000, "id": 1}
    data = json.dumps([large, {"text": "b", "id": 2}]).encode()
    assert [row.key for row in parse_bytes("doccano", data, TEXTS) if isinstance(row, ExchangeRow)] == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "kind"), [("label_studio", "interval"), ("doccano", "boxes"), ("doccano", "ranking"), ("doccano", "pair")]
)
def test_a_kind_that_the_tool_cannot_hold_is_refused_in_words(name: str, kind: str) -> None:
    shape = ProjectShape(kind, [], {"text": "text"})
    with pytest.raises(UnusableFile, match=f"cannot carry values of kind {kind}"):
        parse_all(name, [{"text": "a", "data": {"text": "a"}}], shape)


words = st.text(alphabet='aé \U0001f600日\n"\\', min_size=1, max_size=12)
labels = st.sampled_from(["refund", "billing"])
answers = st.builds(ExchangeLabel, value=labels, annotator=st.sampled_from(["", "ann", "bob"]), skipped=st.booleans())


LETTERS = st.text(alphabet="a\U0001f600é日", min_size=12, max_size=16)


def values_of(kind: str) -> st.SearchStrategy[Any]:
    """Values of a kind about a text of at least 12 characters."""
    names = st.sampled_from(["refund", "billing"])
    ends = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda pair: {"start": pair[0], "end": sum(pair)})
    sides = st.fixed_dictionaries({name: st.integers(1, 500_000).map(lambda n: n / 10**6) for name in SIDES})
    spans = st.lists(st.builds(lambda span, label: {**span, "label": label}, ends, names), max_size=3)
    return {
        "choices": st.lists(names, unique=True).map(sorted),
        "rating": st.integers(0, 10),
        "text": st.text(alphabet='aé \U0001f600日\n"\\,', min_size=1, max_size=12).map(lambda text: f"x{text}x"),
        "spans": spans,
        "pair": st.sampled_from(["a", "b", "tie", "neither"]),
        "boxes": st.lists(st.builds(lambda box, label: {**box, "label": label}, sides, names), max_size=3),
        "ranking": st.lists(st.text(alphabet='aé \U0001f600"\\,', min_size=1, max_size=5), min_size=1, unique=True),
    }[kind]


ALL_KINDS = ("choices", "rating", "text", "spans", "pair", "ranking", "boxes")
KIND_VALUES: dict[str, tuple[str, ...]] = dict.fromkeys(("label_studio", "argilla", *FLAT_FORMATS), ALL_KINDS)
KIND_VALUES["doccano"] = ("choices", "text", "spans")


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in KIND_VALUES.items() for kind in kinds])
@given(data=st.data(), text=LETTERS)
@settings(max_examples=15, deadline=None)
def test_values_of_every_kind_are_read_back_the_same(name: str, kind: str, data: st.DataObject, text: str) -> None:
    shape, value = ProjectShape(kind, INTENTS, {"text": "text"}), data.draw(values_of(kind))
    if name == "doccano" and value == []:
        return  # it writes the same for what nobody has labelled
    people = (ExchangeLabel(value=value, annotator="ann"), ExchangeLabel(skipped=True, annotator="bob"))
    said = (ExchangePrediction(value=value, model_version="v1"),)
    row = ExchangeRow("k", {"text": text}, known=value)
    if name != "doccano":
        row = replace(row, known=None, labels=people, predictions=said)
    (again,) = parse_bytes(name, written(name, [row], shape), shape)
    assert isinstance(again, ExchangeRow) and again.agreed == value
    assert _bare(again) == row


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("name", ["label_studio", *FLAT_FORMATS])
@given(data=st.data(), text=LETTERS)
@settings(max_examples=10, deadline=None)
def test_side_answers_of_every_kind_are_read_back_the_same(
    name: str, kind: str, data: st.DataObject, text: str
) -> None:
    beside = [SideShape("first", kind, INTENTS, shown="text"), SideShape("second", "choices", INTENTS)]
    shape = ProjectShape("choices", INTENTS, {"text": "text"}, also=beside)
    said = {"first": data.draw(values_of(kind)), "second": data.draw(values_of("choices"))}
    people = (ExchangeLabel(value=["refund"], annotator="ann", also=said), ExchangeLabel(value=["refund"]))
    row = ExchangeRow("k", {"text": text}, labels=people, also={} if name == "label_studio" else said)

    (again,) = parse_bytes(name, written(name, [row], shape), shape)

    assert _bare(again) == row
    assert again.agreed_beside == said  # type: ignore[union-attr]


def _rows(carried: ExchangeFormat) -> st.SearchStrategy[list[ExchangeRow]]:
    """Rows of what the format can carry."""
    both = carried.name != "doccano"
    said = st.builds(ExchangePrediction, value=labels, model_version=st.sampled_from(["v1", "v2"]), score=st.just(0.5))
    versions = st.lists(said, max_size=2 if carried.name == "label_studio" else 1) if both else st.just([])
    row = st.builds(
        ExchangeRow,
        key=st.uuids().map(str),
        inputs=st.fixed_dictionaries({"text": words}, optional={"channel": words}),
        labels=st.lists(answers, max_size=3).map(tuple) if both else st.just(()),
        predictions=versions.map(tuple),
        known=st.none() if both else st.none() | labels,
    )
    return st.lists(row, min_size=1, max_size=4)


@pytest.mark.parametrize("name", BOTH_WAYS)
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_the_same(name: str, data: st.DataObject) -> None:
    rows = data.draw(_rows(FORMATS[name]))
    again = parse_bytes(name, written(name, rows), TEXTS)
    assert [_bare(row) for row in again] == rows


def _bare(row: ExchangeRow | RefusedRecord) -> Any:
    """The row without the names that Label Studio needs beside a value."""
    assert isinstance(row, ExchangeRow), row
    extras = [row.extra, *(label.extra for label in row.labels), *(given.extra for given in row.predictions)]
    assert all(set(extra) <= {"names", "completed_by", "data", "meta"} for extra in extras)
    plain = {"labels": tuple(_without_extra(label) for label in row.labels)}
    said = {"predictions": tuple(_without_extra(given) for given in row.predictions)}
    return type(row)(**{**row.__dict__, **plain, **said, "extra": {}})


def _without_extra(part: Any) -> Any:
    return type(part)(**{**part.__dict__, "extra": {}})


span = st.tuples(st.integers(0, 8), st.integers(1, 4)).map(lambda ends: (ends[0], ends[0] + ends[1]))


@pytest.mark.parametrize("name", ["label_studio", "doccano"])
@given(text=st.text(alphabet="a\U0001f600é日", min_size=12, max_size=16), ends=st.lists(span, min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_spans_are_code_points_there_and_back(name: str, text: str, ends: list[tuple[int, int]]) -> None:
    value = [{"start": start, "end": end, "label": "DURATION"} for start, end in ends]
    (row,) = parse_bytes(name, written(name, [ExchangeRow("k", {"text": text}, known=value)], SPANS), SPANS)
    assert isinstance(row, ExchangeRow) and row.agreed == value


def test_spans_that_an_older_version_counted_in_utf_16_are_recognised_by_their_words() -> None:
    value = {"start": 3, "end": 7, "text": "late", "labels": ["DURATION"]}
    task = {
        "id": 1,
        "data": {"text": "\U0001f600 late"},
        "annotations": [{"result": [{"type": "labels", "value": value}]}],
    }
    (row,) = parse_all("label_studio", [task], SPANS)
    assert row.labels[0].value == [{"start": 2, "end": 6, "label": "DURATION"}]


def test_doccano_s_entities_are_spans() -> None:
    line = {
        "id": 1,
        "text": "nine days",
        "entities": [{"id": 2, "label": "DURATION", "start_offset": 0, "end_offset": 4}],
    }
    (row,) = parse_all("doccano", [line], SPANS)
    assert row.known == [{"start": 0, "end": 4, "label": "DURATION"}]
