"""Import and export of whole projects: a file comes back as it was, and the same file again changes nothing."""

import base64
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.exchange.rows import RefusedRecord, UnusableFile
from annotation.exporting import export_file, exported_rows
from annotation.importing import ImportResult, import_file
from annotation.models import ImportedRecord, Item, Prediction, Resolution, Signal
from inputs.types.image import ONE_PIXEL
from projects.models import Project
from tests.annotation.exchange.test_formats import FLAT, LINE, TASK
from tests.annotation.exchange.test_traces import TRACES
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db
FILES = {"label_studio": [TASK], "argilla": [FLAT], "doccano": [LINE]}


@pytest.fixture
def project() -> Project:
    inputs = {"text": {"type": "text"}, "channel": {"type": "category", "required": False}}
    return make_project("intents", labels=("refund", "billing"), inputs=inputs)


def load(project: Project, name: str, records: Any, **options: Any) -> ImportResult:
    return import_file(project, io.BytesIO(json.dumps(records).encode()), name, at=NOW, **options)


def exported(project: Project, name: str) -> bytes:
    stream = io.BytesIO()
    export_file(project, stream, name)
    return stream.getvalue()


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_comes_back_from_the_project_as_it_was(project: Project, name: str) -> None:
    result = load(project, name, FILES[name])
    assert (result.created, result.known, result.refused) == (1, 1, [])
    data = exported(project, name)
    assert (json.loads(data) if data.startswith(b"[") else [json.loads(data)]) == FILES[name]


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_same_file_again_changes_nothing(project: Project, name: str) -> None:
    load(project, name, FILES[name])
    before = list(exported_rows(project))
    again = load(project, name, FILES[name])
    assert (again.created, again.existing, again.known, again.refused) == (0, 1, 0, [])
    assert list(exported_rows(project)) == before
    assert [model.objects.count() for model in (Item, Prediction, Resolution, ImportedRecord)] == [1, 1, 1, 1]


def test_everything_goes_from_one_project_into_another_by_json_lines(project: Project) -> None:
    load(project, "label_studio", [TASK])
    signal = {"id": "s1", "kind": "thumbs_down", "actor": "u1", "at": "2026-11-20T10:00:00Z"}
    row = {"key": "b", "inputs": {"text": "two"}, "predictions": [], "signals": [signal], "segment": {"plan": "pro"}}
    said = [
        {"value": "refund", "model_version": version, "scores": {"refund": 0.75, "billing": 0.25}}
        for version in ("m1", "m2")
    ]
    result = load(project, "jsonl", [{**row, "predictions": said}])
    assert (result.created, result.signals, result.refused) == (1, 1, [])
    data = exported(project, "jsonl")
    other = make_project("other", labels=("refund", "billing"), inputs=project.contract().inputs)

    assert import_file(other, io.BytesIO(data), "jsonl", at=NOW).created == 2

    arrived, sent = (sorted(exported_rows(one), key=lambda row: row.key) for one in (other, project))
    assert arrived == sent
    assert [one.model_version for one in arrived[0].predictions] == ["m1", "m2"]


def test_a_dry_run_says_what_would_happen_and_writes_nothing(project: Project) -> None:
    load(project, "jsonl", [{"key": "a", "text": "one"}])
    rows = [{"key": "a", "text": "one"}, {"key": "b", "text": "two", "label": "refund"}, {"key": "c", "label": "x"}]
    rows += [{"key": "d", "text": "four", "label": "spam"}]
    result = load(project, "jsonl", rows, dry_run=True)
    assert (result.created, result.existing, result.known) == (1, 1, 1)
    assert [refusal.number for refusal in result.refused] == [3, 4]
    assert "the labels are refund, billing" in result.refused[1].error
    assert Item.objects.count() == 1


def test_a_row_that_cannot_be_kept_costs_no_other_and_is_named(project: Project) -> None:
    rows: list[Any] = [{"key": "a", "text": "one"}, {"key": "b"}, {"key": "c", "text": "three", "predicted": "spam"}]
    rows += [{"key": "d", "inputs": {"text": "four"}, "note": "a\x00b"}, {"key": "e", "text": "five"}]
    result = load(project, "jsonl", rows)
    assert (result.created, [refusal.number for refusal in result.refused]) == (2, [2, 3, 4])


def test_what_was_read_before_a_file_breaks_off_is_kept_and_the_whole_file_goes_on_from_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotation.importing.BATCH", 2)
    lines = [json.dumps({"key": str(number), "text": f"text {number}"}) for number in range(5)]
    with pytest.raises(UnusableFile, match="Record 5 of the file is not whole JSON"):
        import_file(project, io.BytesIO("\n".join(lines)[:-5].encode()), "jsonl", at=NOW)
    assert Item.objects.count() == 4
    result = import_file(project, io.BytesIO("\n".join(lines).encode()), "jsonl", at=NOW)
    assert result.created + result.existing == Item.objects.count() == 5


@pytest.mark.parametrize("name", sorted(TRACES))
def test_traces_become_conversations_with_signals_and_a_judge_that_is_a_version(name: str) -> None:
    inputs = {"chat": {"type": "conversation"}, "model": {"type": "category"}}
    project = make_project("chats", labels=("good", "bad"), inputs=inputs, positive="good")
    result = load(project, name, [TRACES[name]])
    assert (result.created, result.refused) == (1, [])
    item, prediction = Item.objects.get(), Prediction.objects.get()
    assert prediction.model_version and prediction.predicted_value in ("good", "bad")
    assert set(Signal.objects.values_list("item", flat=True)) == {item.pk}
    assert result.signals == Signal.objects.count() > 0
    again = load(project, name, [TRACES[name]])
    assert (again.created, again.signals, again.refused) == (0, 0, [])


def test_an_image_comes_back_as_its_bytes() -> None:
    project = make_project(inputs={"scan": {"type": "image"}})
    load(project, "jsonl", [{"key": "a", "inputs": {"scan": ONE_PIXEL}}])
    (row,) = exported_rows(project)
    assert row.inputs == {"scan": ONE_PIXEL}


def test_a_version_that_comes_later_by_another_key_order_is_the_same_row(project: Project) -> None:
    first = {"key": "a", "inputs": {"text": "one", "channel": "app"}, "known": "refund"}
    load(project, "jsonl", [first])
    again = load(project, "jsonl", [{"known": "refund", "inputs": {"channel": "app", "text": "one"}, "key": "a"}])
    changed = load(project, "jsonl", [{**first, "inputs": {"text": "two"}}])
    assert (again.existing, changed.existing) == (1, 0)
    assert changed.refused == [RefusedRecord(1, "Key a was captured before with another body; the first is kept.")]


class TestCommands:
    def test_an_image_is_a_path_below_the_folder_of_the_file_and_nowhere_else(self, tmp_path: Path) -> None:
        make_project("scans", inputs={"scan": {"type": "image"}})
        (tmp_path / "in").mkdir()
        for path in ("in/a.png", "secret.png"):
            (tmp_path / path).write_bytes(base64.b64decode(ONE_PIXEL))
        file = tmp_path / "in" / "rows.csv"
        file.write_text("key,scan\na,a.png\nb,../secret.png\n")
        out = io.StringIO()
        call_command("import_data", "scans", file, json=True, stdout=out)
        said = json.loads(out.getvalue())
        assert said["created"] == 1 and said["refused"][0]["number"] == 2
        assert Item.objects.get().key == "a"

    def test_a_csv_file_goes_in_and_out(self, project: Project, tmp_path: Path, capsys: Any) -> None:
        given, out = tmp_path / "in.csv", tmp_path / "out.csv"
        given.write_text("id no,text,truth\n1,=one,refund\n2,two,\n3,,refund\n")
        call_command("import_data", "intents", given, key="id no", label="truth")
        said = capsys.readouterr().out
        assert "2 created (1 with a known label), 0 existing, 1 refused, 0 signals." in said and "Row 3: " in said

        call_command("export_data", "intents", format="csv", out=out, json=True)

        assert json.loads(capsys.readouterr().out)["items"] == 2
        assert out.read_text().splitlines()[1].startswith('"1","\'=one"')
        call_command("export_data", "intents", format="csv", out=out, raw=True)
        assert out.read_text().splitlines()[1].startswith('"1","=one"')
        assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}

    def test_columns_of_other_names_become_inputs_segment_and_labels_of_people(
        self, project: Project, tmp_path: Path, capsys: Any
    ) -> None:
        given = tmp_path / "in.tsv.gz"
        rows = "nr\tGröße\twer\turteil\tland\n1\tone\tada\trefund\tDE\n1b\ttwo\t\t\t\n2\tthree\tada\tspam\tFR\tmore\n"
        given.write_bytes(gzip.compress(rows.encode("latin-1")))
        named = {"key": "nr", "label": "urteil", "annotator": "wer", "segment": ["land"], "input": ["text=Größe"]}
        with pytest.raises(CommandError, match="a byte in line 1 does not fit; if it is Latin-1"):
            call_command("import_data", "intents", given, **named)
        call_command("import_data", "intents", given, encoding="latin-1", json=True, **named)
        said = json.loads(capsys.readouterr().out)
        assert said["created"] == 2 and said["refused"][0]["error"].startswith(
            "The row has 6 cells, the header 5 names"
        )
        first, second = exported_rows(project)
        assert (first.inputs, first.segment, first.agreed) == ({"text": "one"}, {"land": "DE"}, "refund")
        assert first.labels[0].annotator == "ada" and not second.labels and not second.segment
        with pytest.raises(CommandError, match="There is no column 'size'; the file has nr, Größe, wer"):
            call_command("import_data", "intents", given, encoding="latin-1", input=["text=size"])
        with pytest.raises(CommandError, match="--input takes NAME=COLUMN"):
            call_command("import_data", "intents", given, input=["text"])
        given.write_bytes(given.read_bytes()[:-12])
        with pytest.raises(CommandError, match="The file is not whole gzip"):
            call_command("import_data", "intents", given, encoding="latin-1")

    @pytest.mark.parametrize(
        ("slug", "name", "options", "words"),
        [
            ("nowhere", "in.csv", {}, "There is no project nowhere"),
            ("intents", "missing.csv", {}, "cannot be read"),
            ("intents", "in.txt", {}, "does not say its format; name it, one of"),
            ("intents", "in.csv", {"format": "parquet"}, "not whole Parquet"),
        ],
    )
    def test_bad_input_is_one_clear_line(
        self, project: Project, tmp_path: Path, slug: str, name: str, options: dict[str, str], words: str
    ) -> None:
        for there in ("in.csv", "in.txt"):
            (tmp_path / there).write_text("text\none\n")
        with pytest.raises(CommandError, match=words):
            call_command("import_data", slug, tmp_path / name, **options)

    def test_a_format_that_cannot_carry_the_project_leaves_no_file(self, tmp_path: Path) -> None:
        make_project("numbers", inputs={"amount": {"type": "number"}})
        with pytest.raises(CommandError, match="no input of type text"):
            call_command("export_data", "numbers", format="doccano", out=tmp_path / "out.jsonl")
        assert not list(tmp_path.iterdir())
