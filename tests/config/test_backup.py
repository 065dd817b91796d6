"""What a folder must hold to be a backup, and what is refused before anything is changed."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.backup import making, restoring
from config.backup.file_copies import copy_file, hash_file
from config.backup.manifest import (
    FORMAT,
    UNFINISHED,
    BackupProblem,
    FileEntry,
    Manifest,
    TableEntry,
    fingerprint,
    load_manifest,
    write_manifest,
)
from config.backup.restored_rows import check_rows

HASH = "a" * 64


def make_manifest(**fields: Any) -> Manifest:
    given: dict[str, Any] = {
        "format": FORMAT,
        "made_at": "2026-11-28T05:00:00+00:00",
        "engine": "sqlite",
        "migrations": {"projects": ["0001_initial"]},
        "tables": {"projects_user": TableEntry(["id"], 2)},
        "audit_events": 0,
        "secret_fingerprint": fingerprint("x" * 60),
        "absent": [],
        "changed": [],
        "files": {},
    }
    return Manifest(**given | fields)


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    made = make_manifest(files={f"artifacts/{HASH}.skops": FileEntry(HASH, 3)})
    write_manifest(tmp_path, made)
    assert load_manifest(tmp_path) == made
    assert (made.rows, made.size) == (2, 3)
    assert stat.S_IMODE((tmp_path / "manifest.json").stat().st_mode) == 0o600


def test_a_backup_that_was_cut_off_is_known_from_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="holds no backup: there is no manifest.json"):
        load_manifest(tmp_path)
    (tmp_path / UNFINISHED).touch()
    with pytest.raises(BackupProblem, match="no complete backup: it was cut off before its manifest"):
        load_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', '"x"', "\x00"])
def test_what_is_no_manifest_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(BackupProblem, match="is no manifest of a backup"):
        load_manifest(tmp_path)


def test_another_format_is_refused_in_words(tmp_path: Path) -> None:
    write_manifest(tmp_path, make_manifest(format=2))
    with pytest.raises(BackupProblem, match="has format 2; this version reads format 1"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "media/1/aa/../../../x", f"media/1/aa/{HASH}/x", "secret_key\n", "tables/A;.copy"]
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    write_manifest(tmp_path, make_manifest(files={name: FileEntry(HASH, 1)}))
    with pytest.raises(BackupProblem, match="which no backup holds"):
        load_manifest(tmp_path)


def test_a_file_that_is_absent_or_changed_is_named_before_anything_is_restored(tmp_path: Path) -> None:
    path = tmp_path / "audit_head.json"
    path.write_text("{}")
    made = make_manifest(files={path.name: hash_file(path)})
    restoring._check_all_there(tmp_path, made)
    path.write_text("[]")
    with pytest.raises(BackupProblem, match="audit_head.json is not as it was backed up: its hash differs. Nothing"):
        restoring._check_all_there(tmp_path, made)
    path.unlink()
    with pytest.raises(BackupProblem, match="cannot be read: No such file or directory. Nothing was restored"):
        restoring._check_all_there(tmp_path, made)


def test_a_backup_of_another_kind_of_database_or_a_newer_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="is a backup of oracle.*by export_project and import_project"):
        restoring._check_fits(tmp_path, make_manifest(engine="oracle"))
    from django.db import connection

    newer = make_manifest(engine=connection.vendor, migrations={"projects": ["0001_initial", "9999_later"]})
    with pytest.raises(BackupProblem, match="newer version of Plumbline: this one has no projects.9999_later"):
        restoring._check_fits(tmp_path, newer)


def test_a_home_with_files_of_its_own_is_refused(tmp_path: Path, settings: Any) -> None:
    settings.HOME, settings.MEDIA_HOME, settings.ARTIFACT_HOME = tmp_path, tmp_path / "media", tmp_path / "artifacts"
    made = make_manifest(files={f"artifacts/{HASH}.skops": FileEntry(HASH, 1)})
    (tmp_path / "artifacts").mkdir()
    (tmp_path / "artifacts" / f"{HASH}.skops").write_text("x")  # of an earlier try with this very backup
    restoring._check_files_of_home(made)
    (tmp_path / "artifacts" / "other.skops").write_text("x")
    with pytest.raises(BackupProblem, match="holds data already: .*other.skops. Restore into an empty home"):
        restoring._check_files_of_home(made)


def test_rows_that_are_missing_are_counted() -> None:
    check_rows({"projects_user": 2}, make_manifest())
    with pytest.raises(BackupProblem, match="has 2 rows of projects_user, of which 1 were restored"):
        check_rows({"projects_user": 1}, make_manifest())


def test_a_folder_that_is_used_is_not_written_to(tmp_path: Path) -> None:
    making._begin(tmp_path / "new" / "folder")
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700
    with pytest.raises(BackupProblem, match="is not empty. Name a folder that is"):
        making._begin(tmp_path / "new" / "folder")
    (tmp_path / "file").touch()
    with pytest.raises(BackupProblem, match="is not a folder"):
        making._begin(tmp_path / "file")
    with pytest.raises(BackupProblem, match="cannot be written to: Not a directory"):
        making._begin(tmp_path / "file" / "below")


def test_a_full_disk_leaves_no_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "_check_source", lambda: None)
    monkeypatch.setattr(making, "_copy", fails)
    with pytest.raises(BackupProblem, match="cut off: No space left on device. .* is not complete; remove it"):
        making.make_backup(tmp_path / "b", at=timezone.now())
    with pytest.raises(BackupProblem, match="no complete backup"):
        load_manifest(tmp_path / "b")


def test_a_copy_is_hashed_private_and_never_over_another_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    copied = copy_file(tmp_path / "a", tmp_path / "deep" / "b")
    assert copied == hash_file(tmp_path / "a") == hash_file(tmp_path / "deep" / "b")
    assert stat.S_IMODE((tmp_path / "deep" / "b").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        copy_file(tmp_path / "a", tmp_path / "deep" / "b")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a file"):
        copy_file(tmp_path / "pipe", tmp_path / "c")


def test_the_fingerprint_of_a_key_does_not_hold_it() -> None:
    assert fingerprint("a" * 60) != fingerprint("b" * 60)
    assert "a" * 8 not in json.dumps(fingerprint("a" * 60))
