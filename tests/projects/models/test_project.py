"""Rules of single rows."""

from projects.models import LabelSchema


def test_labels_are_called_by_their_titles() -> None:
    schema = LabelSchema(labels=[{"value": "card_arrival", "title": "Card arrival"}, {"value": "other"}])
    assert [schema.title_of(value) for value in ("card_arrival", "other", "retired")] == [
        "Card arrival",
        "other",
        "retired",
    ]
