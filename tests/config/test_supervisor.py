"""The processes of `up`: each queue has one that takes its jobs, and long work with files holds no other job up."""

import pytest

from analysis import selection_exports, skew_jobs
from annotation import export_jobs, import_jobs
from annotation.ml_backends import registration
from config import supervisor
from jobs import health, registry, tasks
from jobs.models import Beat

LONG = {import_jobs.KIND, export_jobs.KIND, selection_exports.KIND, skew_jobs.KIND, registration.ASK}


def test_a_process_takes_the_jobs_of_each_queue() -> None:
    processes = {child.name for child in supervisor.family(port=0, workers=1)}
    served = {queue for role, queue in health.QUEUES.items() if role in processes}
    assert {kind.queue for kind in registry.kinds()} <= served
    assert processes - {"web"} == set(health.PROCESSES)


def test_work_with_files_and_with_backends_holds_up_no_other_job() -> None:
    assert {kind.name for kind in registry.kinds() if kind.queue == "files"} == LONG


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("queues", "roles"), [(["files"], {"file-worker"}), (["default", "files"], {"worker", "file-worker"})]
)
def test_a_worker_shows_life_for_each_queue_that_it_takes(
    queues: list[str], roles: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Enough(BaseException):
        pass

    def once(seconds: float) -> None:
        raise Enough

    monkeypatch.setattr(tasks.time, "sleep", once)
    with pytest.raises(Enough):
        tasks._watch(queues)
    assert set(Beat.objects.values_list("role", flat=True)) == roles
