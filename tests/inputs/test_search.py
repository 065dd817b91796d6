"""Search text: values only, compared without regard to case in any script, with every part of a query required."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.registry import INPUT_TYPES
from inputs.search import normalise, query_parts, search_text, trigrams
from inputs.types.base import InputType

TYPES = {"text": "text", "amount": "number", "paid": "boolean", "when": "time", "scan": "image", "land": "category"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ПРИВЕТ Мир", "привет мир"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("Straße", "STRASSE"),
        ("Café", "cafe\u0301"),
        ("Café", "CAFE"),
        ("Ёлка", "елка"),
        ("Việt Nam", "viet nam"),
        ("ＦＵＬＬ width", "full WIDTH"),
        ("ﬁle", "FILE"),
        ("two \n\t lines", "Two lines"),
        ("soft\u00adhyphen\u200b", "softhyphen"),
        ("ᾳ", "ΑΙ"),
        ("日本語", "日本語"),
    ],
)
def test_compares_texts_of_any_script_without_regard_to_case_or_form(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_no_text_becomes_many_times_its_size() -> None:
    every = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert max(len(normalise(character)) for character in every) <= 2 * 7 + 1
    assert query_parts("\ufdfa") == ["\ufdfa"]


def test_keeps_the_marks_that_make_another_letter() -> None:
    assert normalise("ガス") != normalise("カス")
    assert normalise("हिंदी") != normalise("हद")


@given(st.text())
def test_changes_nothing_the_second_time_and_takes_every_form_of_a_text(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert normalise(unicodedata.normalize("NFD", text)) == once
    assert normalise(text.casefold()) == once


def test_holds_the_key_and_the_values_but_no_name_and_no_image() -> None:
    inputs = {
        "text": 'He said "Hi"',
        "amount": 12.5,
        "paid": True,
        "when": "2026-11-23T14:00:00Z",
        "scan": {"media": "abc", "width": 28, "height": 28, "content_type": "image/png"},
        "land": None,
        "gone": "a text",
    }
    found = search_text("Key-1", inputs, TYPES).split("\n")
    assert found == ["key-1", 'he said "hi"', "12.5", "yes", "2026-11-23t14:00:00z 23 nov 2026 14:00 utc", "a text"]


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("card arrival", ["arrival", "card"]),
        ('"card  arrival" Now', ["card arrival", "now"]),
        ("“card arrival”", ["card arrival"]),
        ('said "hello', ['"hello', "said"]),
        ('5"', ['5"']),
        ("card cards", ["cards"]),
        ("a a  a", ["a"]),
        ("  ", []),
        ("100%_\\", ["100%_\\"]),
        ("余额 a", ["\x01余\x01额\x01", "a"]),
    ],
)
def test_takes_words_and_quoted_phrases_apart(query: str, parts: list[str]) -> None:
    assert query_parts(query) == parts


@given(st.text(max_size=60), st.text(max_size=60))
def test_finds_every_word_of_a_text_in_it(text: str, key: str) -> None:
    stored = search_text(key, {"text": text}, TYPES)
    assert all(part in stored for part in query_parts(text.replace('"', " ").replace("“", " ")))


@pytest.mark.parametrize("kind", list(INPUT_TYPES), ids=lambda kind: kind.name)
def test_many_values_of_a_type_are_written_as_one_is(kind: InputType) -> None:
    write = kind.search_writer()
    for value in ("Two words", 1.5, 7, True, "2026-11-23T14:00:00Z", [1.0, 2.0]):
        assert write(value) == kind.search_text(value)


@given(st.text("ab余额 ", max_size=12), st.integers(0, 11), st.integers(1, 11))
def test_a_part_of_a_text_is_found_in_it_and_nothing_else(text: str, start: int, length: int) -> None:
    part, other = text[start : start + length].strip(), text[::-1].strip()
    stored = normalise(text)
    assert normalise(part) in stored
    assert (normalise(other) in stored) == (" ".join(other.split()) in " ".join(text.split()))
    assert all(three in stored for three in trigrams([normalise(part)]))


def test_a_single_character_of_a_script_without_spaces_can_be_looked_up() -> None:
    assert trigrams([normalise("额")]) == ["\x01额\x01"]
    assert trigrams(query_parts("card ab 余额")) == ["\x01余\x01", "\x01额\x01", "ard", "car"]
    assert trigrams(["ab", ""]) == []
