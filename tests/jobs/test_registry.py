"""The registry of job kinds: a name stands for one function."""

from datetime import datetime

import pytest

from jobs import registry
from jobs.execution import Attempt
from validation.registry import Registry


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_kinds", "_periodic", "_project_checks"):
        monkeypatch.setattr(registry, name, Registry(vars(registry)[name].noun))


def work(attempt: Attempt) -> None: ...


def other_work(attempt: Attempt) -> None: ...


def enqueue(at: datetime) -> None: ...


def other_enqueue(at: datetime) -> None: ...


def test_a_second_function_for_a_kind_of_job_is_refused_and_the_first_stays() -> None:
    registry.handles("app.work")(work)
    registry.handles("app.work")(work)  # as when a module is imported twice
    with pytest.raises(ValueError, match=r"There is another kind of job app\.work"):
        registry.handles("app.work")(other_work)
    assert registry.kind("app.work").handler is work


def test_so_is_a_second_one_for_periodic_work_and_for_a_check_of_projects() -> None:
    registry.every(60, "app.due")(enqueue)
    with pytest.raises(ValueError, match=r"There is another periodic work app\.due"):
        registry.every(60, "app.due")(other_enqueue)
    registry.check_projects(registry.ProjectCheck("keys", lambda projects: [], "All have keys.", "No key."))
    with pytest.raises(ValueError, match="There is another check of projects keys"):
        registry.check_projects(registry.ProjectCheck("keys", lambda projects: [], "Fine.", "Not fine."))
