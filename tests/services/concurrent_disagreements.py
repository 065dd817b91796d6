"""The job of the disagreement gate and a person act at once, again and again; prints what came of it as JSON.

In each round of `asking` all questions are answered and undecided: the job asks for more while a person does. In each
round of `promoting` the labels promote: the job releases the version while a person does. The database is that of
DATABASE_URL.
"""

import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation.models import RoutedItem, RoutedState  # noqa: E402
from jobs import execution  # noqa: E402
from jobs.models import Job, JobState  # noqa: E402
from projects.models import Project, Role, User  # noqa: E402
from retraining import disagreements, release  # noqa: E402
from retraining.models import DisagreementSample, ModelVersion, Release  # noqa: E402
from tests.factories import make_user  # noqa: E402
from tests.retraining.disagreement_scenarios import differing_versions, label, window_of  # noqa: E402

BY_ITSELF = {"promote": "by_gate", "gate": "disagreement"}


def main(rounds: int) -> None:
    settings.ARTIFACT_HOME.mkdir(parents=True, exist_ok=True)
    faults: Counter[str] = Counter()
    asking = [asked_at_once(number, faults) for number in range(rounds)]
    promoting = [promoted_at_once(number, faults) for number in range(rounds)]
    print(json.dumps({"database": connection.vendor, "faults": faults, "asking": asking, "promoting": promoting}))


def asked_at_once(number: int, faults: Counter[str]) -> dict[str, bool]:
    """Every item is asked once, in the order of the draw, and the sample knows how many."""
    sample, person = drawn(f"ask-{number}")
    for place in range(disagreements.FIRST_ASKED):
        label(sample, [place], right=place % 2 == 0)
    job = judging_job(sample)
    held = DisagreementSample.objects.get(pk=sample.pk)
    both(
        [
            lambda: execution.run(job.pk),
            lambda: disagreements.request_more(held, count=2, by=person, at=timezone.now()),
        ],
        faults,
    )
    sample = DisagreementSample.objects.get(pk=sample.pk)
    order = [one.item for one in window_of(sample).drawn]
    open_rows = RoutedItem.objects.filter(project=sample.version.project, state=RoutedState.OPEN)
    asked = sorted(order.index(pk) for pk in open_rows.values_list("item_id", flat=True))
    return {
        "in_order_and_once": asked == list(range(disagreements.FIRST_ASKED, sample.asked)),
        "more_was_asked": sample.asked >= disagreements.FIRST_ASKED + 2,
    }


def promoted_at_once(number: int, faults: Counter[str]) -> dict[str, bool]:
    """One release of the version, and one champion."""
    sample, person = drawn(f"promote-{number}")
    label(sample, range(20))
    job, version = judging_job(sample), sample.version
    both(
        [
            lambda: execution.run(job.pk),
            lambda: release.promote(version, by=person, reason="better", at=timezone.now()),
        ],
        faults,
    )
    champions = ModelVersion.objects.filter(project=version.project, stage=ModelVersion.Stage.CHAMPION)
    return {
        "released_once": Release.objects.filter(version=version).count() == 1,
        "one_champion": list(champions.values_list("pk", flat=True)) == [version.pk],
        "job_succeeded": Job.objects.get(pk=job.pk).state == JobState.SUCCEEDED,
    }


def drawn(slug: str) -> tuple[DisagreementSample, User]:
    """A sample whose first items are asked, of a project that acts by itself."""
    version = differing_versions(slug)
    Project.objects.filter(pk=version.project_id).update(retraining=BY_ITSELF)
    person = make_user(f"{slug}-person", version.project, Role.ENGINEER)
    disagreements.request(version, by=person, at=timezone.now())
    execution.run(due(version.project_id).pk)
    return version.disagreement_samples.select_related("version__project").get(), person


def judging_job(sample: DisagreementSample) -> Job:
    disagreements.watch(timezone.now())
    return due(sample.version.project_id)


def due(project_id: int) -> Job:
    found = Job.objects.get(project=project_id, kind=disagreements.KIND, state=JobState.QUEUED)
    Job.objects.filter(pk=found.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    return found


def both(acts: list[Callable[[], object]], faults: Counter[str]) -> None:
    gate = threading.Barrier(len(acts), timeout=60)

    def act(do: Callable[[], object]) -> None:
        gate.wait()
        try:
            do()
        except Exception as error:
            faults[f"{type(error).__name__}: {error}"] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
