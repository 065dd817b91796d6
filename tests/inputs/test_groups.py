"""Groups: copies of a row share one whatever was changed in passing, and different cases keep their own."""

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inputs.groups import group_rows, normalised
from inputs.values import InvalidColumns

RNG = np.random.default_rng(0)
WORDS = ["".join(RNG.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(2000)]
SENTENCES = [" ".join(RNG.choice(WORDS, 12)) for _ in range(40)]


def partition(groups):
    """The rows of each group of more than one."""
    return {tuple(np.flatnonzero(groups == g).tolist()) for g in np.unique(groups) if (groups == g).sum() > 1}


def images(n, seed=0, side=20):
    return list(np.random.default_rng(seed).integers(0, 256, (n, side, side)).astype(np.uint8))


def test_forty_texts_ten_times_are_forty_groups():
    groups = group_rows({"text": SENTENCES * 10}, {"text": "text"})
    assert groups.tolist() == list(range(40)) * 10


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: f"  {text.replace(' ', chr(0xA0))}\n",
        lambda text: text.replace("a", "\N{FULLWIDTH LATIN SMALL LETTER A}"),
        lambda text: text.replace(" ", "\u200b "),
        lambda text: f"\u202b{text}\u202c",  # marks of direction, as the search leaves them out too
        lambda text: text + "!!",
        lambda text: text[:20] + "xy" + text[20:],
    ],
)
def test_a_text_keeps_its_group_through_case_white_space_unicode_and_small_edits(change):
    groups = group_rows({"text": SENTENCES + [change(text) for text in SENTENCES]}, {"text": "text"})
    assert groups.tolist() == list(range(40)) * 2


def test_composed_and_decomposed_letters_are_one_text():
    text = "Ünïcödé in the ticket"
    assert normalised(unicodedata.normalize("NFD", text)) == normalised(text)


def test_texts_of_scripts_without_blanks_are_compared_too():
    text = "请问我的信用卡什么时候可以寄到我在北京的新地址，谢谢您的帮助和耐心，我已经等了很久也没有收到任何消息"
    groups = group_rows(
        {"text": [text, text + "！", "我想知道怎样才能取消昨天在网上提交的订单并且得到退款"]}, {"text": "text"}
    )
    assert groups.tolist() == [0, 0, 1]


def test_independent_rows_of_any_type_keep_their_own_group():
    n = 2000
    rng = np.random.default_rng(1)
    text = {"t": [" ".join(rng.choice(WORDS, rng.integers(3, 40))) for _ in range(n)]}
    numbers = {f"x{i}": rng.standard_normal(n) for i in range(8)}
    for columns, kind in ((text, "text"), (numbers, "number"), ({"i": images(300)}, "image")):
        groups = group_rows(columns, dict.fromkeys(columns, kind))
        assert len(np.unique(groups)) == len(groups)


def test_numbers_that_were_rounded_or_jittered_in_passing_are_copies():
    first = np.random.default_rng(2).lognormal(size=(50, 4)) * [1, 1000, 0.01, 5]
    changed = np.vstack([first, first.astype(np.float32), np.round(first, 6), first * 1.00001])
    groups = group_rows({f"x{i}": changed[:, i] for i in range(4)}, {f"x{i}": "number" for i in range(4)})
    assert groups.tolist() == list(range(50)) * 4


def test_images_with_a_little_noise_or_another_scale_are_copies_and_blank_ones_are_not():
    first = [np.kron(image, np.ones((8, 8), dtype=np.uint8)) for image in images(30, side=4)]
    noisy = [np.clip(image.astype(int) + 2, 0, 255).astype(np.uint8) for image in first]
    smaller = [image[::2, ::2] for image in first]
    blank = [np.full((32, 32), 255, dtype=np.uint8)] * 5 + [None] * 5
    groups = group_rows({"image": first + noisy + smaller + blank}, {"image": "image"})
    assert groups[:90].tolist() == list(range(30)) * 3
    assert len(np.unique(groups[90:])) == 10


def test_rows_that_agree_in_columns_of_few_values_are_different_cases():
    rng = np.random.default_rng(3)
    n = 3000
    columns = {
        "country": rng.choice(["de", "fr", "it"], n),
        "plan": rng.choice(["free", "paid"], n),
        "age": rng.integers(18, 80, n),
        "hour": rng.integers(0, 24, n),
    }
    types = {"country": "category", "plan": "category", "age": "number", "hour": "number"}
    assert len(np.unique(group_rows(columns, types))) == n
    assert len(np.unique(group_rows(columns, {"country": "category", "plan": "boolean"}))) == n


def test_whole_rows_of_numbers_repeated_are_copies_although_each_value_is_common():
    rng = np.random.default_rng(4)
    once = rng.integers(0, 17, (60, 30))
    groups = group_rows({f"p{i}": np.tile(once[:, i], 5) for i in range(30)}, {f"p{i}": "number" for i in range(30)})
    assert groups.tolist() == list(range(60)) * 5


def test_times_identifiers_and_counters_do_not_keep_copies_apart():
    numbers = np.tile(np.random.default_rng(5).standard_normal((40, 3)), (3, 1))
    columns: dict[str, Any] = {"a": numbers[:, 0], "b": numbers[:, 1], "c": numbers[:, 2]}
    columns |= {"id": [f"case-{i}" for i in range(120)], "row": np.arange(120), "at": [str(i) for i in range(120)]}
    types = {"a": "number", "b": "number", "c": "number", "id": "category", "row": "number", "at": "time"}
    assert group_rows(columns, types).tolist() == list(range(40)) * 3


def test_a_long_text_is_enough_whatever_stands_beside_it_but_a_form_letter_is_not():
    amount = np.random.default_rng(6).lognormal(size=400).tolist()
    types = {"text": "text", "amount": "number"}
    assert len(np.unique(group_rows({"text": SENTENCES * 10, "amount": amount}, types))) == 40
    letter = ["No comment was left by the customer."] * 300 + SENTENCES + SENTENCES[:60] * 2
    letter = letter[:400]
    groups = group_rows({"text": letter, "amount": amount}, types)
    assert len(np.unique(groups[:300])) >= 295
    assert groups[300] == groups[340]


def test_rows_without_any_content_are_copies_of_none():
    groups = group_rows({"text": ["", None, "  ", float("nan"), "yes", "YES"]}, {"text": "text"})
    assert groups.tolist() == [0, 1, 2, 3, 4, 4]


@given(st.lists(st.sampled_from(["a", "b", "A ", "", None, "some longer text that is known"]), max_size=12))
def test_groups_are_numbered_by_first_appearance_and_equal_rows_agree(texts):
    groups = group_rows({"text": texts}, {"text": "text"})
    seen = list(dict.fromkeys(groups.tolist()))
    assert seen == list(range(len(seen)))
    known = [normalised(text) if text else "" for text in texts]
    assert all(groups[i] == groups[j] for i, a in enumerate(known) for j, b in enumerate(known) if a and a == b)


def test_what_cannot_be_grouped_is_refused_in_words():
    with pytest.raises(InvalidColumns, match="no column 'b'"):
        group_rows({"a": [1]}, {"b": "number"})
    with pytest.raises(InvalidColumns, match="one length"):
        group_rows({"a": [1], "b": [1, 2]}, {"a": "number", "b": "number"})
    with pytest.raises(InvalidColumns, match="numbers holds something else"):
        group_rows({"a": ["x", "y"]}, {"a": "number"})
    with pytest.raises(InvalidColumns, match="table of pixels"):
        group_rows({"a": [np.zeros(4)]}, {"a": "image"})
