"""Drift of a text with its vectors beside it: one column, quiet where nothing changed, sooner found where it did."""

from typing import Any

import numpy as np
import pytest

from analysis.metrics.drift.compare import Drift, compare
from inputs.encoders.columns import with_vectors

WORDS = ("card", "euro", "fee", "rate", "pin", "app", "bank", "till")


def window(n: int, seed: int, *, share: float = 0.3) -> tuple[dict[str, Any], dict[str, str]]:
    """Texts of rare words; `share` of them are of another topic, which only their vectors show."""
    rng = np.random.default_rng(seed)
    other = rng.random(n) < share
    texts = np.array(
        [f"{rng.choice(WORDS)} {rng.choice(WORDS)} x{rng.integers(10**6)}" for _ in range(n)], dtype=object
    )
    vectors = rng.normal(size=(n, 12)) * 0.2 + np.where(other[:, None], np.eye(12)[0], np.eye(12)[1])
    return with_vectors({"text": texts}, {"text": "text"}, {"text": vectors})


def compared(seed: int, *, share: float = 0.3, **options: Any) -> Drift:
    before, types = window(300, 2 * seed)
    now, _ = window(300, 2 * seed + 1, share=share)
    return compare(before, now, types=types, ordered=False, **options)


def test_a_text_and_its_vectors_are_one_column() -> None:
    found = compared(0, share=0.6)
    assert [(one.name, one.kind) for one in found.features] == [("text", "text")]
    assert found.drifted and found.features[0].words.startswith("text: meanings moved")
    assert found.weighted_share == 1


def test_what_only_the_vectors_show_is_found() -> None:
    before, _ = window(300, 0)
    now, _ = window(300, 1, share=0.6)
    terms = compare({"text": before["text"]}, {"text": now["text"]}, types={"text": "text"}, ordered=False)
    assert not terms.drifted
    assert np.mean([compared(seed, share=0.6).drifted for seed in range(20)]) >= 0.9


def test_what_only_the_terms_show_is_found_and_named() -> None:
    before, types = window(300, 0)
    now, _ = window(300, 1)
    now["text"] = np.array(
        [f"{text} fraud" if at % 4 == 0 else text for at, text in enumerate(now["text"])], dtype=object
    )
    found = compare(before, now, types=types, ordered=False)
    assert found.drifted and "“fraud”" in found.features[0].words


@pytest.mark.simulation
def test_at_most_one_stable_window_in_twenty_alarms() -> None:
    p = np.array([compared(seed).features[0].p for seed in range(200)])
    assert (p < 0.05).mean() <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)
    assert np.mean([compared(seed).drifted for seed in range(100)]) <= 0.05


def test_a_text_whose_terms_cannot_be_tested_is_tested_by_its_vectors() -> None:
    sides = [window(300, seed, share=share) for seed, share in ((0, 0.3), (1, 0.7))]
    for columns, _ in sides:
        columns["text"] = np.array([f"x{seed}" for seed in np.random.default_rng(3).permutation(300)], dtype=object)
    found = compare(sides[0][0], sides[1][0], types=sides[0][1], ordered=False)
    assert found.drifted and found.features[0].p is not None


def test_copies_count_once_and_rows_that_hang_together_are_judged_by_past_windows() -> None:
    before, types = window(600, 0)
    now, _ = window(600, 1, share=0.6)
    twice = compare(before, now, types=types, ordered=False, groups=(np.arange(600) // 2, np.arange(600) // 2))
    assert (twice.n_reference, twice.n_current) == (300, 300)
    assert compare(before, now, types=types, ordered=True).features[0].dependent
