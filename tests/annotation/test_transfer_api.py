"""Imports and exports over HTTP: a file is sent as it is, a job does the rest, and the answer says how far it is."""

from typing import Any

import pytest
from django.test import Client

from annotation.models import DataExport, DataImport, Item
from jobs import execution
from projects.models import ApiKey, Project, Role, Scope
from projects.secrets import hashed
from tests.factories import NOW, make_item, make_project, make_user

pytestmark = pytest.mark.django_db
SECRETS = {"eva": "plumb_" + "x" * 40, "otto": "plumb_" + "y" * 40}


@pytest.fixture(autouse=True)
def homes(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


@pytest.fixture
def project() -> Project:
    project = make_project("mail")
    for name, secret in SECRETS.items():
        user = make_user(name, project, Role.ENGINEER)
        ApiKey.objects.create(
            project=project,
            user=user,
            name="k",
            hash=hashed(secret),
            scopes=[Scope.ENGINEER, Scope.READ],
            created_at=NOW,
        )
    return project


def ask(method: str, path: str, data: bytes = b"", who: str = "eva", **headers: str) -> Any:
    named = {"Authorization": f"Bearer {SECRETS[who]}", **headers}
    path = f"/api/v1/projects/mail/{path}"
    return Client().generic(method, path, data, content_type="application/octet-stream", headers=named)


def work(path: str) -> Any:
    for job in execution.Job.objects.open():
        execution.run(job.pk)
    return ask("GET", path).json()


ROWS = "nr;text;label\n1;hello;ham\n2;bye;egg\n3;größe;spam\n".encode("latin-1")
QUERY = "name=rows.csv&key=nr&encoding=latin-1&segment=nr&input=text=text"


def test_a_file_is_tried_and_then_imported(project: Project) -> None:
    tried = ask("POST", f"imports?{QUERY}&dry_run=1", ROWS).json()
    assert (tried["state"], tried["dry_run"], tried["rows_read"]) == ("waiting", True, 0)
    tried = work(f"imports/{tried['id']}")
    assert (tried["state"], tried["created"], tried["known"], tried["refused"]) == ("finished", 2, 2, 1)
    assert tried["refused_rows"] == [{"row": 2, "error": "`label_known` is 'egg'; the labels are ham, spam."}]
    assert not Item.objects.exists()
    sent = ask("POST", f"imports?{QUERY}", ROWS, **{"Idempotency-Key": "a"}).json()
    assert work(f"imports/{sent['id']}")["created"] == 2
    assert dict(Item.objects.values_list("key", "segment")) == {"1": {"nr": "1"}, "3": {"nr": "3"}}
    assert DataImport.objects.filter(created_by__username="eva").count() == 2


@pytest.mark.parametrize(
    ("query", "data", "status", "words"),
    [
        ("name=rows.csv", b"", 422, "The file is empty"),
        ("name=rows.txt", b"a", 422, "does not say its format"),
        ("name=rows&format=xml", b"a", 422, "There is no format xml"),
        ("name=rows.csv&lable=x", b"a", 422, "There is no option 'lable'"),
        ("name=rows.csv&dry_run=maybe", b"a", 422, "it takes 1 or 0"),
        ("name=rows.csv&separator=ab", b"a", 422, "one character, or tab"),
        ("name=rows.csv&input=x", b"a", 422, "it takes NAME=COLUMN, the name one of text"),
        ("name=rows.csv", b"a" * 2_000_000, 413, "at most 1 MiB"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_a_sentence(
    project: Project, settings: Any, query: str, data: bytes, status: int, words: str
) -> None:
    settings.UPLOAD_LIMIT = 1 << 20
    answer = ask("POST", f"imports?{query}", data)
    assert answer.status_code == status and words in answer.json()["detail"]
    assert not DataImport.objects.exists()


def test_a_packed_body_is_refused(project: Project) -> None:
    assert ask("POST", "imports?name=rows.csv", ROWS, **{"Content-Encoding": "gzip"}).status_code == 400


def test_a_file_may_be_larger_than_any_other_body_but_no_form_may(project: Project, settings: Any) -> None:
    settings.BODY_LIMIT = 10
    assert ask("POST", f"imports?{QUERY}", ROWS).status_code == 200
    assert ask("POST", "exports", ROWS).status_code == 413
    form = Client().post("/p/mail/exchange/upload", {"file": "x" * 20})
    assert form.status_code == 413


def test_an_export_is_written_and_downloaded_by_its_own_person(project: Project) -> None:
    make_item(project, "a")
    assert ask("POST", "exports?format=xml").status_code == 422
    made = ask("POST", "exports?format=csv&full=yes").json()
    assert (made["state"], made["file"]) == ("waiting", None)
    path = f"exports/{made['id']}"
    assert ask("GET", f"{path}/file").status_code == 404
    done = work(path)
    assert (done["state"], done["items"], done["file"]) == ("finished", 1, f"/api/v1/projects/mail/{path}/file")
    file = ask("GET", f"{path}/file")
    data = b"".join(file.streaming_content)
    assert data.startswith(b'"key","text"') and len(data) == done["size"]
    assert ask("GET", path, who="otto").status_code == ask("GET", f"{path}/file", who="otto").status_code == 404
    assert DataExport.objects.get().viewer is None


def test_another_projects_import_is_not_there(project: Project) -> None:
    other = make_project("other")
    made = DataImport.objects.create(project=other, name="rows.csv", size=1, format="csv", options={}, created_at=NOW)
    assert ask("GET", f"imports/{made.uid}").status_code == 404
