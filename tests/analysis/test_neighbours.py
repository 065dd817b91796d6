"""The labelled items most like one item, by the stored vectors of its text or by its numbers."""

from typing import Any

import numpy as np
import pytest
from django.test import Client

from analysis.neighbours import labelled_neighbours
from annotation import text_vectors
from annotation.models import Item, TextVector
from inputs.encoders.choice import EncoderChoice
from projects.models import Project, Role, User
from tests.factories import make_item, make_project, make_user
from tests.retraining.scenarios import resolve

pytestmark = pytest.mark.django_db


class TopicEncoder:
    """Knows whether a text is about cards, in whatever words it says so."""

    name, digest, per_text = "topics", "d" * 64, True

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Any) -> Any:
        self.encoded += texts
        cards = np.array([text.startswith("c") for text in texts], dtype=bool)
        return np.column_stack([cards, ~cards]).astype(np.float32)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> TopicEncoder:
    encoder = TopicEncoder()
    monkeypatch.setattr(text_vectors, "configured_encoder", lambda: EncoderChoice(encoder, "Encoded."))
    return encoder


def of_text(project: Project, text: str, label: str = "", **facts: Any) -> Item:
    item = make_item(project, inputs={"text": text})
    if label:
        resolve(item, label, **facts)
    return item


def test_texts_are_compared_by_the_stored_vectors(encoder: TopicEncoder) -> None:
    project = make_project(labels=("card", "euro"))
    for at in range(6):
        of_text(project, f"{'ce'[at % 2]}{at}", ("card", "euro")[at % 2])
    asked = of_text(project, "c99")
    found = labelled_neighbours(asked, viewer=None)
    assert [row.value for row in found.nearest] == ["card", "card", "card", "euro", "euro"]
    assert found.nearest[2].distance < found.nearest[3].distance
    assert (found.compared, found.words) == (6, "")
    assert len(encoder.encoded) == 7 and not TextVector.objects.exists()  # a page that is looked at writes nothing

    text_vectors.available_vectors(project, {"text": sorted(set(encoder.encoded))}, {"text": "text"})
    encoder.encoded.clear()
    assert labelled_neighbours(asked, viewer=None) == found
    assert encoder.encoded == []


def test_while_texts_wait_to_be_encoded_they_are_compared_by_tf_idf_and_it_says_so(
    encoder: TopicEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_vectors, "AT_ONCE", 1)
    project = make_project(labels=("card", "euro"))
    of_text(project, "my card is lost", "card")
    of_text(project, "the rate of the euro", "euro")
    found = labelled_neighbours(of_text(project, "a card was lost"), viewer=None)
    assert found.nearest[0].value == "card"
    assert found.words.startswith("Texts are compared by TF-IDF for now: 3 of 3")


def test_numbers_are_compared_too_and_an_item_is_no_neighbour_of_itself() -> None:
    project = make_project(labels=("low", "high"), inputs={"x": {"type": "number"}})
    for x in range(20):
        resolve(make_item(project, inputs={"x": x}), "high" if x >= 10 else "low")
    asked = project.items.get(inputs__x=3)
    found = labelled_neighbours(asked, viewer=None)
    assert asked not in [row.item for row in found.nearest]
    assert {2, 4, 5} < {row.item.inputs["x"] for row in found.nearest} <= set(range(7))
    assert 0 < found.nearest[0].distance < found.nearest[-1].distance


def test_evaluation_items_are_no_neighbours_and_without_labels_there_are_none(encoder: TopicEncoder) -> None:
    project = make_project(labels=("card", "euro"))
    asked = of_text(project, "c1")
    of_text(project, "c2", "card", evaluation=True)
    assert labelled_neighbours(asked, viewer=None).nearest == ()


def page(user: User, item: Item, **headers: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(f"/p/{item.project.slug}/items/{item.uid}/neighbours/", headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_item_s_page_asks_for_them_and_the_fragment_shows_text_label_and_distance(encoder: TopicEncoder) -> None:
    project = make_project(labels=("card", "euro"))
    user = make_user("rita", project, Role.REVIEWER)
    known = of_text(project, "c is for my card", "card")
    asked = of_text(project, "c99")
    client = Client()
    client.force_login(user)
    assert f"items/{asked.uid}/neighbours/" in client.get(f"/p/{project.slug}/items/{asked.uid}/").content.decode()
    fragment = page(user, asked, HX_Request="true")
    assert "c is for my card" in fragment and known.uid in fragment and "<b>card</b>" in fragment
    assert "<html" not in fragment and "<html" in page(user, asked)
    assert "No other item is labelled yet" in page(user, known)
