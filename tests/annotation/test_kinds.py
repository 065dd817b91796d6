"""The kinds of task: what a choice takes, when votes settle, which keys stand on the buttons."""

import pytest
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from hypothesis import given
from hypothesis import strategies as st

from annotation import kinds
from annotation.kinds import Labels
from annotation.kinds.choice import Choice
from annotation.kinds.choice.shortcuts import cap, keys_of
from projects import task_kinds

LABELS = [{"value": "ham"}, {"value": "spam", "title": "Spam", "hint": "Unwanted"}]


choice = Choice()


@pytest.mark.parametrize("kind", task_kinds.names())
def test_every_kind_is_known_to_specs_and_has_its_templates(kind: str) -> None:
    found = kinds.of(kind)

    assert kind in task_kinds.names() and found.title
    assert get_template(found.template) and get_template(found.review_template)
    assert finders.find(found.desk_module)


def test_a_choice_takes_one_of_the_labels() -> None:
    assert choice.validate("ham", LABELS) == "ham"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("eggs", '"eggs" is not one of the labels: ham, spam.'),
        (None, "No label is given; the labels are ham, spam."),
        (["ham"], "The value is not one of the labels: ham, spam."),
        (1, "The value is not one of the labels: ham, spam."),
        ("Ham", '"Ham" is not one of the labels: ham, spam.'),
    ],
)
def test_what_is_no_label_is_refused_with_the_labels_that_are(value: object, said: str) -> None:
    with pytest.raises(kinds.InvalidLabel) as refused:
        choice.validate(value, LABELS)

    assert str(refused.value) == said


def test_a_refusal_does_not_list_a_thousand_labels() -> None:
    with pytest.raises(kinds.InvalidLabel, match="l11 and 988 more"):
        choice.validate("x", [{"value": f"l{n}"} for n in range(1000)])


def test_words_are_the_title_or_the_value_and_a_retired_label_is_still_readable() -> None:
    assert [choice.describe(value, LABELS) for value in ("ham", "spam", "gone")] == ["ham", "Spam", "gone"]


@pytest.mark.parametrize(
    ("votes", "settled"),
    [
        (["a"], kinds.SettledValue("a", "single", 1.0)),
        (["a", "a"], kinds.SettledValue("a", "unanimous", 1.0)),
        (["a", "b", "a"], kinds.SettledValue("a", "majority", 2 / 3)),
        (["a", "b"], None),
        (["a", "b", "c"], None),
        (["a", "a", "b", "c"], None),
        (["a", "a", "b", "b"], None),
        ([], None),
    ],
)
def test_votes_settle_by_more_than_half(votes: list[str], settled: kinds.SettledValue | None) -> None:
    assert choice.resolve(votes) == settled


@given(st.lists(st.sampled_from("abc"), max_size=20))
def test_a_settled_says_the_share_that_agrees_and_never_half_or_less(votes: list[str]) -> None:
    settled = choice.resolve(votes)

    if settled:
        assert settled.quality == votes.count(settled.value) / len(votes) > 0.5
    else:
        assert all(2 * votes.count(vote) <= len(votes) for vote in votes)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=8))
def test_agreement_is_the_share_of_pairs_that_agree(votes: list[str]) -> None:
    pairs = [(a, b) for i, a in enumerate(votes) for b in votes[i + 1 :]]

    assert choice.agreement(votes) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs))


def test_agreement_of_one_vote_is_not_defined() -> None:
    assert choice.agreement(["a"]) is None


def test_labels_that_are_digits_carry_their_own_digit() -> None:
    assert keys_of([{"value": digit} for digit in "0123456789"]) == [*"0123456789"]


def test_ten_labels_carry_one_to_nine_and_nought_and_the_next_ten_the_same_with_shift() -> None:
    keys = keys_of([{"value": f"label {n}"} for n in range(22)])

    assert keys[:3] == ["1", "2", "3"] and keys[9] == "0"
    assert keys[10] == "+1" and keys[19] == "+0"
    assert keys[20:] == ["", ""]
    assert cap("+1") == "⇧1"


def test_the_schemas_own_keys_win() -> None:
    assert keys_of([{"value": "yes", "key": "y"}, {"value": "no", "key": "n"}]) == ["y", "n"]


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        ([{"value": digit} for digit in "0123456789"], {"Answer with a label": ["0 to 9"]}),
        ([{"value": "ham"}, {"value": "spam"}], {"Answer with label 1 to 2": ["1", "2"]}),
        ([{"value": f"l {n}"} for n in range(10)], {"Answer with label 1 to 10": ["1 to 9", "0"]}),
        (
            [{"value": f"l {n}"} for n in range(11)],
            {"Answer with label 1 to 10": ["1 to 9", "0"], "Answer with label 11": ["⇧1"]},
        ),
        (
            [{"value": f"l {n}"} for n in range(30)],
            {
                "Answer with label 1 to 10": ["1 to 9", "0"],
                "Answer with label 11 to 20": ["⇧1 to ⇧9", "⇧0"],
                "Answer with label 21 to 30: search for its name, then": ["Enter"],
            },
        ),
        ([{"value": "y", "key": "y"}, {"value": "n", "key": "n"}], {"Answer with a label": ["Y", "N"]}),
    ],
)
def test_the_list_of_keys_names_the_keys_of_these_labels(labels: Labels, rows: dict[str, list[str]]) -> None:
    found = {
        row.words: [first if first == last else f"{first} to {last}" for first, last in row.runs]
        for row in choice.answer_keys(labels)
    }
    assert found == rows


def test_the_form_keeps_the_schemas_order_and_is_searchable_above_ten() -> None:
    form = choice.form(LABELS)

    assert [button["title"] for button in form["buttons"]] == ["ham", "Spam"]
    assert form["buttons"][1]["hint"] == "Unwanted"
    assert (form["short"], form["searchable"]) == (False, False)
    assert choice.form([{"value": f"label {n}"} for n in range(11)])["searchable"]
    assert choice.form([{"value": digit} for digit in "0123456789"])["short"]
