"""A real PostgreSQL and a real Redis on private sockets; a test fails, and never skips, without them."""

from collections.abc import Iterator

import pytest

from tests.chaos import servers


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server whose role may make databases."""
    with servers.postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of its own."""
    with servers.database(postgres_server) as url:
        yield url


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of its own."""
    with servers.redis() as url:
        yield url
