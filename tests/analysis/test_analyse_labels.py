"""`analyse labels` ranks the labels of a file from most to least suspect."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management.base import CommandError

from inputs.encoders import choice
from inputs.encoders.choice import EncoderChoice
from tests.analysis.analysing import analyse, csv, text

FLIPPED = (3, 40, 77)


def numbers(folder: Path, rows: int = 120) -> Path:
    """Two far clouds of points; three labels are flipped."""
    rng = np.random.default_rng(0)
    truth = np.arange(rows) % 2
    label = truth.copy()
    label[list(FLIPPED)] = 1 - label[list(FLIPPED)]
    x = rng.normal(size=(rows, 2)) + 6 * truth[:, None]
    colour = np.where(truth == 1, "red", "blue")
    return csv(folder / "rows.csv", {"a": x[:, 0], "b": x[:, 1], "colour": colour, "label": label, "truth": truth})


def npz(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "scores.npz", **arrays)
    return folder / "scores.npz"


def confident(rows: int = 120, k: int = 2) -> Any:
    found = np.full((rows, k), 0.1 / (k - 1))
    found[np.arange(rows), np.arange(rows) % 2] = 0.9
    return found


def test_flipped_labels_come_first_with_what_they_should_be(tmp_path: Path) -> None:
    out = analyse("labels", numbers(tmp_path), "--label", "label", "--inputs", "a,b,colour", "--truth", "truth")
    assert sorted(row["row"] for row in out["scores"][:3]) == sorted(FLIPPED)
    assert all(row["suggested"] != row["label"] for row in out["scores"])
    assert out["average_precision"] == pytest.approx(1) and out["auroc"] == pytest.approx(1)
    assert out["truly_wrong"] == 3 and len(out["scores"]) == out["n"] == 120
    assert [row["score"] for row in out["scores"]] == sorted(row["score"] for row in out["scores"])
    assert "colour as category" in out["probabilities"] and "a as number" in out["probabilities"]


def test_flipped_labels_of_texts_come_first(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.array(["spam", "ham"])[np.arange(120) % 2]
    texts = [f"{'win a prize' if t == 'spam' else 'see you tonight'} {rng.integers(99)}" for t in truth]
    label = truth.copy()
    label[list(FLIPPED)] = np.where(truth[list(FLIPPED)] == "spam", "ham", "spam")
    path = csv(tmp_path / "rows.csv", {"text": texts, "label": label})
    out = analyse("labels", path, "--label", "label", "--text", "text")
    assert sorted(row["row"] for row in out["scores"][:3]) == sorted(FLIPPED)
    assert "average_precision" not in out


def test_given_probabilities_are_used_as_they_are(tmp_path: Path) -> None:
    path, held = numbers(tmp_path), npz(tmp_path, probabilities=confident(), classes=np.array([0, 1]))
    out = analyse("labels", path, "--label", "label", "--probabilities", held)
    assert sorted(row["row"] for row in out["scores"][:3]) == sorted(FLIPPED)
    assert "row" in text("labels", path, "--label", "label", "--probabilities", held)


def test_columns_follow_classes_else_the_sorted_labels_else_their_numbers(tmp_path: Path) -> None:
    path = numbers(tmp_path)
    swapped = npz(tmp_path, only=confident()[:, ::-1], classes=np.array(["1", "0"]))
    assert analyse("labels", path, "--label", "label", "--probabilities", swapped)["classes"] == ["1", "0"]
    more = npz(tmp_path, only=confident(k=12))
    out = analyse("labels", path, "--label", "label", "--probabilities", more)
    assert out["classes"] == [str(code) for code in range(12)]


def test_rows_without_a_label_are_left_out_and_rows_keep_their_number(tmp_path: Path) -> None:
    label = [None, *("01" * 60)[1:]]
    label[50] = str(1 - int(label[50]))
    path = csv(tmp_path / "rows.csv", {"label": label})
    out = analyse("labels", path, "--label", "label", "--probabilities", npz(tmp_path, p=confident()))
    assert out["left_out"] == 1 and out["n"] == 119 and out["scores"][0]["row"] == 50


def test_a_truth_without_errors_leaves_the_ranking_unjudged(tmp_path: Path) -> None:
    path, held = numbers(tmp_path), npz(tmp_path, p=confident())
    out = analyse("labels", path, "--label", "truth", "--probabilities", held, "--truth", "truth")
    assert out["average_precision"] is None and out["auroc"] is None
    assert out["auroc_interval"]["note"]


def malformed(change: str) -> Any:
    found = confident()
    if change == "nan":
        found[7, 0] = np.nan
    elif change == "sum":
        found[7] = 0.9
    elif change == "negative":
        found[7] = [-0.1, 1.1]
    elif change == "short":
        return found[:-1]
    elif change == "wide":
        return confident(k=3)[:, :, None]
    return found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("nan", "has nan in row 7"),
        ("sum", "Row 7 of probabilities sums to 1.8"),
        ("negative", "has -0.1 in row 7"),
        ("short", "120 rows"),
        ("wide", "120 rows"),
    ],
)
def test_probabilities_that_are_none_are_refused(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        analyse("labels", numbers(tmp_path), "--label", "label", "--probabilities", npz(tmp_path, p=malformed(change)))


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    path, call = numbers(tmp_path), ("--label", "label", "--probabilities")
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    for held, message in (
        (tmp_path / "none.npz", "cannot be read"),
        (tmp_path / "bad.npz", "is not an NPZ"),
        (npz(tmp_path, one=confident(), two=confident()), "needs an array `probabilities`"),
    ):
        with pytest.raises(CommandError, match=message):
            analyse("labels", path, *call, held)
    with pytest.raises(CommandError, match="add an array `classes`"):
        analyse("labels", path, "--label", "colour", "--probabilities", npz(tmp_path, p=confident(k=3)))
    with pytest.raises(CommandError, match="'1' is not among the classes"):
        analyse("labels", path, *call, npz(tmp_path, p=confident(), classes=np.array(["0", "2"])))


def test_what_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    same = csv(tmp_path / "same.csv", {"x": range(20), "label": ["a"] * 20})
    with pytest.raises(CommandError, match="All labels are the same"):
        analyse("labels", same, "--label", "label", "--inputs", "x")
    with pytest.raises(CommandError, match="no column 'y'; it has x, label"):
        analyse("labels", same, "--label", "label", "--inputs", "x,y")
    with pytest.raises(CommandError, match="cannot be its own input"):
        analyse("labels", same, "--label", "label", "--inputs", "label")
    few = csv(tmp_path / "few.csv", {"x": range(4), "label": list("abab")})
    with pytest.raises(CommandError, match="too few"):
        analyse("labels", few, "--label", "label", "--inputs", "x")
    none = csv(tmp_path / "none.csv", {"x": range(4), "label": [None] * 4})
    with pytest.raises(CommandError, match="no label in column 'label'"):
        analyse("labels", none, "--label", "label", "--inputs", "x")


def test_numbers_beyond_all_measure_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"a": [*range(59), "1e300"], "label": list("xy") * 30})
    with pytest.raises(CommandError, match="column 'a': 1e.300 in row 59"):
        analyse("labels", path, "--label", "label", "--inputs", "a")


def test_constant_and_empty_inputs_judge_nothing_but_do_not_break(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"a": [1] * 60, "b": [None] * 60, "label": list("xy") * 30})
    out = analyse("labels", path, "--label", "label", "--inputs", "a,b")
    assert out["flagged"] == 0 or out["expected_precision"]["value"] < 0.6
    assert len({round(row["score"], 2) for row in out["scores"]}) <= 12


class TopicEncoder:
    """Knows what a text is about, in whatever words it says so."""

    name, digest, per_text = "topics", "d" * 64, True

    def encode(self, texts: Any) -> Any:
        euro = np.array(["euro" in text or "money" in text for text in texts])
        return np.column_stack([euro, ~euro]).astype(np.float32)


def test_texts_are_read_by_the_text_encoder_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = EncoderChoice(TopicEncoder(), "Encoded.")
    monkeypatch.setattr(choice, "choose", lambda setting: chosen)
    rng = np.random.default_rng(0)
    truth = np.arange(80) % 2
    words = [f"{rng.choice(['card', 'plastic'] if t else ['euro', 'money'])} {rng.integers(9999)}" for t in truth]
    label = truth.copy()
    label[list(FLIPPED)] = 1 - label[list(FLIPPED)]
    rows = csv(tmp_path / "rows.csv", {"text": words, "label": label, "truth": truth})
    out = analyse("labels", rows, "--label", "label", "--text", "text", "--truth", "truth")
    assert sorted(row["row"] for row in out["scores"][:3]) == sorted(FLIPPED)
    assert out["probabilities"].endswith("Texts are encoded by topics.")
    assert "nearest vectors" in out["probabilities"]


def drawn_by_a_coin(folder: Path, copies: int, seed: int) -> tuple[Path, Path]:
    """60 texts whose labels are drawn with the probabilities given for them, so that none is wrong; each `copies`
    times."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(f"word{word}" for word in rng.integers(20, size=8)) for _ in range(60)]
    p = rng.beta(3, 3, size=60)
    label = (rng.random(60) < p).astype(int)
    path = csv(folder / "rows.csv", {"text": texts * copies, "label": np.tile(label, copies)})
    held = npz(folder, p=np.tile(np.column_stack([1 - p, p]), (copies, 1)), classes=np.array([0, 1]))
    return path, held


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_copied_rows_make_no_figure_surer(tmp_path: Path, seed: int) -> None:
    found = {}
    for copies in (1, 10):
        path, held = drawn_by_a_coin(tmp_path, copies, seed)
        found[copies] = analyse("labels", path, "--label", "label", "--probabilities", held)
    once, ten = found[1], found[10]
    assert (once["copies"], ten["copies"], ten["n"]) == (0, 540, 600)
    share = "estimated_share_wrong"
    for end in ("value", "low", "high"):
        assert ten[share][end] == pytest.approx(once[share][end], abs=1e-6)
    assert (once["flagged"], ten["flagged"]) == (0, 0) and ten["method"] == once["method"]
    assert ten[share]["low"] == 0 and ten[share]["high"] > 0.7
    assert "540 of them are copies of others" in text("labels", path, "--label", "label", "--probabilities", held)


def test_copied_rows_make_the_measured_quality_of_the_ranking_no_surer(tmp_path: Path) -> None:
    found = {}
    for copies in (1, 10):
        path, held = drawn_by_a_coin(tmp_path, copies, seed=0)
        rows = pd.read_csv(path)
        rows["truth"] = np.where(np.arange(len(rows)) % 60 % 7 == 0, 1 - rows["label"], rows["label"])
        rows.to_csv(path, index=False)
        found[copies] = analyse("labels", path, "--label", "label", "--probabilities", held, "--truth", "truth")
    for figure in ("auroc_interval", "average_precision_interval"):
        once, ten = found[1][figure], found[10][figure]
        assert ten["high"] - ten["low"] == pytest.approx(once["high"] - once["low"], rel=0.05), figure


def test_copied_texts_count_once_where_the_model_is_fitted_here(tmp_path: Path) -> None:
    path, _ = drawn_by_a_coin(tmp_path, 10, seed=0)
    out = analyse("labels", path, "--label", "label", "--text", "text")
    share = out["estimated_share_wrong"]
    assert out["copies"] == 540 and share["high"] - share["low"] > 0.9


def test_the_table_shows_what_each_suspect_row_holds(tmp_path: Path) -> None:
    path = numbers(tmp_path)
    shown = text("labels", path, "--label", "label", "--inputs", "a,colour").splitlines()
    assert [line for line in shown if line.split()[:1] == ["40"] and "colour=" in line and "a=" in line]
    texts = csv(
        tmp_path / "texts.csv", {"body": [f"win a prize {i}" for i in range(20)] + [""], "y": [0, 1] * 10 + [1]}
    )
    assert "win a prize 7" in text("labels", texts, "--label", "y", "--text", "body")


def test_labels_spelt_in_two_ways_are_refused(tmp_path: Path) -> None:
    names = ["ham", "spam"] * 10
    path = csv(tmp_path / "rows.csv", {"x": range(20), "y": ["HAM", *names[1:]], "z": [name.title() for name in names]})
    with pytest.raises(CommandError, match="'HAM' and 'ham' in 'y' differ only in case"):
        analyse("labels", path, "--label", "y", "--inputs", "x")
    with pytest.raises(CommandError, match="'z' and 'y' share no label: Ham, Spam against HAM, ham, spam"):
        analyse("labels", path, "--label", "z", "--inputs", "x", "--truth", "y")
    given = npz(tmp_path, probabilities=np.full((20, 2), 0.5), classes=np.array(["ham", "spam"]))
    with pytest.raises(CommandError, match="'z' and the probabilities' classes share no label"):
        analyse("labels", path, "--label", "z", "--probabilities", given)


def test_a_quantity_and_names_that_do_not_repeat_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    price, who = (100 + 20 * x).round(2), [f"customer {row}" for row in range(200)]
    path = csv(tmp_path / "rows.csv", {"x": x, "price": price, "who": who, "score": rng.integers(1, 11, 200)})
    with pytest.raises(CommandError, match="'price' holds .* different numbers in 200 rows, .*: a quantity"):
        analyse("labels", path, "--label", "price", "--inputs", "x")
    with pytest.raises(CommandError, match="'who' has 200 different values in 200 rows; labels must repeat"):
        analyse("labels", path, "--label", "who", "--inputs", "x")
    assert len(analyse("labels", path, "--label", "score", "--inputs", "x")["classes"]) == 10


@pytest.mark.simulation
def test_inputs_that_tell_nothing_are_said_to_and_nothing_is_flagged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {"region": rng.choice(list("NESW"), 400), "age": rng.integers(18, 90, 400)}
    path = csv(tmp_path / "rows.csv", columns | {"label": rng.choice(["yes", "no"], 400)})
    out = analyse("labels", path, "--label", "label", "--inputs", "region,age")
    assert out["flagged"] == 0 and out["expected_precision"] is None
    assert out["estimated_share_wrong"]["value"] is None and "tell nothing" in out["estimated_share_wrong"]["note"]
    assert "tell nothing about the labels" in text("labels", path, "--label", "label", "--inputs", "region,age")
