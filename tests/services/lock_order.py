"""All that writes about one project's items, at one moment, as threads: python -m tests.services.lock_order TRIES.

Prints one JSON object: how each act ended, and how often PostgreSQL found a deadlock. `answer_while_claimed` has a
claim and a late answer meet, `all_acts` sets all acts on the same items.
"""

import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from unittest import mock

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from analysis import relabel  # noqa: E402
from annotation import labels, lease_ends, leases, queues, rescoring, resolution  # noqa: E402
from annotation.capture import capture_rows  # noqa: E402
from annotation.models import Cause, Item, Lease, RoutedItem, RoutedState, Slot, SlotState  # noqa: E402
from annotation.routing import audit_draw  # noqa: E402
from projects import locks  # noqa: E402
from projects.models import Project, User  # noqa: E402
from tests.factories import make_item, make_prediction, make_project, make_user  # noqa: E402

Act = Callable[[], object]
PEOPLE, ITEMS = 3, 24
OUTCOMES = Counter[str]()


def at_once(acts: list[Act]) -> None:
    barrier = threading.Barrier(len(acts))
    threads = [threading.Thread(target=_do, args=(act, barrier)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def _do(act: Act, barrier: threading.Barrier) -> None:
    try:
        connection.ensure_connection()
        barrier.wait(60)
        act()
        OUTCOMES["done"] += 1
    except relabel.NothingToQueue:
        OUTCOMES["done"] += 1
    except Exception as error:  # what is counted here
        OUTCOMES[f"{type(error).__name__}: {error}"[:300]] += 1
    finally:
        connection.close()


def waiting_project() -> tuple[Project, list[User], list[Item]]:
    """Items that wait in the audit queue and are in the pool as well, so that a round may also ask them."""
    project = make_project(champion_version="v2")
    people = [make_user(project=project) for _ in range(PEOPLE)]
    items = [make_item(project, audit_probability=0.9, audit_number=0.1, sample_number=i / ITEMS) for i in range(ITEMS)]
    for item in items:
        make_prediction(item, [0.6, 0.4], model_version="v2")
    audit_draw.queue_draws(project, items[: ITEMS // 2], at=timezone.now())
    return project, people, items


def answer_while_claimed() -> None:
    """Ann answers late while Bo's claim has taken her slot and has items put into queues, hers among them."""
    project, (ann, bo, *_), items = waiting_project()
    late = timezone.now() - 2 * leases.length()
    held = leases.claim(project, by=ann, count=6, at=late)
    taken, locked, take, fill = threading.Event(), threading.Event(), leases._take, labels._fill

    def slow_take(*args: Any, **given: Any) -> Any:
        rows = take(*args, **given)
        if given["by"] == bo and not taken.is_set():
            taken.set()
            locked.wait(5)
            time.sleep(0.1)
        return rows

    def slow_fill(lease: Lease) -> bool:
        locked.set()
        return fill(lease)

    def answer() -> object:
        taken.wait(5)
        return labels.submit(project, held[0].token, value="ham", by=ann, at=timezone.now())

    placing_all = partial(leases.claim, project, by=bo, count=leases.MOST, at=timezone.now())
    Slot.objects.filter(project=project, state=SlotState.OPEN).update(state=SlotState.CLOSED)  # little is left
    with mock.patch.object(leases, "_take", slow_take), mock.patch.object(labels, "_fill", slow_fill):
        at_once([placing_all, answer])


def all_acts() -> None:
    """All acts on the same items."""
    project, people, items = waiting_project()
    for user in people:
        leases.claim(project, by=user, count=4, at=timezone.now() - 2 * leases.length())
    given = list(Lease.objects.filter(project=project).select_related("user"))
    random.shuffle(given)
    acts: list[Act] = [partial(_answer_all, project, given[place::3]) for place in range(3)]
    acts += [partial(_desk, project, user) for user in people]
    acts += [
        partial(_rescore, project),
        partial(_repeat, lambda at: lease_ends.release_expired(at=at)),
        partial(_repeat, lambda at: audit_draw._thin(project, 0.95, at=at)),
        partial(_repeat, lambda at: audit_draw.draw_more(project, 5, most=1.0, at=at)),
        partial(_select, project, people[0], items),
        partial(_decide, people[1], items),
        partial(_capture, project, 1),
        partial(_capture, project, -1),
    ]
    at_once(acts)


def _repeat(act: Callable[[datetime], object]) -> None:
    for _ in range(4):
        act(timezone.now())


def _answer_all(project: Project, given: list[Lease]) -> None:
    for lease in given:
        labels.submit(project, lease.token, value=random.choice(["ham", "spam"]), by=lease.user, at=timezone.now())  # noqa: S311


def _desk(project: Project, user: User) -> None:
    for _ in range(2):
        held = [lease.token for lease in leases.claim(project, by=user, count=8, at=timezone.now())]
        leases.extend(project, tokens=held[::-1], by=user, at=timezone.now() + timedelta(seconds=1))
        leases.give_back_all(project, tokens=held, by=user, at=timezone.now())


def _rescore(project: Project) -> None:
    queue = queues.ensure(project, Cause.UNCERTAIN, at=timezone.now())
    for number in range(4):
        rows = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN)
        rows.update(cause=Cause.UNCERTAIN, scored_by=f"v{number}", queue=queue)
        rescoring.refresh(project, at=timezone.now() + timedelta(hours=1))


def _select(project: Project, user: User, items: list[Item]) -> None:
    for start in (0, 6, 3):
        ids = [item.pk for item in items[start : start + 15]][::-1]
        relabel.queue_items(project, ids, title="Chosen", reason="a test", by=user, at=timezone.now())


def _decide(user: User, items: list[Item]) -> None:
    for item in items[::-3]:
        resolution.resolve_by_person(item, value="spam", by=user, at=timezone.now())


def _capture(project: Project, step: int) -> None:
    rows = [{"key": f"new-{i}", "inputs": {"text": f"message {i}"}, "label": "ham"} for i in range(30)]
    capture_rows(project, rows[::step], at=timezone.now())


def deadlock_on_purpose() -> dict[str, object]:
    """Two transactions that lock two rows in two orders, each of which may begin again."""
    items, barrier, begun = [item.pk for item in waiting_project()[2][:2]], threading.Barrier(2), Counter[str]()

    def lock_both(name: str, order: list[int]) -> None:
        begun[name] += 1
        with transaction.atomic():
            Item.objects.filter(pk=order[0]).update(in_pool=False)
            if begun[name] == 1:
                barrier.wait(10)
            Item.objects.filter(pk=order[1]).update(in_pool=False)

    both: list[Act] = [
        partial(locks.retry_conflicts(lock_both), "first", items),
        partial(locks.retry_conflicts(lock_both), "second", items[::-1]),
    ]
    before = OUTCOMES["done"]
    at_once(both)
    return {"done": OUTCOMES["done"] - before, "begun": sum(begun.values())}


def deadlocks() -> int:
    """How many PostgreSQL has found in this database; sessions report theirs when they end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def main() -> None:
    tries, met = int(sys.argv[1]), {}
    with mock.patch.object(locks, "ATTEMPTS", 1):  # so that a deadlock is seen, and not done again
        for act in (answer_while_claimed, all_acts):
            for _ in range(tries):
                act()
            time.sleep(1.5)
            met[act.__name__] = deadlocks()
    again = deadlock_on_purpose()
    print(json.dumps({"outcomes": OUTCOMES, "deadlocks": met, "begun_again": again}))


if __name__ == "__main__":
    main()
