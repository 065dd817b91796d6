"""Two workers that send one project's events at one moment, while facts are still written; prints one JSON object.

Runs in a process of its own with PLUMBLINE_HOME, DATABASE_URL and OUTGOING_NETWORKS set.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from jobs import execution  # noqa: E402
from jobs.models import DeliveryState, EventType, Job, JobState, WebhookDelivery, WebhookEvent  # noqa: E402
from jobs.webhooks import delivery, outbox  # noqa: E402
from projects.models import Project  # noqa: E402
from tests.factories import make_endpoint, make_project  # noqa: E402
from tests.jobs.webhooks.receiver import receiving  # noqa: E402

PATIENCE = 120.0


def write_facts(project: Project, barrier: threading.Barrier, facts: int) -> None:
    """Both writers know of the same facts; each writes all of them."""
    for number in range(facts):
        barrier.wait(timeout=60)
        with transaction.atomic():
            outbox.add_event(
                EventType.RUN_FINISHED, project=project, subject=f"run {number}", data={"n": number}, at=timezone.now()
            )


def work(project: Project, barrier: threading.Barrier, facts: int) -> None:
    """Claim and do jobs until every event is delivered."""
    deadline = time.monotonic() + PATIENCE
    wanted = WebhookDelivery.objects.filter(state=DeliveryState.DELIVERED)
    while wanted.count() < 2 * facts and time.monotonic() < deadline:
        delivery.request_due(at=timezone.now())
        for job_id in Job.objects.filter(state=JobState.QUEUED).values_list("pk", flat=True):
            execution.run(job_id)
        time.sleep(0.01)


def in_thread(act: Callable[[Project, threading.Barrier, int], None], *arguments: object) -> threading.Thread:
    def run() -> None:
        try:
            act(*arguments)  # type: ignore[arg-type]
        finally:
            connection.close()

    return threading.Thread(target=run)


def main() -> None:
    facts, project = int(sys.argv[1]), make_project("race")
    barrier = threading.Barrier(2)
    with receiving() as first, receiving() as second:
        for receiver in (first, second):
            make_endpoint(project, url=receiver.url)
        threads = [in_thread(act, project, barrier, facts) for act in (write_facts, write_facts, work, work)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = [Counter(receiver.ids()) for receiver in (first, second)]
    print(
        json.dumps(
            {
                "database": connection.vendor,
                "events": WebhookEvent.objects.count(),
                "received": [len(count) for count in counts],
                "twice": sum(number > 1 for count in counts for number in count.values()),
            }
        )
    )


if __name__ == "__main__":
    main()
