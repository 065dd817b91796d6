"""Label and predicted label are found by what they say, also where most rows have no label yet."""

import random

import pandas as pd
import pytest

from inputs.files.column_roles import guess_columns
from inputs.files.profiles import profile_columns
from inputs.files.table import Table

TEAMS = ["Abrechnung", "Technik", "Versand", "Kündigung"]


def roles(columns: dict[str, list[str]]) -> dict[str, str]:
    table = Table("tickets.csv", pd.DataFrame(columns, dtype="string"))
    return {guess.name: str(guess.role) for guess in guess_columns(profile_columns(table), table)}


def twins(label: str, predicted: str, *, right: float = 0.8, filled: float = 0.25, rows: int = 400) -> dict[str, str]:
    """The roles of a file in which a model said something of each row, and people of few of them."""
    chance = random.Random(f"{label} {predicted}")
    truth = chance.choices(TEAMS, k=rows)
    said = [team if chance.random() < right else chance.choice(TEAMS) for team in truth]
    given = [team if chance.random() < filled else "" for team in truth]
    texts = [f"Kunde {place} fragt nach Rechnung und Karte {place * 7} und wartet" for place in range(rows)]
    return roles({"Text": texts, label: given, predicted: said})


@pytest.mark.parametrize(
    ("label", "predicted"),
    [
        ("Team", "Modell_Team"),
        ("team", "model_team"),
        ("Team", "Team Vorhersage"),
        ("Zuständig", "Prognose"),
        ("Team", "team_pred"),
        ("Team", "Team KI"),
        ("Team", "Zuordnung"),
        ("Label", "Ausgabe"),
    ],
)
@pytest.mark.parametrize("filled", [0.05, 0.25, 0.8])
def test_a_label_that_most_rows_do_not_have_is_found_beside_its_twin(label: str, predicted: str, filled: float) -> None:
    found = twins(label, predicted, filled=filled)
    assert (found[label], found[predicted]) == ("label", "predicted")


def test_the_rare_values_need_not_be_among_the_first_labels() -> None:
    found = roles(
        {
            "Text": [f"A customer writes a long message number {place} about it" for place in range(60)],
            "Team": ["Technik", "Versand", "Abrechnung"] * 5 + [""] * 45,
            "Modell_Team": ["Technik", "Versand", "Abrechnung"] * 19 + ["Kündigung"] * 3,
        }
    )
    assert (found["Team"], found["Modell_Team"]) == ("label", "predicted")


def test_columns_of_like_values_that_do_not_agree_are_what_they_were() -> None:
    found = twins("Land", "Filiale", right=0)
    assert {found["Land"], found["Filiale"]} == {"segment"}


def test_two_full_columns_that_agree_are_no_label() -> None:
    found = twins("billing_country", "shipping_country", right=0.95, filled=1)
    assert {found["billing_country"], found["shipping_country"]} == {"segment"}


def test_yes_and_no_are_too_few_to_be_taken_for_a_label() -> None:
    said = ["yes", "no"] * 50
    found = roles({"n": [str(place) for place in range(100)], "paid": said, "refunded": [*said[:30], *[""] * 70]})
    assert "label" not in found.values() and "predicted" not in found.values()
