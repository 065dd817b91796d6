"""`analyse performance` measures scores against labels, each figure with its interval and what it rests on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management.base import CommandError
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

from tests.analysis.analysing import analyse, csv, text

CALL = ("--label", "label", "--scores", "p_")


def scored(folder: Path, rows: int = 600, *, keep: tuple[str, ...] = ("p_0", "p_1"), **more: Any) -> tuple[Path, Any]:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 1, rows).round(4)
    label = (rng.random(rows) < p).astype(int)
    columns = {"label": label, "p_0": 1 - p, "p_1": p}
    kept = {name: value for name, value in columns.items() if name == "label" or name in keep}
    return csv(folder / "rows.csv", {**kept, **{name: make(rng, rows) for name, make in more.items()}}), (label, p)


def test_metrics_are_those_of_scikit_learn_with_intervals_around_them(tmp_path: Path) -> None:
    path, (label, p) = scored(tmp_path)
    out = analyse("performance", path, *CALL)
    for name, wanted in (
        ("accuracy", ((p > 0.5) == label).mean()),
        ("roc_auc", roc_auc_score(label, p)),
        ("pr_auc", average_precision_score(label, p)),
        ("log_loss", log_loss(label, p)),
        ("brier", brier_score_loss(label, p)),
    ):
        assert out[name]["value"] == pytest.approx(wanted, abs=0.003), name
        assert out[name]["low"] < out[name]["value"] < out[name]["high"] and out[name]["n"] > 0
    assert (out["n"], out["effective_n"], out["positive"]) == (600, 600, "1")
    assert np.sum(out["confusion"]["counts"]) == 600
    assert "accuracy" in text("performance", path, *CALL)


def test_the_threshold_curve_is_thin_and_right(tmp_path: Path) -> None:
    path, (label, p) = scored(tmp_path, rows=3000)
    out = analyse("performance", path, *CALL)
    assert 100 <= len(out["thresholds"]) <= 201
    point = out["thresholds"][100]
    called = p >= point["threshold"] - 1e-12
    assert point["flagged"] == called.sum()
    assert point["precision"]["value"] == pytest.approx(label[called].mean())
    assert point["recall"]["value"] == pytest.approx(label[called].sum() / label.sum())


def test_scores_that_mean_what_they_say_are_calibrated_and_bold_ones_are_not(tmp_path: Path) -> None:
    path, (label, p) = scored(tmp_path, rows=3000)
    honest = analyse("performance", path, *CALL)["calibration"]
    bold = (p > 0.5) * 0.98 + 0.01
    path = csv(tmp_path / "bold.csv", {"label": label, "p_0": 1 - bold, "p_1": bold})
    boasting = analyse("performance", path, *CALL)["calibration"]
    assert honest["expected_calibration_error"]["value"] < 0.03 < boasting["expected_calibration_error"]["value"]
    assert boasting["spiegelhalter"]["p"] < 1e-6 < honest["spiegelhalter"]["p"]
    assert all(one["observed"]["low"] <= one["predicted"] <= one["observed"]["high"] for one in honest["bins"][2:4])


def test_weights_undo_a_choice_of_rows(tmp_path: Path) -> None:
    """A tenth of the items that the model calls 0 was labelled, and all of the others."""
    rng = np.random.default_rng(3)
    p = rng.random(40_000)
    label = (rng.random(p.size) < p**2).astype(int)
    kept = (p > 0.5) | (rng.random(p.size) < 0.1)
    columns = {"label": label, "p_0": 1 - p, "p_1": p, "w": np.where(p > 0.5, 1, 10)}
    path = csv(tmp_path / "rows.csv", {name: values[kept] for name, values in columns.items()})
    everything, naive = ((p > 0.5) == label).mean(), ((p > 0.5) == label)[kept].mean()
    accuracy = analyse("performance", path, *CALL, "--weight", "w")["accuracy"]
    assert accuracy["low"] < everything < accuracy["high"] and abs(naive - everything) > 0.05
    out = analyse("performance", path, *CALL, "--weight", "w")
    assert out["effective_n"] < out["n"]
    assert np.sum(out["confusion"]["weighted"]) == pytest.approx(columns["w"][kept].sum())


def test_several_classes_have_a_curve_only_for_a_named_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.4] * 3, 500)
    label = np.array(["a", "b", "c"])[[rng.choice(3, p=row) for row in p]]
    path = csv(tmp_path / "rows.csv", {"label": label, **{f"p_{c}": p[:, i] for i, c in enumerate("abc")}})
    out = analyse("performance", path, *CALL)
    assert out["thresholds"] is None and "--positive" in out["thresholds_note"]
    assert out["calibration"]["of"] == "the highest score" and len(out["per_class"]) == 3
    named = analyse("performance", path, *CALL, "--positive", "b")
    assert named["positive"] == "b" and named["thresholds"] and named["calibration"]["of"] == "the score of b"
    assert named["thresholds"][-1]["recall"]["value"] == 1


def test_one_column_of_scores_is_enough_for_two_classes(tmp_path: Path) -> None:
    path, (label, p) = scored(tmp_path, keep=("p_1",))
    out = analyse("performance", path, *CALL)
    assert out["roc_auc"]["value"] == pytest.approx(roc_auc_score(label, p)) and "Only p_1" in out["note"]
    plain = analyse("performance", path, "--label", "label", "--scores", "p_1", "--positive", "1")
    assert plain["roc_auc"] == out["roc_auc"]


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "rows.csv", {"label": [1, None, 0, 1], "p_0": [0.2, None, 0.9, 0.6], "p_1": [0.8, 7, 0.1, 0.4]}
    )
    out = analyse("performance", path, *CALL)
    assert (out["n"], out["left_out"]) == (3, 1)
    assert out["accuracy"]["value"] == pytest.approx(2 / 3)


def test_one_class_only_leaves_areas_undefined_with_a_reason(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"label": [1] * 30, "p_0": [0.2] * 30, "p_1": [0.8] * 30})
    out = analyse("performance", path, *CALL)
    assert out["roc_auc"]["value"] is None and out["roc_auc"]["note"]
    assert out["thresholds"][0]["precision"]["value"] is None and out["thresholds_note"]
    assert out["accuracy"]["value"] == 1 and "undefined" in text("performance", path, *CALL)


def test_a_single_row_has_values_without_intervals(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"label": [1], "p_0": [0.2], "p_1": [0.8]})
    out = analyse("performance", path, *CALL)
    assert out["log_loss"]["value"] == pytest.approx(-np.log(0.8)) and out["log_loss"]["low"] is None
    assert out["log_loss"]["note"] == "One item gives no interval."


def test_scores_that_were_rounded_are_divided_by_their_sum_which_is_said(tmp_path: Path) -> None:
    rounded = {"label": [1, 0, 1], "p_0": [0.2, 0.333, 0.5], "p_1": [0.8, 0.666, 0.5]}
    exact = {**rounded, "p_0": [0.2, 0.333 / 0.999, 0.5], "p_1": [0.8, 0.666 / 0.999, 0.5]}
    out = analyse("performance", csv(tmp_path / "rounded.csv", rounded), *CALL)
    same = analyse("performance", csv(tmp_path / "exact.csv", exact), *CALL)
    assert out["note"] == "The scores of 1 row do not sum to 1, by 0.001 at most; they were divided by their sum."
    assert "note" not in same
    assert out["log_loss"]["value"] == pytest.approx(same["log_loss"]["value"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"p_0": [0.2, None], "p_1": [0.8, None]}, "scores has nan in row 1"),
        ({"p_0": [0.2, 0.9], "p_1": [0.8, 0.9]}, "Row 1 of scores sums to 1.8"),
        ({"p_0": [-0.2, 0.1], "p_1": [1.2, 0.9]}, "it must lie between 0 and 1"),
        ({"p_0": [0.2, "x"], "p_1": [0.8, 0.9]}, "'x' in column 'p_0', row 1"),
        ({"p_a": [0.2, 0.1], "p_b": [0.8, 0.9]}, "The label '0' has no column 'p_0'; the score columns are p_a, p_b"),
        ({"q": [0.2, 0.1]}, "no column that begins with 'p_'; it has label, q"),
        ({"p_3": [0.2, 0.1]}, "'p_3' scores '3', but the labels are 0, 1"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = csv(tmp_path / "rows.csv", {"label": [1, 0], **columns})
    with pytest.raises(CommandError, match=message):
        analyse("performance", path, *CALL)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 0], "the weight 0 in row 1"),
        ([-1, 1], "the weight -1 in row 0"),
        ([1, None], "no weight in row 1"),
        ([1, "inf"], "the weight inf in row 1"),
    ],
)
def test_weights_that_stand_for_nothing_are_refused(tmp_path: Path, weight: list[Any], message: str) -> None:
    path = csv(tmp_path / "rows.csv", {"label": [1, 0], "p_0": [0.2, 0.9], "p_1": [0.8, 0.1], "w": weight})
    with pytest.raises(CommandError, match=message):
        analyse("performance", path, *CALL, "--weight", "w")


def test_a_positive_that_is_no_class_and_a_file_without_labels_are_refused(tmp_path: Path) -> None:
    path, _ = scored(tmp_path, rows=20)
    with pytest.raises(CommandError, match="no class 'spam' to be positive; there are 0, 1"):
        analyse("performance", path, *CALL, "--positive", "spam")
    none = csv(tmp_path / "none.csv", {"label": [None] * 2, "p_0": [0.5] * 2, "p_1": [0.5] * 2})
    with pytest.raises(CommandError, match="no label in column 'label'"):
        analyse("performance", none, *CALL)


def test_copies_of_a_row_count_once_in_every_interval(tmp_path: Path) -> None:
    path, (label, p) = scored(tmp_path, rows=60)
    once = analyse("performance", path, *CALL)
    texts = [f"case {row} about {row * 7919 % 1000} things that happened to {row * row} people" for row in range(60)]
    columns = {"label": label, "p_0": 1 - p, "p_1": p, "text": texts, "country": ["de", "fr"] * 30}
    repeated = {name: np.tile(values, 10) for name, values in columns.items()} | {"id": range(600)}
    out = analyse("performance", csv(tmp_path / "ten.csv", repeated), *CALL)
    assert (out["n"], out["copies"], out["effective_n"]) == (600, 540, pytest.approx(60))
    for name in ("accuracy", "log_loss", "roc_auc", "brier"):
        assert [out[name][key] for key in ("low", "high")] == pytest.approx(
            [once[name][key] for key in ("low", "high")]
        )
    assert "540 of them are copies of others" in text("performance", tmp_path / "ten.csv", *CALL)


def test_a_number_too_large_in_a_column_that_is_not_asked_about_refuses_nothing(tmp_path: Path) -> None:
    path, _ = scored(tmp_path, rows=50, amount=lambda rng, rows: np.where(np.arange(rows) == 3, 1e300, 1.5))
    assert analyse("performance", path, *CALL)["copies"] == 0


def test_a_column_named_whole_is_the_score_whatever_else_begins_with_its_name(tmp_path: Path) -> None:
    rows = {"y": [0, 1] * 30, "score": [0.2, 0.9] * 30, "score_version": ["v1"] * 60}
    out = analyse("performance", csv(tmp_path / "rows.csv", rows), "--label", "y", "--scores", "score")
    assert (out["accuracy"]["value"], out["positive"]) == (1.0, "1")


def test_a_column_that_scores_no_label_is_left_out_and_named(tmp_path: Path) -> None:
    rows = {"y": ["cat", "dog"] * 30, "p_cat": [0.8, 0.3] * 30, "p_dog": [0.2, 0.7] * 30, "p_entropy": [0.3] * 60}
    out = analyse("performance", csv(tmp_path / "rows.csv", rows), "--label", "y", "--scores", "p_")
    assert (out["classes"], out["accuracy"]["value"]) == (["cat", "dog"], 1.0)
    assert "left out: p_entropy" in out["note"]


def test_predicted_labels_are_judged_without_scores(tmp_path: Path) -> None:
    truth = ["a", "a", "b", "b", "c", "", "a"]
    said = ["a", "b", "b", "b", "b", "a", ""]
    path = csv(tmp_path / "rows.csv", {"y": truth, "said": said})
    out = analyse("performance", path, "--label", "y", "--predicted", "said", "--positive", "b")
    assert (out["n"], out["left_out"], out["classes"], out["positive"]) == (5, 2, ["a", "b", "c"], "b")
    assert out["accuracy"]["value"] == pytest.approx(3 / 5) and out["accuracy"]["low"] < 0.6 < out["accuracy"]["high"]
    assert out["macro_f1"]["value"] == pytest.approx(f1_score(truth[:5], said[:5], average="macro"))
    assert out["confusion"]["counts"] == [[1, 1, 0], [0, 2, 0], [0, 1, 0]]
    for name in ("log_loss", "brier", "roc_auc", "pr_auc"):
        assert out[name]["value"] is None and out[name]["note"]
    assert out["thresholds"] is out["calibration"] is None and "need scores" in out["calibration_note"]
    assert "need scores" in text("performance", path, "--label", "y", "--predicted", "said")


def test_predictions_of_no_label_are_classes_and_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"y": ["a", "b", "a"], "said": ["a", "b", "other"]})
    out = analyse("performance", path, "--label", "y", "--predicted", "said")
    assert out["classes"] == ["a", "b", "other"] and "the label of no row: other" in out["note"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["Yes", "No"], "'y' and 'said' share no label: no, yes against No, Yes"),
        (["True", "0"], "share no label"),
        (["yes", "No"], "'no' and 'No' in 'y' and 'said' differ only in case"),
        (["", ""], "no row with both a label and a prediction"),
    ],
)
def test_predictions_spelt_another_way_are_refused(tmp_path: Path, said: list[str], message: str) -> None:
    path = csv(tmp_path / "rows.csv", {"y": ["yes", "no"], "said": said})
    with pytest.raises(CommandError, match=message):
        analyse("performance", path, "--label", "y", "--predicted", "said")


def test_scores_or_predictions_are_needed_and_not_both(tmp_path: Path) -> None:
    path = csv(tmp_path / "rows.csv", {"y": ["a"], "said": ["a"], "p_a": [1], "p_b": [0]})
    for words in ((), ("--predicted", "said", "--scores", "p_")):
        with pytest.raises(CommandError):
            analyse("performance", path, "--label", "y", *words)
