"""A project made on a page, from a file, a sample request or nothing: guesses, dry run, one project for one form."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from annotation import uploads
from annotation.models import DataImport, Item, Prediction, RoutedItem, StoredUpload
from projects.models import Project, Role
from projects.specs import parse_spec
from tests.factories import make_project, make_user
from tests.pictures import grey

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]
TEXTS = ("my card was charged twice", "the parcel did not arrive", "please close my account")


@pytest.fixture(autouse=True)
def homes(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_HOME = tmp_path


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("eva", make_project("mail"), Role.ENGINEER))
    return client


def tickets(rows: int = 90, *, label: str = "team") -> str:
    lines = [f"ticket_id,message,channel,{label},model_team,model_version,agent_email"]
    for row in range(rows):
        team = ("billing", "parcel", "Billing", "")[row % 4]
        message = "" if row == 7 else f"{TEXTS[row % 3]} {row}"
        lines.append(f"T-{row},{message},{'app' if row % 9 else 'fax'},{team},billing,r6,a.b{row}@shop.com")
    return "\n".join(lines)


def sent(client: Client, data: str | bytes, name: str = "support_tickets.csv") -> Any:
    """The answer to a file that the form sends."""
    given = SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data)
    return client.post("/projects/new/file", {"file": given})


def address(client: Client, data: str | bytes, name: str = "support_tickets.csv") -> str:
    answer = sent(client, data, name)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def counted(client: Client, where: str, **fields: Any) -> str:
    """The form as it comes back with its counts, its words in one line."""
    answer = client.post(where, fields, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().replace("\xa0", " ").split())


def spec_in(page: str) -> Any:
    found = re.search(r'<code id="spec">(.*?)</code>', page, re.DOTALL)
    assert found
    return json.loads(html.unescape(found[1]))


def test_a_file_becomes_a_project_whose_first_question_waits(client: Client, run_jobs: RunJobs) -> None:
    where = address(client, tickets())
    page = client.get(where).content.decode()
    assert "differs in every row" in page and "Counting 90" in page
    assert Project.objects.count() == 1 and not DataImport.objects.exists()  # nothing but the upload is stored
    said = counted(client, where, title="Support tickets")
    assert "<b>89 rows</b> will be kept; 68 have a label already" in said
    assert "1 row is left out" in said and "names a person" in said
    made = client.post(where, {"title": "Support tickets", "question": "Which team?", "act": "create"})
    project = Project.objects.get(slug="support-tickets")
    assert made["Location"] == f"/p/support-tickets/exchange/imports/{DataImport.objects.get().uid}"
    run_jobs()
    assert Item.objects.filter(project=project).count() == 89
    assert project.guidelines.get().text == "Which team?"
    assert project.memberships.get().user.username == "eva"
    item = Item.objects.get(project=project, key="T-8")
    assert set(item.inputs) == {"message"} and item.segment == {"channel": "app"}
    assert Prediction.objects.get(item=item).label == "billing"
    assert RoutedItem.objects.filter(item__project=project).exists()


def test_pressing_create_twice_makes_one_project_and_another_title_another(client: Client) -> None:
    where = address(client, tickets())
    form = {"title": "Support tickets", "act": "create"}
    first, second = client.post(where, form), client.post(where, form)
    assert first["Location"] == second["Location"]
    assert Project.objects.filter(slug__startswith="support").count() == DataImport.objects.count() == 1
    other = client.post(where, {**form, "overlap": "2"})
    assert "/p/support-tickets-2/" in other["Location"]


def test_a_change_of_the_form_creates_nothing_though_create_has_the_focus(client: Client) -> None:
    """htmx sends the name and value of the button that has the focus with each change."""
    where = address(client, tickets())
    counted(client, where, title="Support tickets", act="create")
    assert not Project.objects.filter(title="Support tickets").exists()


def test_a_name_that_is_taken_gets_a_number_and_the_page_says_so_before(client: Client) -> None:
    make_project("support-tickets")
    assert "/p/support-tickets-2/" in counted(client, address(client, tickets()))


def test_what_a_person_corrects_changes_the_spec_and_the_import(client: Client, run_jobs: RunJobs) -> None:
    where = address(client, tickets())
    fields: dict[str, Any] = {
        "role-2": "segment_input",
        "role-3": "ignore",
        "role-4": "label",
        "changed": "4",
        "title": "T",
    }
    said = counted(client, where, **fields)
    spec = spec_in(said)
    assert spec["inputs"] == {"message": {"type": "text"}, "channel": {"type": "category"}}
    assert spec["segments"] == ["channel"] and spec["labels"] == ["billing"]
    assert "A decision needs two labels or more" in said
    fields |= {"role-3": "label", "role-4": "predicted", "changed": "", "cost-false_negative": "38,5"}
    fields |= {"label": ["billing", "parcel"], "label-title": ["Bills", "parcel"], "positive": "parcel", "overlap": "3"}
    spec = spec_in(counted(client, where, **fields))
    assert spec["labels"] == [{"value": "billing", "title": "Bills"}, "parcel"]
    assert (spec["positive"], spec["costs"], spec["overlap"]) == ("parcel", {"false_negative": 38.5}, 3)
    assert parse_spec(spec).title == "T"
    client.post(where, {**fields, "act": "create"})
    run_jobs()
    assert Item.objects.get(project__slug="t", key="T-8").inputs == {"message": f"{TEXTS[2]} 8", "channel": "app"}


def test_two_spellings_are_one_label_unless_a_person_keeps_both(client: Client) -> None:
    where = address(client, tickets())
    said = counted(client, where)
    assert "spells one label two ways: “billing” in 23, “Billing” in 22 rows" in said
    assert spec_in(said)["labels"] == ["billing", "parcel"]
    assert "agrees with the label in" in said and "they train, but do not measure" in said
    kept = counted(client, where, apart="billing")
    assert spec_in(kept)["labels"] == ["billing", "parcel", "Billing"]


def test_a_label_column_that_is_ignored_is_not_imported(client: Client) -> None:
    said = counted(client, address(client, tickets(label="label")), **{"role-3": "ignore", "labels": "fault"})
    assert "0 have a label already, and the first question can be asked" in said


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("rows.txt", b"a\n1\n", "rows.txt is not CSV, TSV, JSON"),
        ("rows.csv", b"", "The file is empty."),
        ("rows.csv", b"a,b\n", "rows.csv has no rows."),
        ("rows.csv", b"PK\x03\x04 zipped", "rows.csv is a ZIP archive or a workbook: save its table as CSV."),
        ("rows.parquet", b"a\n1\n", "rows.parquet is not whole Parquet."),
        ("rows.csv.gz", b"\x1f\x8bbroken", "rows.csv.gz is not whole gzip."),
        ("rows.jsonl", b"[1, 2]\n", "is not a JSON object."),
        ("rows.csv", (",".join(f"x{n}" for n in range(401)) + "\n").encode() * 2, "header"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_in_one_sentence_and_not_kept(
    client: Client, name: str, data: bytes, words: str
) -> None:
    answer = sent(client, data, name)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not StoredUpload.objects.exists()


def test_a_file_without_a_label_asks_for_labels_and_one_without_inputs_says_so(client: Client) -> None:
    where = address(client, "\n".join(["message", *(f"{TEXTS[row % 3]} {row}" for row in range(30))]))
    said = counted(client, where)
    assert "choose the column that holds them, or write them" in said and "Labels, one a line" in said
    said = counted(client, where, labels="yes\nno\n")
    assert spec_in(said)["labels"] == ["yes", "no"] and "<b>30 rows</b> will be kept" in said
    assert "Nothing would be read by the model" in counted(client, where, labels="yes\nno", **{"role-0": "ignore"})
    refused = client.post(where, {"act": "create", "title": "x"})
    assert refused.status_code == 422 and Project.objects.count() == 1


def test_excels_file_in_latin_1_with_semicolons_is_read_and_can_be_read_otherwise(
    client: Client, run_jobs: RunJobs
) -> None:
    rows = ["Kundennummer;Datum;Betrag;Begründung;Entscheidung"]
    rows += [f"K-{n};{1 + n % 28:02d}.11.2026;{n},50;Zahlt pünktlich seit Jahren {n};ja" for n in range(40)]
    rows += [f"K-{n};03.11.2026;{n},50;Möchte mehr Zeit zum Zahlen {n};nein" for n in range(40, 60)]
    where = address(client, "\r\n".join(rows).encode("cp1252"), "kredite.csv")
    assert 'value="utf-8" selected' not in " ".join(client.get(where).content.decode().split())
    said = counted(client, where)
    assert "semicolon, decimal comma, Windows-1252, names in line 1" in said
    assert "<b>60 rows</b> will be kept; 60 have a label" in said and "No row waits for a person" in said
    refused = client.post(where, {"encoding": "utf-8", "title": "Darlehen", "act": "create"})
    assert refused.status_code == 422 and not Project.objects.filter(title="Darlehen").exists()
    for kept in ("UTF-8: a byte in line 1 does not fit", 'value="Darlehen"', 'value="utf-8" selected', "Begründung"):
        assert kept in " ".join(refused.content.decode().split())
    client.post(where, {"title": "Kredite", "act": "create"})
    run_jobs()
    item = Item.objects.get(project__slug="kredite", key="K-3")
    assert item.inputs == {"Betrag": 3.5, "Begründung": "Zahlt pünktlich seit Jahren 3"}
    assert item.at.isoformat() == "2026-11-04T00:00:00+00:00"


def test_parquet_with_scores_of_each_label_is_imported_with_them(
    client: Client, run_jobs: RunJobs, tmp_path: Any
) -> None:
    frame = pd.DataFrame(
        {
            "amount": [1.5, 2.0, 3.25, 4.0] * 10,
            "paid": [True, False] * 20,
            "label": ([1, 0, 1, None] * 10),
            "p_1": [0.9, 0.2, 0.7, 0.4] * 10,
            "p_0": [0.1, 0.8, 0.3, 0.6] * 10,
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    where = address(client, (tmp_path / "rows.parquet").read_bytes(), "rows.parquet")
    said = counted(client, where)
    assert spec_in(said)["labels"] == ["1", "0"] and spec_in(said)["positive"] == "1"
    assert "<b>40 rows</b> will be kept; 30 have a label" in said
    client.post(where, {"title": "Rows", "act": "create"})
    run_jobs()
    scored = Prediction.objects.filter(project__slug="rows")
    assert {one.label for one in scored} == {"0", "1"} and scored.count() == 40


def test_a_sample_request_gives_inputs_and_labels_and_no_item(client: Client) -> None:
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    body = [{"key": "a", "inputs": {"chat": chat, "cost": 3, "note": "two words"}, "scores": {"good": 0.7, "bad": 0.3}}]
    body[0]["segment"] = {"product": "app"}
    answer = client.post("/projects/new/sample", {"sample": json.dumps(body)})
    where = answer["Location"]
    spec = spec_in(counted(client, where, title="Chats"))
    types = {name: rule["type"] for name, rule in spec["inputs"].items()}
    assert types == {"chat": "conversation", "cost": "number", "note": "text"}
    assert spec["labels"] == ["good", "bad"] and spec["segments"] == ["product"]
    made = client.post(where, {"title": "Chats", "act": "create"})
    assert made["Location"] == "/p/chats/" and not Item.objects.exists() and not DataImport.objects.exists()


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        ("{", "The sample is not JSON"),
        ("[]", "The sample is a JSON array of rows"),
        ('{"key": "a"}', "Each row needs"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_sample_that_is_no_request_is_said_in_words(client: Client, sample: str, words: str) -> None:
    answer = client.post("/projects/new/sample", {"sample": sample})
    assert answer.status_code == 422 and words in answer.content.decode()


def test_a_project_from_nothing_takes_inputs_and_labels_by_hand(client: Client) -> None:
    assert "What will the model read?" in client.get("/projects/new/empty").content.decode()
    form = {
        "title": "Größe & Maß",
        "input-name": ["text", "amount", ""],
        "input-type": ["text", "number", "text"],
        "labels": "yes\n\nno\n",
    }
    spec = spec_in(counted(client, "/projects/new/empty", **form))
    assert spec["inputs"] == {"text": {"type": "text"}, "amount": {"type": "number"}}
    made = [client.post("/projects/new/empty", {**form, "act": "create"})["Location"] for _ in range(2)]
    assert made == ["/p/grosse-mass/"] * 2
    wrong = client.post("/projects/new/empty", {**form, "title": "Other", "overlap": "many", "act": "create"})
    assert wrong.status_code == 422 and "overlap" in wrong.content.decode()


def test_thirty_labels_show_the_first_twelve_and_forty_columns_each_a_row(client: Client) -> None:
    names = ["label", *(f"x{n}" for n in range(39))]
    rows = [",".join([f"class {row % 30}", *(f"{row}.{n}" for n in range(39))]) for row in range(120)]
    said = counted(client, address(client, "\n".join([",".join(names), *rows]), "wide.csv"))
    assert said.count('name="label-title"') == 30 and "18 more labels" in said
    assert said.count('<tr id="column-') == 40


def test_the_upload_is_its_owners_and_ends_in_time(client: Client) -> None:
    where = address(client, tickets())
    other = Client()
    other.force_login(make_user("ada", Project.objects.get(slug="mail"), Role.ADMIN))
    assert other.get(where).status_code == 404
    uploads.sweep(at=timezone.now() + timedelta(days=8))
    assert not StoredUpload.objects.exists() and client.get(where).status_code == 404


def test_only_who_may_change_a_project_makes_one_and_the_first_page_leads_there(client: Client) -> None:
    annotator, root = Client(), Client()
    annotator.force_login(make_user("sam", Project.objects.get(slug="mail"), Role.ANNOTATOR))
    assert annotator.get("/projects/new/").status_code == 403
    assert "New project" not in annotator.get("/", follow=True).content.decode()
    Project.objects.all().delete()
    root.force_login(make_user("root", is_superuser=True))
    assert "Make the first one" in root.get("/").content.decode()
    assert root.get("/projects/new/").status_code == 200


def test_the_file_that_a_script_sends_as_it_is_is_taken(client: Client) -> None:
    answer = client.post("/projects/new/file?name=a.csv", tickets(), content_type="application/octet-stream")
    assert answer.status_code == 302 and StoredUpload.objects.get().name == "a.csv"


def test_a_kind_of_answer_is_chosen_and_asks_for_what_it_needs(client: Client) -> None:
    where = address(client, tickets())
    several = counted(client, where, title="Support", kind="choices", labels="late\nrude")
    assert (spec_in(several)["kind"], spec_in(several)["labels"]) == ("choices", ["late", "rude"])
    assert "Models that answer so are measured here, not trained." in several and "Positive class" not in several
    assert "Answers are made of labels: write them, one a line." in counted(client, where, kind="spans", labels="")
    client.post(where, {"title": "Rated", "kind": "rating", "act": "create"})
    project = Project.objects.get(slug="rated")
    assert (project.kind, project.schema().labels, project.answer) == ("rating", [], {})
    pairs = counted(client, where, title="Pairs", kind="pair")
    assert "answer.between takes two inputs of type text, conversation or image." in pairs


@pytest.mark.parametrize(
    ("kind", "sent", "answer"),
    [
        ("rating", {"answer-rating-lowest": "0", "answer-rating-highest": "10"}, {"lowest": 0, "highest": 10}),
        (
            "spans",
            {"answer-spans-input": "body", "answer-spans-overlapping": "nested"},
            {"input": "body", "overlapping": "nested"},
        ),
        ("pair", {"answer-pair-between": ["body", "asked"]}, {"between": ["body", "asked"]}),
        ("text", {"answer-text-corrects": "asked", "answer-text-longest": "80"}, {"corrects": "asked", "longest": 80}),
    ],
)
def test_the_options_of_the_kind_are_chosen_on_the_page(
    client: Client, kind: str, sent: dict[str, Any], answer: dict[str, Any]
) -> None:
    form = {"title": "Ours", "kind": kind, "labels": "a\nb", "input-name": ["asked", "body"]}
    form |= {"input-type": ["text", "text"], **sent}
    shown = client.post("/projects/new/empty", form).content.decode()
    assert all(f'name="{name}"' in shown for name in sent)
    assert client.post("/projects/new/empty", {**form, "act": "create"}).status_code == 302
    assert Project.objects.get(slug="ours").answer.items() >= answer.items()


def test_options_that_cannot_be_are_refused_in_words_and_stay_in_the_form(client: Client) -> None:
    form = {"title": "Ours", "kind": "rating", "input-name": ["asked"], "input-type": ["text"]}
    bad = {**form, "answer-rating-lowest": "9", "answer-rating-highest": "much", "act": "create"}
    refused = client.post("/projects/new/empty", bad)
    page = refused.content.decode()
    assert refused.status_code == 422 and "a whole number from −10 to 100" in page and 'value="much"' in page
    assert not Project.objects.filter(slug="ours").exists()


def test_a_zip_of_images_becomes_a_project_of_images(client: Client, run_jobs: RunJobs) -> None:
    made = BytesIO()
    with ZipFile(made, "w") as file:
        for place in range(4):
            values = np.full((2, 2), 40 * place, dtype=np.uint8)
            file.writestr(f"{('cats', 'dogs')[place % 2]}/{place}.png", grey(values))
    raw = "application/octet-stream"
    kept = client.post("/projects/new/file?name=pets.zip", made.getvalue(), content_type=raw)
    fields = {"title": "Pets", "kind": "choice", "labels": "cat\ndog"}
    spec = spec_in(counted(client, kept["Location"], **fields))
    assert spec["inputs"]["image"]["type"] == "image"
    client.post(kept["Location"], {**fields, "act": "create"})
    run_jobs()
    items = Item.objects.filter(project__slug="pets")
    assert set(items.values_list("key", flat=True)) == {"cats/0.png", "dogs/1.png", "cats/2.png", "dogs/3.png"}
    assert all(item.inputs["image"]["width"] == 2 for item in items)
    refused = client.post("/projects/new/file?name=bad.zip", b"PK\x03\x04 zipped", content_type=raw)
    assert refused.status_code == 422 and "no archive, or a damaged one" in refused.content.decode()


@pytest.mark.parametrize("is_zip", [True, False])
def test_half_of_a_surrogate_pair_is_refused_in_words(client: Client, is_zip: bool) -> None:
    made, line = BytesIO(), b'{"photo": "a.png", "text": "\\ud800"}'
    with ZipFile(made, "w") as file:
        file.writestr("rows.jsonl", line)
        file.writestr("a.png", grey())
    name, data = ("a.zip", made.getvalue()) if is_zip else ("a.jsonl", line)
    table = "a.zip.jsonl" if is_zip else "a.jsonl"
    refused = client.post(f"/projects/new/file?name={name}", data, content_type="application/octet-stream")
    assert refused.status_code == 422 and f"Line 1 of {table} holds half a surrogate pair" in refused.content.decode()
