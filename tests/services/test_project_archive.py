"""Projects that move: tests again on PostgreSQL, from SQLite to PostgreSQL, and with the import killed on its way."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.chaos import servers
from tests.services.test_backup import PATIENCE, ROOT, environment, figures, manage

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a project with a champion and 3,000 items, exported from an installation on SQLite."""
    folder = tmp_path_factory.mktemp("archive")
    servers.fill(folder / "home")
    done = subprocess.run(
        [sys.executable, "-m", "tests.services.exported_project", str(folder / "numbers.plumbline")],
        cwd=ROOT,
        env=environment(folder / "home"),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / "numbers.plumbline"


def test_an_import_that_was_killed_leaves_nothing_and_can_be_done_again(
    archive: Path, tmp_path: Path, postgres_server: str
) -> None:
    """From SQLite to PostgreSQL, killed once rows are being stored."""
    with servers.database(postgres_server, migrated=True) as url, psycopg.connect(url, autocommit=True) as database:
        home = tmp_path / "home"
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "import_project", str(archive)], env=environment(home, url)
        )
        storing = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO \"annotation_%'"
        deadline = time.monotonic() + PATIENCE
        while not database.execute(storing).fetchone()[0]:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        while database.execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE '%transaction%'").fetchone()[0]:
            time.sleep(0.05)
        for table in ("projects_project", "annotation_item", "projects_user", "projects_auditevent"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table

        found = figures(manage(home, "import_project", str(archive), "--json", url=url))

        assert found["project"] == "numbers" and found["new_people"] == ["ada"]
        assert database.execute("SELECT count(*) FROM annotation_item").fetchone() == (3_060,)
        wrong = [
            check for check in json.loads(manage(home, "doctor", "--json", url=url).stdout)["checks"] if not check["ok"]
        ]
        assert [check["name"] for check in wrong] == ["worker", "file-worker", "trainer", "reaper"], wrong
