"""Traces of LLM products: a conversation as input, people's feedback as signals, each judge as a version of its own."""

import json
from typing import Any

import pytest

from annotation.exchange.chat_messages import trace_turns
from annotation.exchange.rows import ExchangeRow, ExchangeSignal, ProjectShape, RefusedRecord
from inputs.contract import check_inputs
from inputs.images import PixelBudget
from tests.annotation.exchange.shapes import CHATS, TEXTS, parse_all

ASKED = {"role": "user", "content": "Rain in Oslo?"}
REPLIED = {"role": "assistant", "content": "Yes, 4 mm."}
LANGFUSE = {
    "id": "t1",
    "timestamp": "2026-11-20T10:00:00Z",
    "input": {"messages": [ASKED]},
    "output": REPLIED,
    "metadata": {"model": "m-7"},
    "scores": [
        {
            "id": "s1",
            "name": "user-feedback",
            "source": "API",
            "dataType": "BOOLEAN",
            "value": 0,
            "stringValue": "False",
        },
        {"id": "s2", "name": "helpful", "source": "EVAL", "dataType": "NUMERIC", "value": 0.25, "comment": "Too short"},
        {
            "id": "s3",
            "name": "quality",
            "source": "ANNOTATION",
            "dataType": "CATEGORICAL",
            "stringValue": "bad",
            "value": 1,
        },
        {"id": "s4", "name": "tone", "source": "EVAL", "dataType": "NUMERIC", "value": 7},
        {"id": "s5", "name": "output", "source": "ANNOTATION", "dataType": "CORRECTION", "stringValue": "No rain"},
    ],
}
LANGSMITH = {
    "id": "r1",
    "start_time": "2026-11-20T10:00:00Z",
    "run_type": "chain",
    "inputs": {
        "messages": [[{"lc": 1, "id": ["langchain", "schema", "HumanMessage"], "kwargs": {"content": "Rain in Oslo?"}}]]
    },
    "outputs": {"generations": [[{"text": "Yes, 4 mm.", "message": REPLIED}]]},
    "extra": {"metadata": {"model": "m-7"}},
    "feedback": [
        {
            "id": "f1",
            "key": "thumb",
            "score": 1,
            "comment": "nice",
            "feedback_source": {"type": "app", "user_id": "u1"},
        },
        {"id": "f2", "key": "correctness", "score": 0.9, "feedback_source": {"type": "model"}},
        {"id": "f3", "key": "answer", "correction": {"label": "bad"}, "feedback_source": {"type": "api"}},
    ],
}
MLFLOW = {
    "info": {
        "trace_id": "tr-1",
        "request_time": 1795000000000,
        "tags": {"model": "m-7"},
        "assessments": [
            {
                "assessment_id": "a1",
                "assessment_name": "ok",
                "source": {"source_type": "HUMAN", "source_id": "ann"},
                "feedback": {"value": True},
                "rationale": "right",
            },
            {"assessment_name": "judge", "source": {"source_type": "LLM_JUDGE"}, "feedback": {"value": "bad"}},
            {"assessment_name": "truth", "source": {"source_type": "HUMAN"}, "expectation": {"value": "good"}},
            {"assessment_name": "old", "valid": False, "feedback": {"value": True}},
        ],
    },
    "data": {
        "spans": [
            {"parent_id": "x", "attributes": {"mlflow.spanInputs": '"inner"'}},
            {
                "parent_id": None,
                "attributes": {
                    "mlflow.spanInputs": json.dumps({"messages": [ASKED]}),
                    "mlflow.spanOutputs": json.dumps({"choices": [{"message": REPLIED}]}),
                },
            },
        ]
    },
}
PHOENIX = {
    "context": {"span_id": "67f6", "trace_id": "aa"},
    "start_time": "2026-11-20T10:00:00Z",
    "attributes": {
        "llm.model_name": "m-7",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "Rain in Oslo?",
        "llm.output_messages": [{"message": REPLIED}],
    },
    "annotations": [
        {"name": "quality", "annotator_kind": "HUMAN", "identifier": "u1", "result": {"label": "bad", "score": 0}},
        {
            "name": "judge",
            "annotator_kind": "LLM",
            "result": {"label": "correct", "score": 1, "explanation": "as asked"},
        },
        {"name": "note", "annotator_kind": "HUMAN", "result": {"explanation": "Too terse"}},
    ],
}
TRACES: dict[str, Any] = {"langfuse": LANGFUSE, "langsmith": LANGSMITH, "mlflow": MLFLOW, "phoenix": PHOENIX}


def _row(name: str) -> ExchangeRow:
    (row,) = parse_all(name, [TRACES[name]], CHATS)
    assert isinstance(row, ExchangeRow), row
    return row


@pytest.mark.parametrize("name", sorted(TRACES))
def test_a_trace_is_a_conversation_that_a_contract_takes(name: str) -> None:
    row = _row(name)
    assert row.inputs == {"chat": [ASKED, REPLIED], "model": "m-7"}
    contract: dict[str, Any] = {"chat": {"type": "conversation"}, "model": {"type": "category"}}
    assert check_inputs(dict(row.inputs), contract, PixelBudget(0))[0] == row.inputs
    assert row.at is not None and row.at.startswith("2026-11-")


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        (
            "langfuse",
            "t1",
            [
                ("langfuse:s1", "thumbs_down", None),
                ("langfuse:s3", "correction", "bad"),
                ("langfuse:s5:comment", "comment", "output: No rain"),
            ],
        ),
        (
            "langsmith",
            "r1",
            [
                ("langsmith:f1", "thumbs_up", None),
                ("langsmith:f1:comment", "comment", "nice"),
                ("langsmith:f3", "correction", "bad"),
            ],
        ),
        (
            "mlflow",
            "tr-1",
            [
                ("mlflow:a1", "thumbs_up", None),
                ("mlflow:a1:comment", "comment", "right"),
                ("mlflow:tr-1:truth", "correction", "good"),
            ],
        ),
        (
            "phoenix",
            "67f6",
            [("phoenix:67f6:quality:u1", "correction", "bad"), ("phoenix:67f6:note::comment", "comment", "Too terse")],
        ),
    ],
)
def test_what_people_said_becomes_signals(name: str, key: str, said: list[tuple[str, str, Any]]) -> None:
    row = _row(name)
    assert row.key == key
    assert [(signal.id, signal.kind, signal.value) for signal in row.signals] == said


@pytest.mark.parametrize(
    ("name", "version", "value", "scores"),
    [
        ("langfuse", "helpful", "bad", {"good": 0.25, "bad": 0.75}),
        ("langsmith", "correctness", "good", {"good": 0.9, "bad": pytest.approx(0.1)}),
        ("mlflow", "judge", "bad", None),
        ("phoenix", "judge", "good", {"good": 1.0, "bad": 0.0}),
    ],
)
def test_a_judge_s_verdict_is_the_answer_of_a_version(name: str, version: str, value: str, scores: Any) -> None:
    (said,) = _row(name).predictions
    assert (said.model_version, said.value, said.scores) == (version, value, scores)


def test_a_number_that_no_label_stands_for_is_kept_beside_and_is_no_verdict() -> None:
    assert _row("langfuse").extra == {"unread": [{"name": "tone", "value": None, "number": 7}]}
    three = ProjectShape("choice", [{"value": "a"}, {"value": "b"}, {"value": "c"}], {"chat": "conversation"}, "a")
    (row,) = parse_all("langfuse", [LANGFUSE], three)
    assert row.predictions == ()


@pytest.mark.parametrize("value", [1, 1.0, True, "thumbs_up", "👍"])
def test_thumbs_up_has_many_spellings(value: Any) -> None:
    score = {"id": "s", "name": "feedback", "source": "API", "value": value}
    (row,) = parse_all("langfuse", [{**LANGFUSE, "scores": [score]}], CHATS)
    assert row.signals == (ExchangeSignal("langfuse:s", "thumbs_up"),)


def test_a_project_without_a_conversation_refuses_traces_in_words() -> None:
    (refused,) = parse_all("langfuse", [LANGFUSE], TEXTS)
    assert isinstance(refused, RefusedRecord) and "no input of type conversation" in refused.error


@pytest.mark.parametrize("name", sorted(TRACES))
@pytest.mark.parametrize(
    "record", [{}, {"id": 3}, {"id": "x"}, {"info": [], "context": 3, "scores": "a", "feedback": {}}]
)
def test_a_record_of_another_shape_is_refused_and_never_an_exception(name: str, record: dict[str, Any]) -> None:
    (refused,) = parse_all(name, [record], CHATS)
    assert isinstance(refused, RefusedRecord)


def test_an_output_that_repeats_the_conversation_stands_for_both() -> None:
    assert trace_turns([ASKED], [ASKED, REPLIED]) == [ASKED, REPLIED]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ({"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}, '{"a": 1}'),
        ({"id": "c", "name": "f", "args": {"a": 1}}, '{"a": 1}'),
        ({"tool_call": {"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}}, '{"a": 1}'),
    ],
)
def test_calls_of_each_framework_are_one_shape(call: dict[str, Any], arguments: str) -> None:
    (turn,) = trace_turns([{"role": "assistant", "content": None, "tool_calls": [call]}], None)
    function = {"name": "f", "arguments": arguments}
    assert turn["tool_calls"] == [{"id": "c", "type": "function", "function": function}]
