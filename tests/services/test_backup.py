"""Backup and restore of a whole installation by their commands, on SQLite and PostgreSQL."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.chaos import servers

ROOT = Path(__file__).resolve().parents[2]
SPEC = {"title": "Mail", "kind": "choice", "labels": ["ham", "spam"], "inputs": {"text": {"type": "text"}}}
PATIENCE = 240  # seconds, on a machine that does much else
pytestmark = pytest.mark.services

Ask = Callable[[str], list[Any]]


def environment(home: Path, url: str = "") -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    return {**kept, "PLUMBLINE_HOME": str(home), **({"DATABASE_URL": url} if url else {})}


def manage(home: Path, *command: str, url: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env=environment(home, url) | more,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that refused."""
    assert done.returncode == 1 and done.stdout == "", (done.stdout, done.stderr)
    [line] = done.stderr.strip().splitlines()
    return line


def figures(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@contextmanager
def busy(home: Path, folder: Path, url: str) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """An installation under load; gives a function that lists what it has acknowledged so far."""
    folder.mkdir()
    if not url:
        servers.fill(home)
    command = [sys.executable, "-m", "tests.services.busy_installation", str(folder)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(home, url), stdout=log, stderr=log)

    def acknowledged() -> list[tuple[str, str]]:
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
        path = folder / "acknowledged"
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        return [tuple(json.loads(line)) for line in lines if line.endswith("\n")]

    try:
        await_until(lambda: {noun for noun, _ in acknowledged()} == {"item", "label", "event", "version"})
        yield acknowledged
        assert process.poll() is None, (folder / "log").read_text()[-3000:]
    finally:
        (folder / "stop").touch()
        try:
            assert process.wait(PATIENCE) == 0, (folder / "log").read_text()[-3000:]
        finally:
            process.kill()


def await_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def asking(home: Path, url: str) -> Iterator[Ask]:
    """A function that runs one query of one column on a database, past everything that Plumbline does."""
    with (
        psycopg.connect(url, autocommit=True)
        if url
        else sqlite3.connect(f"file:{home}/plumbline.sqlite3?mode=ro", uri=True)
    ) as database:
        yield lambda query: [value for (value,) in database.execute(query).fetchall()]
    database.close()


LAST_ID = {
    "SQLite": "seq FROM sqlite_sequence WHERE name = 'annotation_item'",
    "PostgreSQL": "last_value FROM annotation_item_id_seq",
}
QUERIES = {
    "item": "SELECT key FROM annotation_item",
    "label": "SELECT l.token FROM annotation_lease l JOIN annotation_label a ON a.lease_id = l.id",
    "event": "SELECT hash FROM projects_auditevent",
    "version": "SELECT artifact_sha256 FROM retraining_modelversion",
}


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def two_databases(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Addresses of a database to back up and of an empty one; "" is SQLite in the home."""
    if request.param == "SQLite":
        yield "", ""
        return
    server = request.getfixturevalue("postgres_server")
    with servers.database(server, migrated=True) as first, servers.database(server) as second:
        yield first, second


def test_a_backup_under_load_brings_back_every_row_that_was_acknowledged(
    tmp_path: Path, two_databases: tuple[str, str]
) -> None:
    source, target = two_databases
    home, elsewhere, backup = tmp_path / "home", tmp_path / "elsewhere", tmp_path / "backup"

    with busy(home, tmp_path / "load", source) as acknowledged:
        before = acknowledged()
        made = figures(manage(home, "backup", str(backup), "--json", url=source))
        meanwhile = len(acknowledged()) - len(before)
    found = figures(manage(elsewhere, "restore", str(backup), "--json", url=target))

    assert meanwhile > 0  # it was written to while the backup was made
    assert {name: found[name] for name in ("rows", "files", "audit_events")} == {
        name: made[name] for name in ("rows", "files", "audit_events")
    }
    assert made["absent"] == made["changed"] == [] and found["migrations_applied"] == 0
    wanted = defaultdict(set)
    for noun, name in before:
        wanted[noun].add(name)
    with asking(elsewhere, target) as ask:
        lost = {noun: wanted[noun] - set(ask(query)) for noun, query in QUERIES.items()}
        pictures = ask("SELECT sha256 FROM annotation_media")
        last = ask(f"SELECT {LAST_ID['PostgreSQL' if target else 'SQLite']}")
        newest = ask("SELECT max(id) FROM annotation_item")
    assert last >= newest  # ids go on where they were: none is given a second time
    assert lost == {noun: set() for noun in QUERIES}
    assert pictures and {path.name for path in (elsewhere / "media").glob("*/*/*")} == set(pictures)
    assert wanted["version"] <= {path.stem for path in (elsewhere / "artifacts").iterdir()}
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in [backup, *backup.rglob("*")])
    assert "holds data already" in refusal(manage(elsewhere, "restore", str(backup), url=target))


def test_a_plain_copy_of_the_files_loses_what_was_acknowledged(tmp_path: Path) -> None:
    """What `cp -r` does to a running home: one file after the other, while SQLite moves rows between them."""
    place, copy = tmp_path / "plumbline.sqlite3", tmp_path / "copy.sqlite3"
    writer = sqlite3.connect(place, isolation_level=None)
    for sql in ("PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "CREATE TABLE labels (id INTEGER, v TEXT)"):
        writer.execute(sql)
    writer.executemany("INSERT INTO labels VALUES (?, ?)", [(number, "x" * 500) for number in range(200)])

    shutil.copy(place, copy)  # cp reaches the database first …
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # … SQLite moves the rows, as it does every 1,000 pages …
    writer.execute("INSERT INTO labels VALUES (200, 'y')")
    shutil.copy(f"{place}-wal", f"{copy}-wal")  # … and cp takes the other file, which no longer has them

    copied = sqlite3.connect(copy)
    try:
        kept = {number for (number,) in copied.execute("SELECT id FROM labels")}
    except sqlite3.DatabaseError:
        kept = set()
    copied.close()
    assert not set(range(200)) <= kept
    snapshot = tmp_path / "snapshot.sqlite3"
    writer.execute("VACUUM INTO ?", [str(snapshot)])
    writer.close()
    whole = sqlite3.connect(snapshot)
    assert {number for (number,) in whole.execute("SELECT id FROM labels")} == set(range(201))
    whole.close()


def last_but_one(app: str) -> str:
    """The name of the migration before the newest."""
    return sorted(path.stem for path in (ROOT / app / "migrations").glob("0*.py"))[-2]


@pytest.fixture(scope="module")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one project, whose schema is a migration behind, and a backup of it beside it."""
    folder = tmp_path_factory.mktemp("small")
    home = folder / "home"
    (folder / "spec.json").write_text(json.dumps(SPEC))
    for command in (
        ["migrate", "--verbosity", "0"],
        ["create_project", "mail", "--admin", "ada", "--spec", str(folder / "spec.json")],
        ["migrate", "jobs", last_but_one("jobs"), "--verbosity", "0"],
        ["backup", str(folder / "backup")],
    ):
        done = manage(home, *command)
        assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def backup(small_home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(small_home.parent / "backup", tmp_path / "backup")


def test_a_backup_of_an_older_schema_is_migrated(backup: Path, tmp_path: Path) -> None:
    found = figures(manage(tmp_path / "new", "restore", str(backup), "--json"))
    assert found["migrations_applied"] >= 1
    done = manage(tmp_path / "new", "verify_audit", "--head", str(backup / "audit_head.json"))
    assert "the chain is complete" in done.stdout


def test_a_key_that_is_kept_elsewhere_has_to_be_the_same(backup: Path, tmp_path: Path) -> None:
    said = refusal(manage(tmp_path / "new", "restore", str(backup), SECRET_KEY="x" * 60))
    assert said.endswith("SECRET_KEY is not the key that this backup was made with. Give that one, or none.")
    assert not (tmp_path / "new" / "plumbline.sqlite3").exists()
    key = (backup / "secret_key").read_text().strip()
    assert manage(tmp_path / "new", "restore", str(backup), SECRET_KEY=key).returncode == 0


def test_rows_that_were_changed_behind_the_manifest_are_refused(backup: Path, tmp_path: Path) -> None:
    with sqlite3.connect(backup / "database.sqlite3") as database:
        for verb in ("update", "delete"):
            database.execute(f"DROP TRIGGER projects_auditevent_no_{verb}")
        database.execute("UPDATE projects_auditevent SET actor = 'user:eve' WHERE sequence = 1")
    database.close()
    assert "database.sqlite3 is not as it was backed up" in refusal(manage(tmp_path / "new", "restore", str(backup)))
    forge(backup)
    said = refusal(manage(tmp_path / "new", "restore", str(backup)))
    assert "The audit trail of this backup is broken: event 1 was changed after it was written." in said
    assert not (tmp_path / "new" / "plumbline.sqlite3").exists()


def forge(backup: Path) -> None:
    """Let the manifest say of the database what it is now."""
    from config.backup.file_copies import hash_file

    entry = hash_file(backup / "database.sqlite3")
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"]["database.sqlite3"] = {"sha256": entry.sha256, "size": entry.size}
    (backup / "manifest.json").write_text(json.dumps(manifest))


def test_doctor_names_what_is_wrong_and_how_to_repair_it(small_home: Path) -> None:
    done = manage(small_home, "doctor", "--json")
    assert done.returncode == 1
    wrong = {check["name"]: check for check in json.loads(done.stdout)["checks"] if not check["ok"]}
    assert "not applied" in wrong["migrations"]["words"]
    assert wrong["migrations"]["remedy"] == "./plumbline migrate"
    assert done.stderr.strip().startswith("CommandError: 1 thing is wrong: migrations.")
