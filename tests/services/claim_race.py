"""Many people claim at one moment from a project whose queues are empty; prints one JSON object.

Runs in a process of its own with PLUMBLINE_HOME and DATABASE_URL set: python -m tests.services.claim_race PEOPLE TRIES
"""

import json
import os
import sys
import threading
from collections import Counter

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from annotation import leases  # noqa: E402
from annotation.models import Lease, Slot, SlotState  # noqa: E402
from projects.models import Project, User  # noqa: E402
from tests.factories import make_item, make_project, make_user  # noqa: E402

ITEMS_A_PERSON = 30


def claim(project: Project, user: User, barrier: threading.Barrier, outcomes: list[str]) -> None:
    try:
        connection.ensure_connection()
        barrier.wait(timeout=60)
        found = leases.claim(project, by=user, count=leases.MOST, at=timezone.now())
        outcomes.append("full" if len(found) == leases.MOST else f"{len(found)} of {leases.MOST}")
    except Exception as error:  # what is counted here
        outcomes.append(f"{type(error).__name__}: {error}"[:200])
    finally:
        connection.close()


def main() -> None:
    number, tries = int(sys.argv[1]), int(sys.argv[2])
    outcomes: list[str] = []
    for _ in range(tries):
        project = make_project()
        for _ in range(ITEMS_A_PERSON * number):
            make_item(project)
        people, barrier = [make_user(project=project) for _ in range(number)], threading.Barrier(number)
        threads = [threading.Thread(target=claim, args=(project, user, barrier, outcomes)) for user in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    held = Slot.objects.filter(state=SlotState.LEASED)
    print(
        json.dumps(
            {
                "database": connection.vendor,
                "claims": Counter(outcomes),
                "leases": Lease.objects.count(),
                "items": held.values("item").distinct().count(),
            }
        )
    )


if __name__ == "__main__":
    main()
