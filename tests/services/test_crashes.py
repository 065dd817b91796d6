"""A short crash test on both pairs of services in every run; `make chaos` is the long one."""

import pytest

from tests.chaos.__main__ import attack

pytestmark = [pytest.mark.services, pytest.mark.chaos]


def assert_held(verdict: dict[str, object], kills: int) -> None:
    """Nothing lost, nothing done twice; how soon is judged by `make chaos`, on a machine that does nothing else."""
    assert verdict["held"], verdict
    assert verdict["kills_by"]["idle child"] == 4, verdict  # type: ignore[index]
    assert int(str(verdict["kills"])) >= kills, verdict


def test_no_job_is_lost_or_doubled_on_sqlite_and_files() -> None:
    assert_held(attack("SQLite and files", {}, seed=7, kills=5), 5)


def test_no_job_is_lost_or_doubled_on_postgresql_and_redis(postgres_url: str, redis_url: str) -> None:
    environment = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    assert_held(attack("PostgreSQL and Redis", environment, seed=7, kills=5), 5)
