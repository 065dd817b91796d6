"""A project that was exported and imported is the same project, and what is no such archive leaves nothing behind."""

import json
import random
import tracemalloc
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from annotation.models import Item, Media, SearchText
from overview.project_archive.container import opened_archive
from overview.project_archive.exporting import export_project
from overview.project_archive.importing import import_project
from overview.project_archive.tables import ARCHIVED
from overview.project_archive.values import BadArchive
from projects import audit
from projects.models import AuditEvent, Membership, Project, User
from retraining import artifacts, registry
from retraining.models import ModelVersion
from tests.factories import NOW, make_user
from tests.overview.project_archive.rich_project import make_rich_project, meaning

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_HOME, settings.ARTIFACT_HOME = tmp_path / "media", tmp_path / "artifacts"
    for folder in (settings.MEDIA_HOME, settings.ARTIFACT_HOME):
        folder.mkdir()


@pytest.fixture
def project() -> Project:
    return make_rich_project()


@pytest.fixture
def file(project: Project, tmp_path: Path) -> Path:
    export_project(project, tmp_path / "rich.plumbline", at=timezone.now())
    return tmp_path / "rich.plumbline"


def bring(file: Path, slug: str = "copy", **given: Any) -> Project:
    return import_project(file, slug=slug, at=timezone.now(), **given).project


def without_project(project: Project) -> None:
    """As in an installation that has none of it: rows and people are gone, files too."""
    from django.db import connection

    from projects import append_only

    with append_only.lifted(*append_only.TABLES):
        SearchText.objects.filter(project=project).delete()
        for model in reversed(ARCHIVED):
            rows = model.model._default_manager.filter(**{model.path: project})
            if model.model is ModelVersion:
                rows.update(judgement=None)
            rows._raw_delete(connection.alias)
        Project.objects.filter(pk=project.pk).update(slug="gone")
    for person in User.objects.filter(username__endswith="-rich"):
        User.objects.filter(pk=person.pk).update(username=f"somebody-{person.pk}")


def test_it_is_the_same_project_row_by_row(project: Project, file: Path) -> None:
    before = meaning(project, uids=False)
    assert not [model.name for model in ARCHIVED if not before[model.name]]  # a row of every table
    copy = bring(file)
    after = meaning(copy, uids=False)
    after["audit"] = [event for event in after["audit"] if event in before["audit"]]  # beside what the import did
    for name in before:
        assert after[name] == before[name], name
    assert audit.first_break() is None


def test_a_project_with_a_retired_and_a_merged_label_arrives(project: Project, tmp_path: Path) -> None:
    labels = [*project.schema().labels, {"value": "eggs", "retired": True}]
    labels.append({"value": "Spam", "retired": True, "merged_into": "spam"})
    project.label_schemas.create(version=2, labels=labels, created_at=timezone.now())
    export_project(Project.objects.get(pk=project.pk), tmp_path / "two.plumbline", at=timezone.now())
    assert bring(tmp_path / "two.plumbline").schema().labels == labels


def test_the_copy_stands_beside_the_original_with_names_of_its_own(project: Project, file: Path) -> None:
    copy = bring(file)
    names = [set(Item.objects.filter(project=each).values_list("uid", flat=True)) for each in (project, copy)]
    assert len(names[0]) == len(names[1]) and not names[0] & names[1]
    assert project.items.get(key="k3").inputs == copy.items.get(key="k3").inputs
    assert not Media.objects.get(project=copy).sha256 not in {path.name for path in copy_files(copy)}


def copy_files(project: Project) -> list[Path]:
    from django.conf import settings

    return list(Path(settings.MEDIA_HOME, str(project.pk)).rglob("*"))


def test_a_model_that_arrived_is_signed_here_and_answers_the_same(project: Project, file: Path) -> None:
    copy = bring(file)
    ours, theirs = (ModelVersion.objects.get(project=each, stage="champion") for each in (project, copy))
    assert ours.signature != theirs.signature and copy.champion_version == theirs.tag
    rows = [{"x": 1.0, "y": 0.0}, {"x": -1.0, "y": 0.0}]
    answers = [registry.load(version).score(version.project, rows).tolist() for version in (ours, theirs)]
    assert answers[0] == answers[1]


def test_another_installation_takes_it_with_its_own_key_and_new_people(
    project: Project, file: Path, settings: Any
) -> None:
    before = meaning(project, uids=True)
    names = {row["user_id"] for row in before["annotation.label"]}
    without_project(project)
    settings.SECRET_KEY = "another-installation-" * 4
    done = import_project(file, at=timezone.now())
    assert (done.project.slug, done.origin) == ("rich", "not signed with this installation's key")
    assert sorted(done.new_people) == sorted(names)
    made = User.objects.filter(username__in=done.new_people)
    assert {(one.is_active, one.is_staff, one.has_usable_password()) for one in made} == {(False, False, False)}
    assert not Membership.objects.filter(project=done.project, user__in=made).exists()
    after = meaning(done.project, uids=True)
    for name in before:
        if name not in ("audit", "images"):
            assert after[name] == before[name], name
    version = ModelVersion.objects.get(project=done.project, stage="champion")
    registry.load(version)


def test_the_fingerprint_that_was_printed_names_the_archive(project: Project, file: Path, settings: Any) -> None:
    out = StringIO()
    call_command("export_project", "rich", str(file.with_name("again")), "--json", stdout=out)
    printed = json.loads(out.getvalue())["fingerprint"]
    settings.SECRET_KEY = "another-installation-" * 4
    done = import_project(file.with_name("again"), slug="a", fingerprint=printed, at=timezone.now())
    assert done.origin == "known by its fingerprint"
    with pytest.raises(BadArchive, match="it is not the archive that was exported"):
        import_project(file, slug="b", fingerprint=printed, at=timezone.now())


def test_nobody_gets_a_right_and_admins_administer(project: Project, file: Path) -> None:
    root = make_user("root", is_superuser=True)
    copy = bring(file)
    assert [(member.user, member.role) for member in copy.memberships.all()] == [(root, "admin")]
    named = bring(file, slug="named", admin="ada-rich")
    assert [member.user.username for member in named.memberships.all()] == ["ada-rich"]


def test_its_pages_open(project: Project, file: Path) -> None:
    make_user("root", is_superuser=True)
    copy = bring(file)
    client = Client()
    client.force_login(User.objects.get(username="root"))
    item = Item.objects.filter(project=copy, labels__isnull=False).first()
    for page in ("", "items", "queues", "releases", "runs", f"items/{item.uid}", "performance"):
        assert client.get(f"/p/copy/{page}", follow=True).status_code == 200, page


def test_the_trail_goes_on_with_what_came_and_says_where_it_is_from(project: Project, file: Path) -> None:
    former = list(AuditEvent.objects.of(project).order_by("sequence"))
    copy = bring(file)
    found = list(AuditEvent.objects.of(copy).order_by("sequence"))
    arrived = [event for event in found if "archived_event" in event.details]
    assert [event.details["archived_event"] for event in arrived] == [event.sequence for event in former]
    [act] = [event for event in found if event.action == "project.import"]
    assert act.details["origin"] == "signed with this installation's key" and act.sequence < arrived[0].sequence


def rewrite(file: Path, **parts: Any) -> Path:
    """The archive with some parts replaced (None: left out) behind its manifest."""
    new = file.with_name("forged")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as made:
        for name in old.namelist():
            data = parts.pop(name) if name in parts else old.read(name)
            if data is not None:
                made.writestr(name, data)
        for name, data in parts.items():
            made.writestr(name, data)
    return new


def forge(file: Path, part: str, change: Any) -> Path:
    """The archive with one part changed, and a manifest that says so: signed by nobody."""
    import hashlib

    with zipfile.ZipFile(file) as old:
        manifest = json.loads(old.read("manifest.json"))
        lines = [json.loads(line) for line in old.read(part).splitlines()]
    lines = change(lines, manifest) or lines
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    manifest["parts"][part] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return rewrite(file, **{part: data, "manifest.json": json.dumps(manifest).encode()})


def column(manifest: Any, table: str, field: str) -> int:
    place: int = manifest["tables"][table]["fields"].index(field)
    return place


def set_value(table: str, field: str, value: Any) -> Any:
    def change(lines: Any, manifest: Any) -> None:
        lines[-1][column(manifest, table, field)] = value

    return change


BAD_VALUES = [
    ("annotation.item", "key", "x" * 201, "its key: it is longer than 200 characters"),
    ("annotation.item", "key", "a\x00", "its key: it is no text"),
    ("annotation.item", "at", "2026-01-01T00:00:00", "its at: it is a time without a zone"),
    ("annotation.item", "at", 5, "its at: it is no time"),
    ("annotation.item", "uid", "../x", "its uid is '../x'"),
    ("annotation.item", "contract_version", -1, "its contract_version: it is no whole number of its range"),
    ("annotation.item", "contract_version", True, "its contract_version: it is no whole number of its range"),
    ("annotation.item", "in_pool", "yes", "its in_pool: it is neither true nor false"),
    ("annotation.item", "inputs", None, "its inputs: it is empty"),
    ("annotation.item", "id", 2**62, "its id: it names a row of annotation.item that the archive does not hold"),
    (
        "annotation.label",
        "item_id",
        10**7,
        "its item_id: it names a row of annotation.item that the archive does not hold",
    ),
    ("annotation.label", "user_id", 10**6, "its user_id: it names a person that the archive does not hold"),
    ("annotation.label", "state", "maybe", "its state: it is none of its choices"),
    ("annotation.label", "seconds", "1", "its seconds: it is no number"),
    (
        "annotation.label",
        "slot_id",
        "1",
        "its slot_id: it names a row of annotation.slot that the archive does not hold",
    ),
    ("annotation.prediction", "scores", "!", "its scores: it is no base64"),
    ("annotation.prediction", "scores", "AAAA", "A prediction has not one score for each label of its version"),
    ("analysis.finding", "key", "no-number", "names another row in a way that cannot be read"),
    ("retraining.disagreementsample", "window", {"drawn": [{}]}, "names another row in a way that cannot be read"),
    ("retraining.modelversion", "family", "pickle", "is not a family of models that may be loaded"),
    (
        "projects.labelschema",
        "labels",
        [{"value": "spam"}] * 2,
        "cannot be taken: Label 'spam' stands in the list twice",
    ),
    ("projects.labelschema", "labels", [1, 2], "Its labels are no list of labels"),
    ("projects.labelschema", "labels", [{}], "A label of it has no value"),
    ("projects.inputcontract", "inputs", {"x": {"type": "smell"}}, "An input of it has no type that is known here"),
    ("projects.inputcontract", "inputs", [], "An input of it has no type that is known here"),
    ("projects.inputcontract", "inputs", {}, "Its settings cannot be taken: "),
    ("projects.inputcontract", "segments", {}, "Its segments are no list of names"),
    ("retraining.modelversion", "parameters", {"classes": []}, "The parameters of v2 are not those of a version"),
    ("projects.labelschema", "labels", "ham", "Its labels are no list of labels"),
    ("projects.labelschema", "labels", [{"value": "a", "merged_into": ["b"]}], "was merged into what is no label"),
    ("annotation.labelchange", "targets", [], "A change of its labels names none"),
]


@pytest.mark.parametrize(("table", "field", "value", "words"), BAD_VALUES)
def test_a_value_that_does_not_fit_is_named_and_nothing_is_kept(
    file: Path, settings: Any, table: str, field: str, value: Any, words: str
) -> None:
    bad = forge(file, f"rows/{table}.jsonl", set_value(table, field, value))
    refused(bad, words)


def refused(file: Path, words: str) -> None:
    """Nothing of it is left: no row, no person, no file of an image."""
    import re

    from django.conf import settings

    def state() -> list[Any]:
        counts = [model.model._default_manager.count() for model in ARCHIVED]
        files = sorted(path for path in Path(settings.MEDIA_HOME).rglob("*") if path.is_file())
        return [counts, User.objects.count(), Project.objects.count(), AuditEvent.objects.count(), files]

    before = state()
    with pytest.raises(BadArchive, match=re.escape(words)):
        bring(file)
    assert state() == before


def test_a_part_that_was_changed_or_cut_off_is_named(file: Path) -> None:
    refused(rewrite(file, **{"rows/annotation.item.jsonl": b"[]\n"}), "rows/annotation.item.jsonl is not as it was")
    refused(rewrite(file, **{"people.jsonl": None}), "Its parts are not those that its manifest names")
    refused(rewrite(file, **{"manifest.json": None}), "It has no manifest.json: it is no project archive, or was cut")
    half = file.with_name("half")
    half.write_bytes(file.read_bytes()[:-100])
    refused(half, "It has no manifest.json: it is no project archive, or was cut off")
    half.write_bytes(b"")
    refused(half, "It is no archive, or a damaged one")
    refused(file.with_name("nowhere"), "It cannot be read: No such file or directory")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "media/x", "rows/x.pickle", "artifacts/a.skops"])
def test_a_name_that_no_archive_has_is_refused(file: Path, name: str) -> None:
    refused(rewrite(file, **{name: b"x"}), "which no project archive does")


def test_a_file_that_unpacks_to_a_huge_one_is_refused_by_its_table_of_contents(file: Path) -> None:
    small = rewrite(file, **{"media/" + "a" * 64: b"0" * (250 * file.stat().st_size)})
    refused(small, "It would unpack to more than 200 times its size")


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("overview.project_archive.container.LARGEST_LINE", 50)
    refused(file, "or longer than 50 bytes")


def test_rows_that_contradict_each_other_are_refused(file: Path) -> None:
    def same_key(lines: Any, manifest: Any) -> None:
        lines[1][column(manifest, "annotation.item", "key")] = lines[0][column(manifest, "annotation.item", "key")]

    def no_such_number(lines: Any, manifest: Any) -> None:
        lines[0][column(manifest, "annotation.item", "audit_probability")] = 7.0

    part = "rows/annotation.item.jsonl"
    refused(forge(file, part, same_key), "Its rows contradict each other: of")
    refused(forge(file, part, no_such_number), "Its rows contradict each other: ")


def test_an_archive_of_a_newer_version_is_refused_by_name(file: Path) -> None:
    def add_column(lines: Any, manifest: Any) -> None:
        manifest["tables"]["annotation.queue"]["fields"].append("mood")

    def add_table(lines: Any, manifest: Any) -> None:
        manifest["tables"]["annotation.mood"] = manifest["tables"]["annotation.queue"]

    part = "rows/annotation.queue.jsonl"
    refused(forge(file, part, add_column), "newer version of Plumbline: annotation.queue has no mood here")
    refused(forge(file, part, add_table), "newer version of Plumbline: this one has no annotation.mood")


def test_a_column_that_an_older_version_did_not_have_gets_its_default(file: Path) -> None:
    def drop(lines: Any, manifest: Any) -> None:
        at = column(manifest, "annotation.queue", "paused")
        manifest["tables"]["annotation.queue"]["fields"].pop(at)
        for line in lines:
            line.pop(at)

    assert not bring(forge(file, "rows/annotation.queue.jsonl", drop)).queues.filter(paused=True).exists()


def test_an_artifact_that_is_no_model_is_not_signed(file: Path) -> None:
    import hashlib

    data = b"no model at all"
    name = hashlib.sha256(data).hexdigest()

    def change(lines: Any, manifest: Any) -> None:
        for line in lines:
            line[column(manifest, "retraining.modelversion", "artifact_sha256")] = name
        old = [part for part in manifest["parts"] if part.startswith("artifacts/")]
        for part in old:
            del manifest["parts"][part]
        manifest["parts"][f"artifacts/{name}"] = {"sha256": name, "size": len(data)}

    bad = forge(file, "rows/retraining.modelversion.jsonl", change)
    with zipfile.ZipFile(bad) as known:
        old = [part for part in known.namelist() if part.startswith("artifacts/")]
    bad = rewrite(bad.rename(bad.with_name("first")), **dict.fromkeys(old), **{f"artifacts/{name}": data})
    refused(bad, "Its file is not an artifact of the kind that is written here")
    assert not artifacts.path_of(name).exists()


def test_an_event_that_was_changed_is_found_by_key_or_by_order(file: Path) -> None:
    def change(lines: Any, manifest: Any) -> None:
        lines[1]["sequence"] = lines[0]["sequence"]

    refused(forge(file, "audit.jsonl", change), "Its audit trail is broken: event")

    def unlink(lines: Any, manifest: Any) -> None:
        lines[1]["previous_hash"] = "0" * 64

    refused(forge(file, "audit.jsonl", unlink), "does not follow the one before it")


def test_whatever_byte_of_it_is_changed_it_is_taken_whole_or_refused_in_words(file: Path) -> None:
    data, chance, refusals = file.read_bytes(), random.Random(0), 0
    for _ in range(300):
        bad = bytearray(data)
        for _ in range(chance.choice([1, 1, 4])):
            bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        file.write_bytes(bad[: chance.choice([len(bad), len(bad), chance.randrange(len(bad))])])
        try:
            with opened_archive(file) as archive:
                archive.manifest.rows  # noqa: B018  a byte of the ZIP's own that means nothing, as a time
        except BadArchive:
            refusals += 1
    assert refusals > 280


@pytest.mark.simulation
def test_memory_does_not_grow_with_the_rows(project: Project, tmp_path: Path) -> None:
    def peak(slug: str) -> int:
        tracemalloc.start()
        export_project(project, tmp_path / slug, at=timezone.now())
        bring(tmp_path / slug, slug=slug)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    def add(n: int) -> None:
        given = {
            "project": project,
            "contract_version": 1,
            "inputs": {"x": 1.5, "y": 2.5},
            "at": NOW,
            "captured_at": NOW,
        }
        rows = [Item(key=f"more-{n}-{one}", body_hash="0" * 64, **given) for one in range(n)]
        Item.objects.bulk_create(rows, batch_size=500)

    add(1_200)
    first = peak("first")
    add(2_400)
    assert peak("second") < 1.2 * first


def test_a_slug_that_is_taken_or_no_slug_is_refused(file: Path) -> None:
    with pytest.raises(BadArchive, match="There is a project rich already. Another one: --as SLUG"):
        import_project(file, at=timezone.now())
    with pytest.raises(BadArchive, match="takes lower-case letters"):
        bring(file, slug="Ä B")


def test_an_export_goes_over_no_file_and_leaves_none_half_written(
    project: Project, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadArchive, match="is there already"):
        export_project(project, file, at=timezone.now())

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("overview.project_archive.exporting._write_table", fails)
    with pytest.raises(BadArchive, match="cannot be written: No space left on device"):
        export_project(project, file.with_name("new"), at=timezone.now())
    assert {path.name for path in file.parent.iterdir()} >= {file.name}
    assert not file.with_name("new").exists() and not file.with_name("new.part").exists()


def test_the_commands_say_what_they_did(project: Project, tmp_path: Path) -> None:
    out = StringIO()
    call_command("export_project", "rich", str(tmp_path / "f"), stdout=out)
    assert "holds rich:" in out.getvalue() and "Fingerprint" in out.getvalue()
    out = StringIO()
    call_command("import_project", str(tmp_path / "f"), "--as", "second", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["project"] == "second" and found["absent"] == [] and found["rows"] > 100
    with pytest.raises(CommandError, match="There is no project nowhere"):
        call_command("export_project", "nowhere", str(tmp_path / "g"))
    with pytest.raises(CommandError, match="was not imported. There is a project second already"):
        call_command("import_project", str(tmp_path / "f"), "--as", "second")
