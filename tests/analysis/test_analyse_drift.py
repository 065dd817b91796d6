"""`analyse drift` finds the column that moved between two files, and no other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management.base import CommandError

from analysis.offline import drift
from inputs.encoders import choice
from inputs.encoders.choice import EncoderChoice
from tests.analysis.analysing import analyse, csv, text


def stream(folder: Path, name: str, *, seed: int, shift: float = 0.0, rows: int = 400) -> Path:
    rng = np.random.default_rng(seed)
    return csv(
        folder / name,
        {
            "moved": rng.normal(size=rows) + shift,
            "still": rng.normal(size=rows),
            "colour": rng.choice(["red", "blue"], rows),
            "always": ["x"] * rows,
            "at": [f"2026-{1 + seed:02}-{1 + i // 20:02}" for i in range(rows)],
        },
    )


@pytest.mark.simulation
def test_the_column_that_moved_is_found_and_no_other(tmp_path: Path) -> None:
    files = stream(tmp_path, "before.csv", seed=1), stream(tmp_path, "now.csv", seed=2, shift=0.8)
    out = analyse("drift", *files)
    assert out["drifted"] is True
    assert [one["name"] for one in out["features"] if one["drifted"]] == ["moved"]
    moved = out["features"][0]
    assert moved["p"] <= moved["p_adjusted"] < 0.01 and 0.6 < moved["effect"] < 1
    assert 0.6 < out["domain_auc"]["low"] < out["domain_auc"]["value"] < out["domain_auc"]["high"] < 0.9
    assert "moved" in text("drift", *files)


def test_what_stood_still_is_no_drift_and_the_undefined_has_its_reason(tmp_path: Path) -> None:
    out = analyse("drift", stream(tmp_path, "before.csv", seed=1), stream(tmp_path, "now.csv", seed=2))
    assert out["drifted"] is False
    result = {one["name"]: one for one in out["features"]}
    assert result["always"]["p"] is None and "always x" in result["always"]["words"]
    assert result["at"]["p"] is None and "runs with time" in result["at"]["words"]
    assert out["domain_auc"]["low"] <= 0.55


def test_only_like_seasons_are_compared(tmp_path: Path) -> None:
    """Warm half the year before, warm all of now: another mix of seasons, the same weather."""
    rng = np.random.default_rng(0)
    warm = {"before.csv": np.arange(600) % 2, "now.csv": np.ones(400, dtype=int)}
    files = [
        csv(tmp_path / name, {"heat": 5.0 * on + rng.normal(size=on.size), "season": np.where(on, "summer", "winter")})
        for name, on in warm.items()
    ]
    assert analyse("drift", *files, "--columns", "heat")["drifted"] is True
    out = analyse("drift", *files, "--season", "season")
    assert out["drifted"] is False and [one["name"] for one in out["features"]] == ["heat"]
    assert out["domain_auc"]["low"] <= 0.55


def test_columns_on_one_side_only_are_named(tmp_path: Path) -> None:
    one = csv(tmp_path / "before.csv", {"a": range(60), "gone": range(60)})
    two = csv(tmp_path / "now.csv", {"a": range(60), "new": range(60)})
    out = analyse("drift", one, two)
    assert (out["only_in_reference"], out["only_in_current"]) == (["gone"], ["new"])
    assert "Only in the reference file: gone" in text("drift", one, two)


def test_few_rows_and_constant_columns_are_undefined_with_a_reason(tmp_path: Path) -> None:
    few = csv(tmp_path / "few.csv", {"a": range(9), "b": [1] * 9})
    out = analyse("drift", few, few)
    assert out["drifted"] is False and all(one["p"] is None and one["words"] for one in out["features"])
    assert out["domain_auc"]["value"] is None and "Undefined" in out["domain_auc"]["note"]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"b": [1]}, (), "share no column to compare"),
        ({"a": ["inf"] * 40}, (), "infinite"),
        ({"a": range(40)}, ("--season", "month"), "has no column 'month'; it has a, s"),
        ({"a": range(40), "s": ["x"] * 39 + [None]}, ("--season", "s"), "'s' has gaps"),
        ({"a": range(40), "s": ["z"] * 40}, ("--season", "s"), "season"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, columns: dict[str, Any], options: tuple[str, ...], message: str
) -> None:
    before = csv(tmp_path / "before.csv", {"a": range(40), "s": ["x"] * 40})
    with pytest.raises(CommandError, match=message):
        analyse("drift", before, csv(tmp_path / "now.csv", columns), *options)


DATES = ("%Y-%m-%dT%H:%M:%S", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%Y%m%d", "%a, %d %b %Y")


@pytest.mark.simulation
@pytest.mark.parametrize("form", DATES)
@pytest.mark.parametrize("shuffled", [False, True])
def test_that_time_passes_is_no_drift(tmp_path: Path, form: str, shuffled: bool) -> None:
    paths, rng = [], np.random.default_rng(0)
    for name, start in (("before", "2026-03-01"), ("now", "2026-04-01")):
        days = pd.date_range(start, periods=300, freq="2h")
        order = rng.permutation(300) if shuffled else np.arange(300)
        rows = {"at": days[order].strftime(form), "amount": rng.normal(50, 9, 300).round(2)}
        paths.append(csv(tmp_path / f"{name}.csv", rows))
    out = analyse("drift", *paths)
    kinds = {one["name"]: (one["kind"], one["p"] is None) for one in out["features"]}
    assert (out["drifted"], kinds) == (False, {"at": ("time", True), "amount": ("number", False)})
    assert out["domain_auc"]["p"] > 0.01


def test_times_that_lie_anywhere_may_drift(tmp_path: Path) -> None:
    """A date of birth runs with nothing."""
    rng = np.random.default_rng(0)
    paths = []
    for name, year in (("before", 1960), ("now", 1965)):
        born = pd.Timestamp(f"{year}-01-01") + pd.to_timedelta(rng.integers(-9000, 9000, 500), unit="D")
        paths.append(csv(tmp_path / f"{name}.csv", {"born": born.strftime("%Y-%m-%d")}))
    out = analyse("drift", *paths)
    assert out["drifted"] and "born: median 19" in out["features"][0]["words"]


def test_money_is_a_number(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    halves = [csv(tmp_path / f"{n}.csv", {"amount": [f"${x}" for x in rng.integers(9, 999, 400)]}) for n in "ab"]
    out = analyse("drift", *halves)
    assert (out["drifted"], out["features"][0]["kind"]) == (False, "number")


def test_values_and_seasons_spelt_in_two_ways_are_refused(tmp_path: Path) -> None:
    before = csv(tmp_path / "before.csv", {"paid": ["True", "False"] * 30, "day": ["Mon", "Tue"] * 30, "x": range(60)})
    now = csv(tmp_path / "now.csv", {"paid": ["true", "false"] * 30, "day": ["mon", "tue"] * 30, "x": range(60)})
    with pytest.raises(CommandError, match="'paid' of before.csv and 'paid' of now.csv share no value: False, True"):
        analyse("drift", before, now, "--columns", "paid,x")
    with pytest.raises(CommandError, match="share no season: Mon, Tue against mon, tue"):
        analyse("drift", before, now, "--columns", "x", "--season", "day")


def test_text_without_spaces_is_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = [["".join(rng.choice(list("我的卡丢了请问怎么办"), 12)) for _ in range(80)] for _ in range(2)]
    before = csv(tmp_path / "before.csv", {"message": made[0]})
    now = csv(tmp_path / "now.csv", {"message": [f"{text}护照" for text in made[1]]})
    (found,) = analyse("drift", before, now)["features"]
    assert (found["kind"], found["drifted"]) == ("text", True)


class TopicEncoder:
    """Knows whether a text is about cards, in whatever words it says so."""

    name, digest, per_text = "topics", "d" * 64, True

    def encode(self, texts: Any) -> Any:
        cards = np.array([text.startswith("c") for text in texts])
        return np.column_stack([cards, ~cards]).astype(np.float32)


def messages(folder: Path, name: str, *, cards: float, seed: int) -> Path:
    """Texts of which each has a word of its own, a share of them about cards; and a column that stands still."""
    rng = np.random.default_rng(seed)
    about = np.where(rng.random(300) < cards, "c", "e")
    texts = [f"{what}{rng.integers(10**6)} is the word" for what in about]
    return csv(folder / name, {"message": texts, "amount": rng.normal(size=300)})


@pytest.mark.simulation
def test_texts_are_compared_by_their_terms_and_by_the_encoder_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        messages(tmp_path, name, cards=share, seed=seed)
        for name, share, seed in (("a.csv", 0.3, 0), ("b.csv", 0.6, 1), ("c.csv", 0.3, 2))
    ]
    by_terms = analyse("drift", files[0], files[1])
    assert (by_terms["drifted"], by_terms["texts"]) == (False, "Texts are compared by their terms.")
    monkeypatch.setattr(choice, "choose", lambda setting: EncoderChoice(TopicEncoder(), "Encoded."))
    moved, same = analyse("drift", files[0], files[1]), analyse("drift", files[0], files[2])
    assert moved["texts"] == "Texts are compared by their terms and by vectors of topics."
    assert [one["name"] for one in moved["features"] if one["drifted"]] == ["message"]
    assert {one["name"] for one in moved["features"]} == {"message", "amount"}
    assert not same["drifted"]
    assert "by vectors of topics" in text("drift", files[0], files[1])


def test_more_texts_than_are_encoded_are_compared_by_their_terms_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "choose", lambda setting: EncoderChoice(TopicEncoder(), "Encoded."))
    monkeypatch.setattr(drift, "MOST_ENCODED", 599)
    files = [messages(tmp_path, name, cards=0.3, seed=seed) for name, seed in (("a.csv", 0), ("b.csv", 1))]
    assert analyse("drift", *files)["texts"] == "Texts are compared by their terms: 600 are more than the 599 encoded."
