"""The page Import and export: a file is uploaded, looked at, tried, then kept; items leave in every format."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotation.models import DataExport, DataImport, Item, StoredUpload
from jobs import execution
from jobs.models import Job
from projects.models import Project, Role
from tests.factories import make_item, make_prediction, make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def homes(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


@pytest.fixture
def project() -> Project:
    return make_project("mail")


def signed_in(project: Project, name: str) -> Client:
    client = Client()
    client.force_login(make_user(name, project, Role.ENGINEER))
    return client


@pytest.fixture
def client(project: Project) -> Client:
    return signed_in(project, "eva")


def send(client: Client, data: bytes, name: str = "rows.csv") -> str:
    """Upload by the form; the address of the page that shows the file."""
    given = {"file": SimpleUploadedFile(name, data)}
    return str(client.post(reverse("annotation:exchange-upload", args=["mail"]), given)["Location"])


def start(client: Client, address: str, **given: Any) -> str:
    """What the page says, after its job, of the import that this form begins."""
    there = client.post(address, given)["Location"]
    for job in Job.objects.open():
        execution.run(job.pk)
    return client.get(there).content.decode().replace("\xa0", " ")


ROWS = "nr;größe;truth;team\n1;hello;ham;a\n2;bye;egg;b\n".encode("latin-1")


def test_a_file_is_looked_at_tried_and_then_kept(client: Client) -> None:
    address = send(client, ROWS)
    refused = client.get(address)
    assert refused.status_code == 422 and "if it is Latin-1" in refused.content.decode()
    page = client.get(address, {"encoding": "latin-1"}).content.decode()
    assert "<td>hello</td>" in page and "größe" in page
    given = {"encoding": "latin-1", "key": "nr", "label": "truth", "input:text": "größe", "segment": ["team"]}
    tried = start(client, f"{address}/import", act="try", **given)
    assert "<b>1 row</b>" in tried and "would be created" in tried and "the labels are ham, spam" in tried
    assert not Item.objects.exists()
    keep = reverse("annotation:import-keep", args=["mail", DataImport.objects.get().uid])
    assert "Import these rows" in tried
    kept = start(client, keep)
    assert "would be" not in kept and "Open the desk" in kept
    item = Item.objects.get()
    assert (item.key, item.inputs, item.segment) == ("1", {"text": "hello"}, {"team": "a"})
    listed = client.get(reverse("annotation:exchange", args=["mail"])).content.decode()
    assert listed.count("rows.csv") == 2 and "finished, only tried" in listed


def test_the_usual_names_are_chosen_already_and_a_nested_file_asks_for_no_columns(client: Client) -> None:
    page = client.get(send(client, b"id,text,label,scores.ham\n1,a,ham,1\n")).content.decode()
    for name in ("id", "text", "label"):
        assert f'<option value="{name}" selected>' in page
    assert 'name="scores" value="scores."' in page
    nested = client.get(send(client, b'{"key":"a","inputs":{"text":"x"}}\n', "rows.jsonl")).content.decode()
    assert "Which column is what?" not in nested and "Import" in nested


def test_a_script_sends_the_file_as_the_body(client: Client) -> None:
    address = reverse("annotation:exchange-upload", args=["mail"]) + "?name=rows.csv"
    answer = client.post(address, ROWS, content_type="application/octet-stream").json()
    assert StoredUpload.objects.get().size == len(ROWS) and client.get(answer["address"]).status_code == 422
    empty = client.post(address, b"", content_type="application/octet-stream")
    assert empty.status_code == 422 and empty.json() == {"detail": "The file is empty."}
    form = client.post(address, {})
    assert form.status_code == 422 and "The file is empty." in form.content.decode()


def test_an_upload_is_its_owners_alone(client: Client, project: Project) -> None:
    address = send(client, ROWS)
    other = signed_in(project, "otto")
    assert other.get(address).status_code == other.post(f"{address}/import").status_code == 404
    assert not DataImport.objects.exists()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("rows.txt", b"text\na\n", "does not say its format"),
        ("rows.parquet", b"text\na\n", "not whole Parquet"),
        ("rows.csv", b"text\n", "The file has no rows"),
        ("rows.csv.gz", b"\x1f\x8bxxxx", "not whole gzip"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_words(client: Client, name: str, data: bytes, words: str) -> None:
    answer = client.get(send(client, data, name))
    assert answer.status_code == 422 and words in answer.content.decode()


def test_items_leave_as_a_file_at_once_or_by_a_job(client: Client, project: Project) -> None:
    make_prediction(make_item(project, "a"), [0.9, 0.1])
    answer = client.get(reverse("annotation:exchange-export", args=["mail"]) + "?format=jsonl")
    assert b'"key":"a"' in b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a file streams
    assert client.get(reverse("annotation:exchange-export", args=["mail"]) + "?format=xml").status_code == 422
    exports = reverse("annotation:exchange-exports", args=["mail"])
    assert client.post(exports, {"format": "doccano", "full": "yes"}).status_code == 422
    there = client.post(exports, {"format": "csv", "full": "yes"})["Location"]
    assert client.get(there).status_code == 200
    made = DataExport.objects.get()
    assert (made.format, made.full, made.raw_cells) == ("csv", True, False) and made.viewer is not None
