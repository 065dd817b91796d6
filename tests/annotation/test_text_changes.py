"""Word by word differences between two texts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.text_changes import TextPart, word_changes

texts = st.lists(st.sampled_from(["a ", "b\n", "\n", "sp\u00e4t.", "<b> "]), max_size=12).map("".join)


def test_only_the_words_that_differ_are_marked():
    assert word_changes("Mark spam.\nKeep ham.\n", "Mark junk.\nKeep ham.\n") == [
        TextPart("same", "Mark "),
        TextPart("removed", "spam"),
        TextPart("added", "junk"),
        TextPart("same", ".\nKeep ham.\n"),
    ]


@settings(max_examples=40)
@given(before=texts, after=texts)
def test_the_parts_make_both_texts_again(before, after):
    parts = word_changes(before, after)
    assert "".join(part.text for part in parts if part.standing != "added") == before
    assert "".join(part.text for part in parts if part.standing != "removed") == after


def test_a_passage_that_is_too_long_to_match_is_replaced_whole():
    before, after = "a b " * 4000, "a c " * 4000
    assert [part.standing for part in word_changes(before, after)] == ["removed", "added"]
