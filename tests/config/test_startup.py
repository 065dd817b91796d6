"""The start of an installation: whose home it is, and how to sign in."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.test import Client

from config import environment, home, startup
from overview import demo
from tests.factories import make_project, make_user

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_home(tmp_path: Path) -> Path:
    """A home made beforehand with 0755, with a database that others can read."""
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    for name in ("plumbline.sqlite3", "plumbline.sqlite3-wal"):
        (folder / name).write_bytes(b"")
        (folder / name).chmod(0o644)
    return folder


class TestHome:
    def test_made_beforehand_for_everybody_is_closed_with_all_that_is_in_it(self, open_home: Path) -> None:
        home.prepare(open_home)
        assert [oct(mode(path)) for path in (open_home, open_home / "plumbline.sqlite3")] == ["0o700", "0o600"]
        assert home.list_exposed(open_home) == []

    @pytest.mark.simulation
    def test_is_closed_by_every_command_and_so_are_the_files_made_later(self, open_home: Path) -> None:
        manage(open_home, "migrate", "--verbosity", "0")
        seen = {path.name: oct(mode(path)) for path in [open_home, *open_home.iterdir()] if path.is_file()}
        assert seen == dict.fromkeys(seen, "0o600") and "plumbline.sqlite3" in seen and "secret_key" in seen
        assert mode(open_home) == 0o700

    def test_of_somebody_else_that_others_can_read_is_refused_at_the_start(
        self, open_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        home.prepare(open_home)
        with pytest.raises(CommandError, match="can be read by others and belongs to somebody else"):
            startup.check_home(open_home)

    def test_is_held_by_one_start_and_another_says_by_which(self, tmp_path: Path) -> None:
        holding = "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.lockf(f, fcntl.LOCK_EX); f.write('4711'); "
        holding += "f.flush(); print('held', flush=True); sys.stdin.read()"
        command = [sys.executable, "-c", holding, str(tmp_path / "up.lock")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None and holder.stdout.readline() == "held\n"
            with (
                pytest.raises(CommandError, match=r"Plumbline runs in .* already, as process 4711\. End that one"),
                startup.only_start(tmp_path),
            ):
                pytest.fail("started beside another")
            holder.kill()
        with startup.only_start(tmp_path):
            assert (tmp_path / "up.lock").read_text() == str(os.getpid())

    def test_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ImproperlyConfigured, match="cannot be made: Not a directory. PLUMBLINE_HOME names another"):
            home.prepare(tmp_path / "file" / "home")

    def test_that_is_read_only_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "media").mkdir()
        (tmp_path / "artifacts").mkdir()
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(ImproperlyConfigured, match="cannot be written to. PLUMBLINE_HOME names another place."):
            home.prepare(tmp_path)


class TestGreet:
    @pytest.fixture
    def said(self, db: None, settings: Any, tmp_path: Path) -> Any:
        settings.HOME = tmp_path

        def greet(*, demo: bool) -> str:
            lines: list[str] = []
            startup.greet("http://127.0.0.1:9123", demo=demo, say=lines.append)
            return "\n".join(lines)

        return greet

    def test_shows_each_link_at_the_first_start_only(self, said: Any) -> None:
        project = make_project(demo.SLUG)
        for name, _, role in demo.PEOPLE:
            make_user(name, project, role, is_superuser=role == "admin")
        first, second = said(demo=True), said(demo=True)
        assert first.count("http://127.0.0.1:9123/sign-in/") == len(demo.PEOPLE)
        assert "/sign-in/" not in second
        assert "./plumbline sign_in_link NAME" in second and "noor (admin)" in second

    def test_writes_the_address_for_the_commands_that_print_links(self, said: Any, tmp_path: Path) -> None:
        said(demo=False)
        assert environment.public_address(tmp_path) == "http://127.0.0.1:9123"

    def test_says_how_to_make_the_first_person(self, said: Any) -> None:
        assert "No one can sign in yet: ./plumbline create_user NAME --superuser" in said(demo=False)

    def test_shows_a_new_person_a_link_that_works(self, said: Any) -> None:
        make_user("root", is_superuser=True)
        [link] = [word for word in said(demo=False).split() if "/sign-in/" in word]
        assert Client().post(link.removeprefix("http://127.0.0.1:9123")).status_code == 302


class TestEnvironment:
    def test_of_the_address_comes_first(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PORT", "9000")
        assert environment.public_address(tmp_path) == "http://127.0.0.1:9000"
        monkeypatch.setenv("PUBLIC_ADDRESS", "https://plumbline.example")
        assert environment.public_address(tmp_path) == "https://plumbline.example"


def manage(folder: Path, *command: str, options: Sequence[str] = (), **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    return subprocess.run(
        [sys.executable, *options, str(ROOT / "manage.py"), *command],
        env={**kept, "PLUMBLINE_HOME": str(folder), **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestManage:
    """What is missing around a command is one sentence on standard error, and the exit status says so."""

    def one_line(self, done: subprocess.CompletedProcess[str]) -> str:
        assert done.returncode != 0 and done.stdout == ""
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and "Traceback" not in done.stderr, done.stderr
        return lines[0]

    @pytest.mark.simulation
    def test_without_tables(self, tmp_path: Path) -> None:
        assert "./plumbline migrate" in self.one_line(manage(tmp_path, "create_user", "bo"))

    @pytest.mark.simulation
    def test_without_a_database(self, tmp_path: Path) -> None:
        away = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
        assert self.one_line(manage(tmp_path, "create_user", "bo", **away)).startswith("The database cannot be used:")

    def test_with_a_setting_that_cannot_be_used(self, tmp_path: Path) -> None:
        said = self.one_line(manage(tmp_path, "create_user", "bo", LOG_LEVEL="LOUD"))
        assert said == "LOG_LEVEL is 'LOUD'; it takes one of DEBUG, INFO, WARNING, ERROR, CRITICAL."

    def test_without_its_environment(self, tmp_path: Path) -> None:
        said = self.one_line(manage(tmp_path, "create_user", "bo", options=["-S"]))  # no site-packages
        assert said.startswith("This Python has no module django. Run ./plumbline")


@pytest.mark.simulation
def test_plumbline_makes_a_home_and_runs_any_command_in_it_from_any_folder(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}

    def plumbline(*command: str, given: str = "") -> list[str]:
        done = subprocess.run(
            [str(ROOT / "plumbline"), *command],
            cwd=tmp_path,
            env={**kept, "PLUMBLINE_HOME": str(tmp_path / "home")},
            input=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    spec = {"title": "Mail", "kind": "choice", "labels": ["ham", "spam"], "inputs": {"text": {"type": "text"}}}
    [made] = plumbline("create_project", "mail", "--admin", "ada", "--spec", "-", given=json.dumps(spec))
    command = made.split("./plumbline ")[1].split()
    [key] = plumbline(*command)
    assert key.startswith("plumb_") and mode(tmp_path / "home") == 0o700
