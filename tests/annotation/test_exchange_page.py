"""The page Import and export: a file is tried, then kept; what is wrong is said, and items leave in every format."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.models import Item
from projects.models import Project, Role
from tests.factories import make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make_project("mail")


@pytest.fixture
def client(project: Project) -> Client:
    client = Client()
    client.force_login(make_user("eva", project, Role.ENGINEER))
    return client


def send(client: Client, act: str, data: str, name: str = "rows.csv", **more: str) -> Any:
    given = {"file": SimpleUploadedFile(name, data.encode()), "act": act, **more}
    return client.post(reverse("annotation:exchange-import", args=["mail"]), given)


def test_a_file_is_tried_without_being_kept_and_then_kept(client: Client) -> None:
    rows = "nr,text,label\n1,hello,ham\n2,bye,egg\n"
    tried = send(client, "try", rows, key="nr").content.decode()
    assert "would be created" in tried and "the labels are ham, spam" in tried and not Item.objects.exists()
    kept = send(client, "import", rows, key="nr").content.decode()
    assert "would be" not in kept and Item.objects.get().key == "1"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("rows.txt", "text\na\n", "does not say its format"),
        ("rows.parquet", "text\na\n", "not whole Parquet"),
        ("rows.csv", "", "The file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_words(client: Client, name: str, data: str, words: str) -> None:
    answer = send(client, "import", data, name)
    assert answer.status_code == 422 and words in answer.content.decode()


def test_items_leave_as_a_file_and_a_format_that_there_is_not_is_said(client: Client, project: Project) -> None:
    make_prediction(make_item(project, "a"), [0.9, 0.1])
    answer = client.get(reverse("annotation:exchange-export", args=["mail"]) + "?format=jsonl")
    assert b'"key":"a"' in b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a file streams
    assert client.get(reverse("annotation:exchange-export", args=["mail"]) + "?format=xml").status_code == 422
