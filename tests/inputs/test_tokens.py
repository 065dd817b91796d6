"""Words of texts in spaced and unspaced scripts."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.tokens import UNSPACED, tokens, word_count


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Where is my card?", ["where", "is", "my", "card"]),
        ("我的卡丢了", ["我的", "的卡", "卡丢", "丢了"]),
        ("卡", ["卡"]),
        ("iPhone坏了，怎么办", ["iphone", "坏了", "怎么", "么办"]),
        ("カードを なくした", ["カー", "ード", "ドを", "なく", "くし", "した"]),
        ("", []),
        ("!?", []),
    ],
)
def test_words_are_those_between_spaces_and_pairs_of_characters_where_there_are_none(
    text: str, found: list[str]
) -> None:
    assert tokens(text) == found


def test_marks_above_and_below_thai_letters_stay_with_them() -> None:
    text = "บัตรหาย"
    assert tokens(text) == [text[at : at + 2] for at in range(len(text) - 1)]


@pytest.mark.parametrize(("text", "length"), [("where is my card", 4), ("我的银行卡昨天丢了", 5), ("", 0)])
def test_the_length_counts_words_in_either_script(text: str, length: int) -> None:
    assert word_count(text) == length


@given(st.text(max_size=30))
def test_a_text_in_a_spaced_script_is_cut_at_what_is_no_letter(text: str) -> None:
    if UNSPACED.search(text.lower()) is None:
        assert tokens(text) == re.findall(r"\w+", text.lower())
