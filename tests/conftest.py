"""What every test has: quick passwords, a broker that only remembers, triggers that let a flush through."""

import gc
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

# The same examples on every run and machine, none judged by the clock: what fails here fails everywhere. The fast run
# takes fewer of them, and new faults are looked for on purpose, with HYPOTHESIS_PROFILE=explore.
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("same"), max_examples=25)
settings.register_profile("explore", settings.get_profile("same"), derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: no garbage collection goes through them again."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: compressed ones hold the time, and each process must name a test the same."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True, scope="session")
def _flush_may_empty_append_only_tables() -> Iterator[None]:
    """Between transactional tests all tables are emptied; only then the triggers that refuse it are lifted."""
    from django.db.backends.base.operations import BaseDatabaseOperations

    from projects import append_only

    flush = BaseDatabaseOperations.execute_sql_flush

    def lifted(self: BaseDatabaseOperations, statements: list[str]) -> None:
        append_only.release(self.connection, *append_only.TABLES)
        flush(self, statements)
        append_only.protect(self.connection, *append_only.TABLES)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", lifted)
        yield


@pytest.fixture(autouse=True, scope="session")
def _static_files_are_listed_once() -> Iterator[None]:
    """Each test client loads the middlewares anew; the files under static/ are the same for all of them."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    list_files = WhiteNoiseMiddleware.add_files_from_finders
    listed: dict[str, Any] = {}

    def add(self: WhiteNoiseMiddleware) -> None:
        if not listed:
            list_files(self)
            listed.update(self.files)
        self.files.update(listed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


@pytest.fixture(autouse=True)
def _quick_passwords(settings: object) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The hints that would have gone to the broker, as job ids; no test talks to a broker by accident."""
    from jobs import broker

    hints: list[int] = []

    def send(job_id: int, **_: object) -> bool:
        hints.append(job_id)
        return True

    monkeypatch.setattr(broker, "send", send)
    return hints


@pytest.fixture
def jumping_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every clock of the process says another hour at each look, back and forth."""
    jumps = random.Random(0)
    for name in ("time", "monotonic", "perf_counter", "process_time"):
        monkeypatch.setattr(time, name, lambda: jumps.uniform(0, 1e7))


REGISTRIES = {
    "analysis.reports.registry": ("_kinds",),
    "annotation.kinds": ("_kinds",),
    "annotation.routing.registry": ("_causes",),
    "annotation.signals.kinds": ("_kinds",),
    "inputs.registry": ("INPUT_TYPES",),
    "jobs.registry": ("_kinds", "_periodic", "_project_checks"),
    "projects.project_settings": ("_extensions",),
    "projects.task_kinds": ("_kinds",),
    "retraining.learning.families.registry": ("_families",),
    "retraining.trainers.registry": ("_trainers",),
    "retraining.triggers.registry": ("_rules",),
}


def _registered() -> dict[str, list[str]]:
    """The names in each registry that is imported, as the modules that define the parts filled it."""
    known = [(module, name) for module, names in REGISTRIES.items() if module in sys.modules for name in names]
    return {f"{module}.{name}": sorted(map(str, vars(sys.modules[module])[name])) for module, name in known}


@pytest.fixture(autouse=True, scope="module")
def _no_test_leaves_a_part_behind() -> Iterator[None]:
    """Registries are filled when the apps start; what a test adds it takes out again, or the next one meets it."""
    before = _registered()
    yield
    after = _registered()
    assert {name: after[name] for name in before} == before


@pytest.fixture(scope="module")
def module_rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What other fixtures of the module write is in the database of each of its tests, and gone after the last."""
    from tests.shared_rows import undone

    with django_db_blocker.unblock(), undone():
        yield


@pytest.fixture
def run_jobs(db: None) -> object:
    """A function that does all waiting jobs here and now, in order, as workers would."""
    from django.utils import timezone

    from jobs import execution
    from jobs.models import Job, JobState

    def run(limit: int = 100) -> int:
        done = 0
        while done < limit:
            waiting = Job.objects.filter(state=JobState.QUEUED, due_at__lte=timezone.now()).order_by("pk").first()
            if waiting is None:
                return done
            execution.run(waiting.pk)
            done += 1
        raise AssertionError(f"More than {limit} jobs were done; something enqueues itself.")

    return run


@pytest.fixture
def home() -> Path:
    return Path(os.environ["PLUMBLINE_HOME"])
