"""A real PostgreSQL and a real Redis on private sockets; a test fails, and never skips, without them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import servers

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a module run in one process: what is made once for all of them takes up to minutes."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server whose role may make databases."""
    with servers.postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database of its own, with all tables."""
    with servers.database(postgres_server, migrated=True) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[..., Any]]:
    """The name of a database, and a function that runs a module there in a process of its own."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return request.param, partial(servers.run_module, home=tmp_path / "home", url=url)


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis of its own."""
    with servers.redis() as url:
        yield url
