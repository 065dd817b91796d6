"""Near texts: what shares four fifths of its shingles is linked, however long the texts and however many."""

import numpy as np
import pytest

from inputs import shingles
from inputs.shingles import SAME_TEXT, near_texts

RNG = np.random.default_rng(0)
WORDS = ["".join(RNG.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(5000)]


def resemblance(one, other):
    left, right = ({text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other))
    return len(left & right) / len(left | right)


@pytest.mark.simulation
@pytest.mark.parametrize("length", [10, 25, 60, 300])
def test_edited_texts_are_found_and_strangers_are_not(length):
    rng = np.random.default_rng(length)
    texts = [rng.choice(WORDS, length).tolist() for _ in range(300)]
    changed = [[*words] for words in texts]
    for words in changed:
        for _ in range(max(1, length // 15)):
            words[int(rng.integers(length))] = str(rng.choice(WORDS))
    texts, edited = [" ".join(words) for words in texts], [" ".join(words) for words in changed]
    alike = np.array([resemblance(a, b) for a, b in zip(texts, edited, strict=True)])
    groups = near_texts(texts + edited)
    same = groups[:300] == groups[300:]
    assert same[alike >= SAME_TEXT + 0.03].mean() > 0.97
    assert not same[alike < SAME_TEXT - 1e-9].any()
    assert len(np.unique(groups[:300])) == 300


def test_a_copy_that_is_a_little_longer_is_found_at_every_length():
    rng = np.random.default_rng(1)
    for length in range(20, 400, 7):
        text = " ".join(rng.choice(WORDS, length))
        assert len(set(near_texts([text, text + text[: len(text) // 12].upper()]))) == 1


def test_the_same_words_about_other_numbers_are_another_case_unless_they_are_long():
    lines = [
        f"2024-01-{day:02} 12:00:0{day % 10} web-{day % 3} connection refused by peer 10.0.0.{day}"
        for day in range(1, 29)
    ]
    assert len(set(near_texts(lines))) == 28
    letter = " ".join(RNG.choice(WORDS, 60))
    assert len(set(near_texts([f"{letter} page 1 of 3", f"{letter} page 2 of 3"]))) == 1
    assert (
        len(set(near_texts([f"{text} {number}" for text in ("win a prize", "see you") for number in range(9)]))) == 18
    )


def test_short_and_empty_texts_are_linked_only_where_they_are_equal():
    assert near_texts(["abc", "abd", "", "abc", ""]).tolist()[:2] != near_texts(["abc", "abc"]).tolist()
    groups = near_texts(["abc", "abd", "", "abc", ""])
    assert groups[0] == groups[3] and groups[2] == groups[4] and len(set(groups.tolist())) == 3
    assert near_texts([]).shape == (0,)


@pytest.mark.parametrize("letters", [50, 700])
def test_texts_looked_at_in_parts_have_the_groups_of_all_at_once(monkeypatch, letters):
    rng = np.random.default_rng(3)
    words = np.array([f"word{i}" for i in range(300)])
    texts = [" ".join(rng.choice(words, rng.integers(0, 60))) for _ in range(40)]
    texts += [text + " and more" for text in texts[:20]]
    groups = near_texts(texts)
    assert len(set(groups.tolist())) < len(set(texts))
    monkeypatch.setattr(shingles, "LETTERS", letters)
    assert np.array_equal(near_texts(texts), groups)
