"""Spans: what is taken, which may overlap, when votes settle, and how far they agree."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.kinds import InvalidLabel
from annotation.kinds.spans import KIND
from projects.project_settings import BadSpec

LABELS: list[dict[str, Any]] = [{"value": "ORG", "title": "Company"}, {"value": "PER"}]
INPUTS = {"n": {"type": "number"}, "title": {"type": "text"}, "body": {"type": "text"}}
about_body = KIND.with_options({"input": "body"})


def span(start: int, end: int, label: str = "ORG") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


lists = st.lists(
    st.builds(
        lambda start, size, label: span(start, start + size, label),
        st.integers(0, 6),
        st.integers(1, 4),
        st.sampled_from(["ORG", "PER"]),
    ),
    max_size=4,
    unique_by=lambda one: tuple(one.values()),
)


def test_spans_are_sorted_so_that_equal_ones_are_equal() -> None:
    given = [span(4, 6), span(0, 2), span(0, 5, "PER")]
    assert KIND.validate(given, LABELS) == [span(0, 5, "PER"), span(0, 2), span(4, 6)]
    assert KIND.validate([], LABELS) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "A list of at most 1,000 spans is expected"),
        ([{"start": 0, "end": 2}], "A span has a start, an end and a label."),
        ([span(2, 2)], "Start and end of a span are whole numbers from 0 on, the start first."),
        ([span(-1, 2)], "Start and end of a span are whole numbers"),
        ([{"start": True, "end": 2, "label": "ORG"}], "Start and end of a span are whole numbers"),
        ([span(0, 2, "GPE")], '"GPE" is not one of the labels: ORG, PER.'),
        ([span(0, 2), span(0, 2)], "The span 0 to 2 stands in the list twice."),
    ],
)
def test_anything_else_is_refused_in_words(value: object, said: str) -> None:
    with pytest.raises(InvalidLabel, match=said):
        KIND.validate(value, LABELS)


@pytest.mark.parametrize(
    ("overlapping", "refused"),
    [
        ("any", []),
        ("nested", ["0 to 4 and 2 to 6 cross"]),
        ("no", ["0 to 4 and 1 to 3 overlap", "0 to 4 and 2 to 6 overlap"]),
    ],
)
def test_what_may_overlap_is_a_setting(overlapping: str, refused: list[str]) -> None:
    kind, found = KIND.with_options({"overlapping": overlapping}), []
    for value in ([span(0, 4), span(1, 3, "PER")], [span(0, 4), span(2, 6)], [span(0, 4), span(4, 6)]):
        try:
            kind.validate(value, LABELS)
        except InvalidLabel as why:
            found.append(str(why))
    assert len(found) == len(refused) and all(part in whole for part, whole in zip(refused, found, strict=True))


def test_places_are_code_points_and_end_with_the_text() -> None:
    text = "🙂 Ada"
    assert about_body.misfit([span(2, 5)], {"body": text}) is None
    assert about_body.describe_beside([span(2, 5)], LABELS, {"body": text}) == "Company “Ada” 2 to 5"
    assert about_body.misfit([span(2, 6)], {"body": text}) == "A span goes to 6, and `body` has 5 characters."
    assert about_body.misfit([span(0, 1)], {}) == "A span goes to 1, and `body` has 0 characters."
    assert about_body.misfit([], {}) is None


def test_the_first_text_is_marked_unless_another_one_is_named() -> None:
    assert KIND.complete_options({}, INPUTS) == {"input": "title", "overlapping": "any"}
    assert KIND.complete_options({"input": "body"}, INPUTS)["input"] == "body"
    for inputs, options in ((INPUTS, {"input": "n"}), ({"n": {"type": "number"}}, {})):
        with pytest.raises(BadSpec, match="it takes the name of an input of type text"):
            KIND.complete_options(options, inputs)


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        ([], None),
        ([[span(0, 4)]], [span(0, 4)]),
        ([[span(0, 4)], [span(0, 4)]], [span(0, 4)]),
        ([[span(0, 4)], [span(0, 5)]], None),  # no end has a majority
        ([[span(0, 4)], []], None),  # half of the votes have it
        ([[span(0, 4)], [span(0, 5)], [span(0, 5)]], [span(0, 5)]),
        ([[span(0, 4)], [span(0, 4, "PER")], [span(0, 4)]], [span(0, 4)]),
        ([[span(0, 4), span(6, 8)], [span(0, 4)], [span(0, 4)]], [span(0, 4)]),
        ([[], [], [span(0, 4)]], []),
        ([[span(0, 8)], [span(1, 8)], [span(2, 8)]], None),
    ],
)
def test_votes_settle_span_by_span(votes: list[Any], settled: Any) -> None:
    found = KIND.resolve(votes)
    assert (found.value if found else None) == settled


def test_spans_that_may_not_stand_together_settle_nothing() -> None:
    one, other = [span(0, 6)], [span(4, 9, "PER")]
    votes = [one + other, one, other + one, other]
    assert KIND.resolve(votes) is not None
    assert KIND.with_options({"overlapping": "no"}).resolve(votes) is None


@given(lists, lists)
def test_the_score_is_the_f1_of_labelled_characters_both_ways(one: list[Any], other: list[Any]) -> None:
    cells = [
        {(place, each["label"]) for each in spans for place in range(each["start"], each["end"])}
        for spans in (one, other)
    ]
    total = len(cells[0]) + len(cells[1])
    assert KIND.score(one, other) == KIND.score(other, one)
    assert KIND.score(one, other) == pytest.approx(2 * len(cells[0] & cells[1]) / total if total else 1)


def test_a_reviewers_form_takes_json_alone() -> None:
    assert KIND.parse_form({"value": '[{"start": 0, "end": 2, "label": "ORG"}]'}) == [span(0, 2)]
    with pytest.raises(InvalidLabel, match="Choose whose spans are right"):
        KIND.parse_form({"value": ""})


def test_merged_labels_leave_sorted_spans_each_once() -> None:
    value = KIND.validate([span(0, 4), span(0, 4, "PER"), span(2, 6, "PER")], LABELS)
    assert KIND.replace_labels(value, {"ORG": "PER"}) == [span(0, 4, "PER"), span(2, 6, "PER")]
