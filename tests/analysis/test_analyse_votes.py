"""`analyse votes` resolves a file of votes, and says how good that is where a truth is given."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management.base import CommandError

from inputs.encoders import choice
from inputs.encoders.choice import EncoderChoice
from tests.analysis.analysing import analyse, csv, text

COLUMNS = ("--item", "item", "--annotator", "who", "--label", "label")


def votes(folder: Path, rows: list[tuple[Any, Any, Any]], name: str = "votes.csv") -> Path:
    return csv(folder / name, dict(zip(("item", "who", "label"), zip(*rows, strict=True), strict=True)))


def planted(items: int = 40, seed: int = 0) -> tuple[list[tuple[Any, Any, Any]], list[int]]:
    """Five careful people and one who always says the opposite, on items with labels 0 and 1."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, items).tolist()
    rows = []
    for item, label in enumerate(truth):
        rows += [(item, f"good{i}", label if rng.random() < 0.9 else 1 - label) for i in range(5)]
        rows.append((item, "bad", 1 - label))
    return rows, truth


def test_majority_and_its_accuracy_are_those_counted_by_hand(tmp_path: Path) -> None:
    rows = [("a", "x", "1"), ("a", "y", "1"), ("a", "z", "0"), ("b", "x", "0"), ("b", "y", "0"), ("c", "x", "1")]
    truth = csv(tmp_path / "truth.csv", {"item": ["a", "b", "c", "d"], "label": ["1", "1", "1.0", "0"]})
    out = analyse("votes", votes(tmp_path, rows), *COLUMNS, "--truth", truth, "--method", "majority")
    assert out["method"] == "majority"
    assert [(r["item"], r["label"]) for r in out["resolutions"]] == [("a", "1"), ("b", "0"), ("c", "1")]
    assert out["resolutions"][0]["quality"] == pytest.approx(2 / 3)
    assert out["accuracy"] == pytest.approx(2 / 3) and out["accuracy_interval"]["n"] == 3
    assert {r["annotator"]: r["n"] for r in out["annotators"]} == {"x": 3, "y": 2, "z": 1}
    assert out["n"] == {"items": 3, "votes": 6, "replaced": 0, "left_out": 0}


def test_the_quality_of_what_all_get_wrong_is_said_to_be_too_high(tmp_path: Path) -> None:
    rows, truth = planted(60)
    for wrong, words in ((0, "within the interval"), (30, "which is too high: quality here is not the chance")):
        named = [1 - label if item < wrong else label for item, label in enumerate(truth)]
        given = csv(tmp_path / f"{wrong}.csv", {"item": range(60), "label": named})
        asked = "votes", votes(tmp_path, rows), *COLUMNS, "--truth", given, "--method", "one_coin"
        out = analyse(*asked)
        assert out["stated_quality"] == pytest.approx(np.mean([one["quality"] for one in out["resolutions"]]))
        assert f"their mean quality says {out['stated_quality']:.3f}, {words}" in text(*asked)


@pytest.mark.parametrize("method", ["auto", "majority", "dawid_skene", "one_coin", "glad", "crowdlab"])
def test_every_method_resolves_and_rates_the_bad_annotator_last(tmp_path: Path, method: str) -> None:
    rows, truth = planted()
    out = analyse("votes", votes(tmp_path, rows), *COLUMNS, "--method", method)
    right = np.mean([int(r["label"]) == truth[int(r["item"])] for r in out["resolutions"]])
    assert right >= 0.85
    assert min(out["annotators"], key=lambda r: r["quality"])["annotator"] == "bad"
    alpha = out["agreement"]["krippendorff_alpha"]
    assert alpha["low"] <= alpha["value"] <= alpha["high"]


def test_a_whole_number_in_parquet_comes_back_as_one(tmp_path: Path) -> None:
    rows, _ = planted(10)
    path = tmp_path / "votes.parquet"
    pd.DataFrame(rows, columns=["item", "who", "label"]).to_parquet(path)
    out = analyse("votes", path, *COLUMNS, "--method", "majority")
    assert [r["item"] for r in out["resolutions"]] == list(range(10)) and out["resolutions"][0]["label"] in (0, 1)


def test_votes_that_lack_something_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [("a", "x", "1"), ("a", "y", None), ("b", None, "0"), ("b", "x", "0"), ("b", "x", "1")]
    out = analyse("votes", votes(tmp_path, rows), *COLUMNS, "--method", "majority")
    assert out["n"] == {"items": 2, "votes": 2, "replaced": 1, "left_out": 2}
    assert (
        "1 of 3 votes were followed by another of the same annotator on the same item; the last one counts"
        in out["why"]
    )
    assert out["resolutions"][1]["label"] == "1", "the later vote of one annotator counts"


def test_one_annotator_only_leaves_quality_and_agreement_undefined_with_a_reason(tmp_path: Path) -> None:
    out = analyse("votes", votes(tmp_path, [("a", "x", "1"), ("b", "x", "0")]), *COLUMNS)
    assert [r["quality"] for r in out["resolutions"]] == [None, None] and "undefined" in out["why"]
    assert out["agreement"]["krippendorff_alpha"]["value"] is None
    assert "No item has two votes" in out["agreement"]["krippendorff_alpha"]["note"]
    assert "undefined" in text("votes", tmp_path / "votes.csv", *COLUMNS)


def test_a_label_that_is_no_finite_number_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    pd.DataFrame({"item": [1, 2], "who": ["x", "x"], "label": [np.inf, 0.5]}).to_parquet(path)
    assert [r["label"] for r in analyse("votes", path, *COLUMNS)["resolutions"]] == ["inf", 0.5]


def test_one_label_only_leaves_agreement_undefined_with_a_reason(tmp_path: Path) -> None:
    out = analyse("votes", votes(tmp_path, [("a", "x", "1"), ("a", "y", "1")]), *COLUMNS)
    assert out["agreement"]["krippendorff_alpha"]["value"] is None
    assert "Only one value" in out["agreement"]["krippendorff_alpha"]["note"]


def test_texts_teach_a_model_that_settles_split_votes(tmp_path: Path) -> None:
    rows: list[tuple[Any, Any, Any]] = []
    texts, rng = [], np.random.default_rng(1)
    for item in range(60):
        label = ("cat", "dog")[item % 2]
        texts.append(f"the {'mewing' if label == 'cat' else 'barking'} one, number {rng.integers(1000)}")
        rows += [(item, "x", label), (item, "y", label)] if item < 50 else [(item, "x", "cat"), (item, "y", "dog")]
    items = csv(tmp_path / "items.csv", {"item": range(60), "body": texts})
    given = ("votes", votes(tmp_path, rows), *COLUMNS, "--text", "body", "--items", items)
    out = analyse(*given, "--method", "crowdlab")
    split = {int(r["item"]): r["label"] for r in out["resolutions"] if int(r["item"]) >= 50}
    assert out["method"] == "crowdlab" and "out of sample" in out["why"]
    assert split == {item: ("cat", "dog")[item % 2] for item in range(50, 60)}


class SoundEncoder:
    """Knows which animal a text is about, in whatever words it says so."""

    name, digest, per_text = "sounds", "d" * 64, True

    def encode(self, texts: Any) -> Any:
        cats = np.array([text.startswith("c") for text in texts])
        return np.column_stack([cats, ~cats]).astype(np.float32)


def test_texts_are_read_by_the_text_encoder_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text is one word of its own, so that only its vector tells what it is about."""
    truth = np.array(["cat", "dog"])[np.arange(80) % 2]
    other = {"cat": "dog", "dog": "cat"}
    items = csv(
        tmp_path / "items.csv", {"item": range(80), "body": [f"{name[0]}{at}" for at, name in enumerate(truth)]}
    )
    rows = [(at, "ann", name) for at, name in enumerate(truth)]
    rows += [(at, "bob", other[name] if at % 8 < 2 else name) for at, name in enumerate(truth)]
    given = ("votes", votes(tmp_path, rows), *COLUMNS, "--text", "body", "--items", items)
    monkeypatch.setattr(choice, "choose", lambda setting: EncoderChoice(SoundEncoder(), "Encoded."))
    out = analyse(*given)
    assert "texts encoded by sounds" in out["why"] and "nearest vectors" in out["why"]
    resolved = {int(row["item"]): row["label"] for row in out["resolutions"]}
    assert [resolved[at] for at in range(80)] == truth.tolist()


def test_items_of_one_text_count_once_in_the_interval_of_the_accuracy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"word{word}" for word in rng.integers(50, size=9)) for _ in range(30)] * 10
    said = (rng.random(30) < 0.8).astype(int).tolist() * 10
    items = csv(tmp_path / "items.csv", {"item": range(300), "body": texts})
    truth = csv(tmp_path / "truth.csv", {"item": range(300), "label": [1] * 300})
    cast = votes(tmp_path, [(item, "x", label) for item, label in enumerate(said)])
    plain = ("votes", cast, *COLUMNS, "--truth", truth, "--method", "majority")
    width = {
        name: given["high"] - given["low"]
        for name, given in (
            ("items", analyse(*plain)["accuracy_interval"]),
            ("texts", analyse(*plain, "--text", "body", "--items", items)["accuracy_interval"]),
        )
    }
    assert width["texts"] > 2.5 * width["items"]


def test_texts_without_use_are_said_to_be(tmp_path: Path) -> None:
    items = csv(tmp_path / "items.csv", {"item": ["a", "b"], "body": ["x", "y"]})
    rows = [("a", "x", "1"), ("a", "y", "1"), ("b", "x", "0"), ("b", "y", "0")]
    out = analyse("votes", votes(tmp_path, rows), *COLUMNS, "--text", "body", "--items", items)
    assert "The texts could not be used" in out["why"]


def test_a_truth_file_with_other_names_is_understood_where_it_is_plain(tmp_path: Path) -> None:
    path = votes(tmp_path, [("a", "x", "1"), ("b", "x", "0")])
    for names in (("key", "answer"), ("item", "truth")):
        truth = csv(tmp_path / "truth.csv", dict(zip(names, (["a", "b"], ["1", "1"]), strict=True)))
        assert analyse("votes", path, *COLUMNS, "--truth", truth)["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ({"item": ["q"], "label": ["1"]}, "share no item: q against a, b; write each item one way"),
        ({"item": ["a", "a"], "label": ["1", "0"]}, "two labels for the item 'a'"),
        ({"item": ["a"], "p": ["1"], "q": ["0"]}, "has no column 'label'; it has item, p, q"),
    ],
)
def test_a_truth_that_says_nothing_is_refused(tmp_path: Path, truth: dict[str, Any], message: str) -> None:
    path = votes(tmp_path, [("a", "x", "1"), ("b", "x", "0")])
    with pytest.raises(CommandError, match=message):
        analyse("votes", path, *COLUMNS, "--truth", csv(tmp_path / "truth.csv", truth))


def test_what_cannot_be_resolved_is_refused(tmp_path: Path) -> None:
    path = votes(tmp_path, [("a", "x", "1"), ("b", "x", "0")])
    with pytest.raises(CommandError, match="CROWDLAB needs two annotators"):
        analyse("votes", path, *COLUMNS, "--method", "crowdlab")
    with pytest.raises(CommandError, match="no column 'person'; it has item, who, label"):
        analyse("votes", path, "--item", "item", "--annotator", "person", "--label", "label")
    with pytest.raises(CommandError, match="no vote with an item"):
        analyse("votes", csv(path, {"item": ["a"], "who": ["x"], "label": [None]}), *COLUMNS)
    with pytest.raises(CommandError, match="--items needs --text"):
        analyse("votes", path, *COLUMNS, "--items", path)


def test_copiers_are_named_and_count_as_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    hearsay = np.where(rng.random(200) < 0.5, truth, rng.integers(0, 3, 200))
    own = np.where(rng.random((200, 6)) < 0.75, truth[:, None], rng.integers(0, 3, (200, 6)))
    rows = [(i, f"copy{c}", hearsay[i]) for i in range(200) for c in range(4)]
    rows += [(i, f"own{o}", own[i, o]) for i in range(200) for o in range(6)]
    path = votes(tmp_path, rows)
    out = analyse("votes", path, *COLUMNS)
    assert out["copies"] == [["copy0", "copy1", "copy2", "copy3"]]
    assert "4 annotators agree more than" in out["why"]
    assert np.mean([int(r["label"]) == truth[int(r["item"])] for r in out["resolutions"]]) > 0.95
    assert "Counted as one: copy0, copy1, copy2, copy3" in text("votes", path, *COLUMNS)
    assert analyse("votes", path, *COLUMNS, "--method", "majority")["copies"] == []


def test_a_truth_spelt_another_way_is_refused(tmp_path: Path) -> None:
    rows = {"item": [0, 0, 1, 1], "worker": ["a", "b"] * 2, "label": ["no", "no", "yes", "yes"]}
    truth = csv(tmp_path / "truth.csv", {"item": [0, 1], "label": ["No", "Yes"]})
    words = ("--item", "item", "--annotator", "worker", "--label", "label")
    with pytest.raises(CommandError, match="share no label: No, Yes against no, yes"):
        analyse("votes", csv(tmp_path / "votes.csv", rows), *words, "--truth", truth)


def test_a_column_an_annotator_is_the_same_votes(tmp_path: Path) -> None:
    rows, _ = planted(12)
    rows[3] = (*rows[3][:2], None)
    wide = pd.DataFrame(rows, columns=["item", "who", "label"]).pivot(index="item", columns="who", values="label")
    wide = wide.reset_index().assign(note="x")
    path = tmp_path / "wide.csv"
    wide.to_csv(path, index=False)
    expected = analyse("votes", votes(tmp_path, rows), *COLUMNS, "--method", "dawid_skene")
    for pattern in ("good*,bad", "*[d0-9]"):
        out = analyse("votes", path, "--item", "item", "--annotators", pattern, "--method", "dawid_skene")
        assert out["n"] == {**expected["n"], "left_out": 1}
        assert [r["label"].removesuffix(".0") for r in out["resolutions"]] == [
            r["label"].removesuffix(".0") for r in expected["resolutions"]
        ]
        assert {a["annotator"]: a["n"] for a in out["annotators"]} == {
            a["annotator"]: a["n"] for a in expected["annotators"]
        }


def test_annotators_in_columns_exclude_those_in_rows_and_must_exist(tmp_path: Path) -> None:
    path = votes(tmp_path, [("a", "x", "1"), ("b", "y", "0")])
    for words, message in (
        (("--annotators", "none_*"), "no column that 'none_\\*' names; .* It has item, who, label"),
        (("--annotators", "w*", "--label", "label"), "either --annotator and --label, or --annotators"),
        (("--annotator", "who"), "either --annotator and --label, or --annotators"),
        ((), "either --annotator and --label, or --annotators"),
    ):
        with pytest.raises(CommandError, match=message):
            analyse("votes", path, "--item", "item", *words)


def test_items_and_votes_spelt_in_two_ways_are_refused(tmp_path: Path) -> None:
    path = votes(tmp_path, [("a", "x", "yes"), ("b", "x", "no"), ("b", "y", "No")])
    with pytest.raises(CommandError, match="'No' and 'no' in 'label' differ only in case"):
        analyse("votes", path, *COLUMNS)
    items = csv(tmp_path / "items.csv", {"item": ["A", "B"], "text": ["some words", "other words"]})
    rows = votes(tmp_path, [("a", "x", "yes"), ("b", "x", "no")])
    with pytest.raises(CommandError, match="'item' of items.csv and 'item' of the votes share no item: A, B"):
        analyse("votes", rows, *COLUMNS, "--text", "text", "--items", items)


def test_labels_that_are_numbers_have_ordinal_and_interval_agreement_too(tmp_path: Path) -> None:
    """Units and values of Krippendorff's example C (2011)."""
    rows = {
        "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
        "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
        "C": [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
        "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
    }
    path = csv(tmp_path / "wide.csv", {"item": range(12), **rows})
    found = analyse("votes", path, "--item", "item", "--annotators", "[A-D]")["agreement"]
    values = {one["level"]: round(one["value"], 3) for one in found.values()}
    assert values == {"nominal": 0.743, "ordinal": 0.815, "interval": 0.849}
    shown = text("votes", path, "--item", "item", "--annotators", "[A-D]")
    assert "alpha, ordinal 0.815" in shown and "alpha, interval 0.849" in shown and "alpha, nominal 0.743" in shown


def test_lists_of_labels_agree_by_what_they_share(tmp_path: Path) -> None:
    said = {"x": ['["a", "b"]', '["c"]', "[]", '["b"]'], "y": ['["b"]', '["c"]', "[]", '["a"]']}
    path = votes(tmp_path, [(item, who, label) for who, labels in said.items() for item, label in enumerate(labels)])
    found = analyse("votes", path, *COLUMNS)["agreement"]
    assert found["krippendorff_alpha_sets"]["value"] > found["krippendorff_alpha"]["value"] > 0
    assert "alpha, sets" in text("votes", path, *COLUMNS)


def test_names_and_two_numbers_have_nominal_agreement_only(tmp_path: Path) -> None:
    for labels in (("1", "0"), ("a", "b")):
        rows = [(item, who, labels[(item + (who == "y" and item > 3)) % 2]) for item in range(6) for who in "xy"]
        assert list(analyse("votes", votes(tmp_path, rows), *COLUMNS)["agreement"]) == ["krippendorff_alpha"]
