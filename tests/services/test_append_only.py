"""On PostgreSQL: update, delete and truncate of what was written are refused by triggers."""

import psycopg
import pytest

from projects import append_only

pytestmark = pytest.mark.services
EVENT = """INSERT INTO projects_auditevent (sequence, at, actor, project, action, target, details, previous_hash, hash)
VALUES (1, now(), 'system', '', 'x', '', '{}', '', 'a')"""


def test_the_triggers_stand_and_refuse(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as migrated:
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
