"""Artifacts: whole or absent, and never loaded unless they are exactly what was signed here."""

import io
import os
import pickle
import stat
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from retraining import artifacts
from retraining.artifacts import ArtifactRefused


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.ARTIFACT_HOME = tmp_path / "artifacts"
    settings.ARTIFACT_HOME.mkdir()
    return settings.ARTIFACT_HOME


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def signed(data: bytes, **changed: Any) -> dict[str, Any]:
    """What a version's row would say of these bytes, written and signed properly unless another value is given."""
    stored = artifacts.write(data)
    row: dict[str, Any] = {"project_id": 1, "family": "linear", "parameters": {"classes": ["ham", "spam"]}}
    row["signature"] = artifacts.sign(stored.sha256, **row)
    return {"sha256": stored.sha256, "size": stored.size, **row, **changed}


def read(row: dict[str, Any]) -> bytes:
    return artifacts.read_artifact(row.pop("sha256"), **row)


def test_gives_back_what_was_written() -> None:
    data = zipped(schema=b"{}")
    assert read(signed(data)) == data


def test_writes_under_the_hash_readable_by_the_owner_only(folder: Path) -> None:
    stored = artifacts.write(b"model")
    assert [path.name for path in folder.iterdir()] == [f"{stored.sha256}.skops"]
    assert stat.S_IMODE(artifacts.path_of(stored.sha256).stat().st_mode) == 0o600


def test_writing_the_same_twice_is_once(folder: Path) -> None:
    assert artifacts.write(b"model") == artifacts.write(b"model")
    assert len(list(folder.iterdir())) == 1


def test_leaves_nothing_under_the_final_name_when_the_disk_is_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        artifacts.write(b"model")
    assert list(folder.iterdir()) == []


def test_syncs_the_file_before_the_rename_and_the_folder_after(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acts: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        acts.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def note_replace(source: Any, target: Any) -> None:
        acts.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    artifacts.write(b"model")
    assert acts == ["file", "rename", "folder"]


def test_refuses_a_changed_byte() -> None:
    row = signed(zipped(schema=b"{}"))
    path = artifacts.path_of(row["sha256"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactRefused, match="changed after it was written"):
        read(row)


@pytest.mark.parametrize("change", [b"", b"more"])
def test_refuses_another_length_before_it_is_read(change: bytes) -> None:
    row = signed(zipped(schema=b"{}"))
    path = artifacts.path_of(row["sha256"])
    path.write_bytes(path.read_bytes()[:10] + change)
    with pytest.raises(ArtifactRefused, match="bytes where"):
        read(row)


def test_refuses_a_missing_file() -> None:
    row = signed(zipped(schema=b"{}"))
    artifacts.path_of(row["sha256"]).unlink()
    with pytest.raises(ArtifactRefused, match="cannot be read"):
        read(row)


def test_refuses_a_signature_by_another_key(settings: Any) -> None:
    row = signed(zipped(schema=b"{}"))
    settings.SECRET_KEY = "another key that is quite long enough to be one, and different"
    with pytest.raises(ArtifactRefused, match="not made with this installation's key"):
        read(row)


def test_takes_a_signature_by_a_key_that_was_retired_properly(settings: Any) -> None:
    row = signed(zipped(schema=b"{}"))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key that is quite long enough to be one, and different"
    assert read(row)


@pytest.mark.parametrize(
    "changed",
    [
        {"project_id": 2},
        {"family": "tree"},
        {"parameters": {"classes": ["spam", "ham"]}},
        {"signature": ""},
        {"signature": "0" * 64},
    ],
)
def test_refuses_a_row_that_was_changed(changed: dict[str, Any]) -> None:
    with pytest.raises(ArtifactRefused, match="its row was changed"):
        read(signed(zipped(schema=b"{}"), **changed))


def test_refuses_a_name_that_leads_out_of_the_folder() -> None:
    row = signed(zipped(schema=b"{}"))
    row["sha256"] = "../" * 20 + "0000"
    row["signature"] = artifacts.sign(
        row["sha256"], project_id=row["project_id"], family=row["family"], parameters=row["parameters"]
    )
    with pytest.raises(ArtifactRefused, match="not a hash"):
        read(row)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch {settings.ARTIFACT_HOME / 'owned'}",))


def test_refuses_a_pickle_even_with_a_good_signature(folder: Path) -> None:
    with pytest.raises(ArtifactRefused, match="not an artifact of the kind"):
        read(signed(pickle.dumps(Evil())))
    assert not (folder / "owned").exists()


def test_refuses_what_unpacks_to_too_much_without_unpacking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "LARGEST_UNPACKED", 10_000_000)
    bomb = zipped(schema=b"\0" * 10_000_001)
    assert len(bomb) < 20_000
    with pytest.raises(ArtifactRefused, match="would unpack to"):
        read(signed(bomb))


def test_refuses_too_many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "MOST_PARTS", 3)
    with pytest.raises(ArtifactRefused, match="in 4 parts"):
        read(signed(zipped(a=b"", b=b"", c=b"", d=b"")))


def test_refuses_to_write_what_is_too_large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "LARGEST", 4)
    with pytest.raises(ArtifactRefused, match="at most"):
        artifacts.write(b"model")
    assert list(folder.iterdir()) == []


def test_sweeps_old_orphans_and_keeps_the_rest(folder: Path) -> None:
    named, orphan, young = (artifacts.write(data) for data in (b"named", b"orphan", b"young"))
    unfinished, stranger = folder / "abc.part", folder / "notes.txt"
    unfinished.write_bytes(b"half")
    stranger.write_bytes(b"not ours")
    old = (timezone.now() - timedelta(hours=25)).timestamp()
    for path in (artifacts.path_of(named.sha256), artifacts.path_of(orphan.sha256), unfinished, stranger):
        os.utime(path, (old, old))
    assert artifacts.sweep(named=[named.sha256], at=timezone.now()) == 2
    kept = {artifacts.path_of(named.sha256), artifacts.path_of(young.sha256), stranger}
    assert set(folder.iterdir()) == kept
