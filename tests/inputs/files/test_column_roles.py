"""What each column of a file is guessed to be, and the few words that say why."""

import json
from pathlib import Path

import pandas as pd
import pytest

from inputs.files.column_roles import ColumnGuess, ColumnRole, explain, guess_columns, once_each
from inputs.files.column_scores import score_prefix
from inputs.files.profiles import profile_columns
from inputs.files.readers import read_table
from inputs.files.table import Table

WORDS = ("my card was charged twice", "the parcel did not arrive yet", "please close my old account")


def guesses(columns: dict[str, list[object]], *, typed: bool = False) -> dict[str, ColumnGuess]:
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    table = Table("the file", frame if typed else frame.astype(str), typed=typed)
    return {guess.name: guess for guess in guess_columns(profile_columns(table), table)}


def repeated(*values: object, n: int = 60) -> list[object]:
    return [values[row % len(values)] for row in range(n)]


def numbered(*values: str, n: int = 60) -> list[object]:
    return [f"{values[row % len(values)]} {row}" for row in range(n)]


def test_a_file_of_tickets_is_understood_column_by_column() -> None:
    found = guesses(
        {
            "ticket_id": [f"T-{row}" for row in range(60)],
            "opened_at": [f"2026-08-{1 + row % 28:02d} 07:12:00" for row in range(60)],
            "message": ["", *numbered(*WORDS)[1:]],
            "channel": repeated("app", "email", "phone"),
            "customer_months": repeated(0, 14, 214),
            "team": repeated("billing", "fault", "Billing"),
            "model_team": repeated("billing", "fault", "fault"),
            "model_score": repeated(0.94, 0.52, 1),
            "model_version": repeated("r6", "r7"),
            "agent_email": repeated("a.okafor@shop.com", "m.lindt@shop.com"),
        }
    )
    assert {name: (guess.role, guess.reason) for name, guess in found.items()} == {
        "ticket_id": ("key", "differs in every row"),
        "opened_at": ("at", "1 Aug to 28 Aug 2026, UTC"),
        "message": ("text", "1 of 60 are empty"),
        "channel": ("segment", "3 values"),
        "customer_months": ("number", "0 to 214"),
        "team": ("label", "1 label spelt two ways"),
        "model_team": ("predicted", "2 values: billing, fault"),
        "model_score": ("confidence", "0.52 to 1"),
        "model_version": ("version", "2 values: r6, r7"),
        "agent_email": ("ignore", "names a person"),
    }
    assert {name for name, guess in found.items() if guess.warns} == {"message", "team", "agent_email"}


@pytest.mark.parametrize(
    ("name", "cells", "role", "reason"),
    [
        ("column 3", [""] * 60, "ignore", "empty in every row"),
        ("origin", ["all"] * 60, "ignore", "the same in every row"),
        ("split", repeated("train", "test"), "ignore", "divides the file: 2 values: test, train"),
        ("contact", repeated("+49 170 1234567", "0049 30 998877"), "ignore", "names a person"),
        ("customer_name", [f"Person number {row}" for row in range(60)], "ignore", "names a person"),
        ("photo", numbered("https://shop.com/a.png?v="), "text", "2 words on average"),
        ("photo", repeated("https://shop.com/a.png", "https://shop.com/b.jpg?w=80"), "image", "addresses of pictures"),
        ("photo", repeated("https://shop.com/a.png", "images/b.jpg"), "ignore", "paths of pictures"),
        ("scan", repeated("iVBORw0KGgoAAAANSUhEUg==", "/9j/4AAQSkZJRg=="), "image", "pictures"),
        ("at", repeated("04/05/2026", "04/06/2026"), "ignore", "day or month first?"),
        ("customer_id", [str(1000 + row // 2) for row in range(80)], "ignore", "an id that repeats: 40 in 80 rows"),
        ("PhoneService", repeated("Yes", "No"), "boolean", "2 values: No, Yes"),
        ("SEX", repeated(1, 2), "category", "2 values"),
        ("children", repeated(1, 2, 3), "number", "1 to 3"),
        ("year", repeated(2015, 2018), "number", "2015 to 2018"),
        ("loss", repeated(-1250.5, 3), "number", "−1,250.50 to 3"),
        ("zip", repeated("01234", "10115"), "category", "2 values"),
        ("shop_country", repeated("de", "fr"), "segment_input", "2 values: de, fr"),
        ("DeviceProtection", repeated("Yes", "No", "No service"), "category", "3 values"),
        ("chat", [json.dumps([{"role": "user", "content": "Hi"}])] * 59 + ["[]"], "conversation", "turns with roles"),
        ("vector", [json.dumps([0.1, 0.2 + row]) for row in range(60)], "vector", "lists of numbers"),
    ],
)
def test_a_column_is_guessed_by_its_values_and_its_name(name: str, cells: list[object], role: str, reason: str) -> None:
    guess = guesses({"x": [f"{row}.5" for row in range(len(cells))], name: cells})[name]
    assert guess.role == role
    assert guess.reason.startswith(reason)


def test_the_folders_of_images_are_the_label_where_no_other_column_is_and_there_are_some() -> None:
    images, folders = repeated("iVBORw0KGgoAAAANSUhEUg==", "/9j/4AAQSkZJRg=="), repeated("cats", "dogs")
    assert guesses({"folder": folders, "image": images})["folder"].role == "label"
    found = guesses({"folder": folders, "image": images, "label": repeated("yes", "no")})
    assert found["folder"].role != "label" and found["label"].role == "label"
    assert guesses({"folder": repeated("cats"), "image": images})["folder"].role == "ignore"
    assert guesses({"folder": folders, "n": repeated(*range(60))})["folder"].role != "label"


def test_a_number_that_is_once_unknown_is_still_a_number_and_says_so() -> None:
    found = guesses({"amount": [*map(str, range(299)), "unknown"]})["amount"]
    assert (found.role, found.reason, found.warns) == ("number", "1 of 300 are no numbers", True)


def test_the_label_is_the_column_that_a_column_of_predictions_is_about() -> None:
    columns: dict[str, list[object]] = {
        "DEYE": repeated(0, 1, 1, 0, 0),
        "employed": repeated(0, 1, 1, 1, 0),
        "prediction": repeated(0, 1, 1, 1, 1),
    }
    found = guesses(columns)
    assert [guess.role for guess in found.values()] == ["boolean", "label", "predicted"]


def test_scores_by_label_are_found_by_their_ends_and_name_the_label() -> None:
    found = guesses(
        {
            "answer": repeated("cat", "dog"),
            "p_cat": repeated(0.9, 0.2),
            "p_dog": repeated(0.1, 0.8),
            "p_entropy": repeated(0.3, 0.6),
        }
    )
    assert [guess.role for guess in found.values()] == ["label", "scores", "scores", "number"]
    assert score_prefix(["scores.ham", "scores.spam", "x"], set()) == "scores."
    assert score_prefix(["x", "score_ham"], {"ham", "spam"}) == ""


def test_one_column_of_scores_is_of_the_positive_label_where_there_is_no_prediction() -> None:
    found = guesses({"y": repeated(0, 1), "score": repeated(0.1, 0.9), "score_version": repeated("v1")})
    assert [guess.role for guess in found.values()] == ["label", "positive_score", "version"]


def test_a_price_is_no_label_however_it_is_called() -> None:
    assert guesses({"target": [f"{row}.25" for row in range(60)]})["target"].role == "number"


def test_a_file_of_votes_says_who_voted() -> None:
    found = guesses({"item": repeated(1, 2, 3), "worker": repeated("a", "b"), "label": repeated("no", "yes", "no")})
    assert [guess.role for guess in found.values()] == ["number", "annotator", "label"]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2025-12-31", "2026-01-02"] * 20),
            "code": ["007", "008"] * 20,
            "ok": [True, False] * 20,
            "share": [1 / 3, 0.5] * 20,
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    table = read_table(str(tmp_path / "rows.parquet"))
    profiles = profile_columns(table)
    assert [(one.name, one.role) for one in guess_columns(profiles, table)] == [
        ("day", "at"),
        ("code", "category"),
        ("ok", "boolean"),
        ("share", "number"),
    ]
    assert explain(profiles[0], ColumnRole.TIME_OF_ROW).reason == "31 Dec 2025 to 2 Jan 2026, UTC"
    assert profiles[3].examples[0] == "0.3333"


def test_a_role_that_one_column_can_have_moves_to_the_column_that_was_chosen_last() -> None:
    columns: dict[str, list[object]] = {"id": list(range(60)), "ref": [f"A{row}" for row in range(60)]}
    table = Table("the file", pd.DataFrame(columns).astype(str))
    profiles = profile_columns(table)
    assert [one.role for one in guess_columns(profiles, table)] == ["key", "category"]
    chosen = [explain(one, ColumnRole.KEY) for one in profiles]
    assert [one.role for one in once_each(chosen, profiles, "ref")] == ["number", "key"]
    repeats = profile_columns(Table("the file", pd.DataFrame({"x": ["a", "a", ""]})))[0]
    assert explain(repeats, ColumnRole.KEY) == ColumnGuess("x", ColumnRole.KEY, "1 of 3 are empty", warns=True)
