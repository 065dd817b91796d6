"""On PostgreSQL: update, delete and truncate of what was written are refused by triggers."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from projects import append_only

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.services
EVENT = """INSERT INTO projects_auditevent (sequence, at, actor, project, action, target, details, previous_hash, hash)
VALUES (1, now(), 'system', '', 'x', '', '{}', '', 'a')"""


@pytest.fixture
def migrated(postgres_url: str) -> psycopg.Connection:
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return psycopg.connect(postgres_url, autocommit=True)


def test_the_triggers_stand_and_refuse(migrated: psycopg.Connection) -> None:
    with migrated:
        names = {name for (name,) in migrated.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")}
        verbs = (*append_only.VERBS, "TRUNCATE")
        assert names >= {f"{table}_no_{verb.lower()}" for table in append_only.TABLES for verb in verbs}
        migrated.execute(EVENT)
        for act in (
            "UPDATE projects_auditevent SET actor = 'nobody'",
            "DELETE FROM projects_auditevent",
            "TRUNCATE projects_auditevent",
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
                migrated.execute(act)
        assert migrated.execute("SELECT actor FROM projects_auditevent").fetchall() == [("system",)]
