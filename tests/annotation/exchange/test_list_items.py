"""Items of a Label Studio list as turns that are ranked, and back."""

import json
from typing import Any

import pytest

from annotation.exchange.list_items import to_list, to_turns
from annotation.exchange.rows import ExchangeLabel, ExchangeRow, ProjectShape, RefusedRecord
from tests.annotation.exchange.shapes import parse_all, written

RANKED = ProjectShape("ranking", [], {"ask": "text", "results": "conversation"}, shown="results")
ITEMS = [{"id": "mdn", "title": "Arrows", "body": "Short functions"}, {"id": 7, "title": "Blog", "body": ""}]


def task(ranker: Any) -> dict[str, Any]:
    result = [{"from_name": "rank", "to_name": "results", "type": "ranker", "value": {"ranker": ranker}}]
    return {"id": 1, "data": {"ask": "?", "results": ITEMS}, "annotations": [{"id": 5, "result": result}]}


@pytest.mark.parametrize("ranker", [{"rank": ["7", "mdn"]}, ["7", "mdn"]])
def test_a_ranked_list_is_a_conversation_with_ids(ranker: Any) -> None:
    (row,) = parse_all("label_studio", [task(ranker)], RANKED)
    assert row.labels[0].value == ["7", "mdn"]
    assert [(turn["id"], turn["role"], turn["content"]) for turn in row.inputs["results"]] == [
        ("mdn", "assistant", "Arrows\n\nShort functions"),
        ("7", "assistant", "Blog"),
    ]


def test_buckets_are_refused_in_words() -> None:
    (row,) = parse_all("label_studio", [task({"good": ["mdn"], "bad": ["7"]})], RANKED)
    assert isinstance(row, RefusedRecord) and "sorts into buckets" in row.error


@pytest.mark.parametrize("ids", [("x", "y"), ("1", "x"), (None, None)])
def test_turns_come_back_as_they_were(ids: tuple[str | None, ...]) -> None:
    turns = [{"role": "user", "content": f"Reply {one}", **({"id": one} if one else {})} for one in ids]
    row = ExchangeRow("k", {"ask": "?", "results": turns}, labels=(ExchangeLabel(["1", "2"], "ann"),))
    data = json.loads(written("label_studio", [row], RANKED))
    assert data[0]["data"]["results"][0]["body"] == turns[0]["content"]
    (again,) = parse_all("label_studio", data, RANKED)
    assert again.inputs == row.inputs and again.labels[0].value == ["1", "2"]


@pytest.mark.parametrize("value", ["text", None, ["a"], []])
def test_what_is_no_list_of_items_stays_for_the_contract_to_refuse(value: Any) -> None:
    assert to_turns(value) == value and to_list(value) == value
