"""How many answers a second do desks give that never pause, beside a bare view on the same server in the same run?

    python -m benchmarks.desk_throughput [--annotators 1 8 32] [--seconds 60] [--items 100000]

starts `up` with its default settings on SQLite in a folder of its own, or on the PostgreSQL of DATABASE_URL, captures
items with the scores of a model and lets people begin at one moment from empty queues. Each keeps a desk's buffer by
the desk's own calls and answers at once. Then as many people use a view that stores the value of one row and hands out
the next in one call (`bare`), and one that takes a call for each (`bare_two_calls`). One JSON line for each number of
people: answers a second of the three and their ratios, SQL statements and milliseconds of CPU (of the threads that
serve requests) a decision, how often a desk was given nothing, and labels given twice.
"""

import argparse
import http.client
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.desk_supply import running, seed
from benchmarks.simulated_desk import Person, Server, sit


def measure(annotators: int, *, items: int, seconds: float) -> dict[str, Any]:
    from django.db import connection, connections

    from benchmarks import bare_view

    with running(bare_view.STARTER) as port:
        project_id, slug, people = seed(items, annotators)
        bare_view.make_rows(items)
        connections.close_all()
        server = Server(port, project_id, slug)
        at_once(people, lambda place, barrier: sit(server, people[place], barrier, 0.0, seconds, place))
        bare = {two: bare_answers(port, annotators, seconds / 3, two_calls=two) for two in (False, True)}
        answers = sum(person.answers for person in people)
        a_second = answers / seconds
        return {
            "benchmark": "desk_throughput",
            "database": connection.vendor,
            "annotators": annotators,
            "seconds": seconds,
            "items": items,
            "answers": answers,
            "answers_a_second": round(a_second, 1),
            "bare_a_second": round(bare[False], 1),
            "bare_two_calls_a_second": round(bare[True], 1),
            "ratio": round(a_second / bare[False], 3),
            "ratio_two_calls": round(a_second / bare[True], 3),
            "statements_a_decision": round(sum(person.statements for person in people) / answers, 2),
            "server_cpu_ms_a_decision": round(sum(person.server_cpu for person in people) / answers, 2),
            **figures_of(people),
            **duplicates(project_id),
        }


def at_once(people: list[Person], act: Callable[[int, threading.Barrier], object]) -> None:
    barrier = threading.Barrier(len(people))
    threads = [threading.Thread(target=act, args=(place, barrier)) for place in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def figures_of(people: list[Person]) -> dict[str, Any]:
    """What the people saw."""
    calls = np.concatenate([person.claims + person.submits for person in people])
    refused = [why for person in people for why in person.refused]
    return {
        "claims": sum(len(person.claims) for person in people),
        "nothing_waits": sum(person.empty for person in people),
        "call_ms_p50": round(float(np.quantile(calls, 0.5)), 1),
        "call_ms_p95": round(float(np.quantile(calls, 0.95)), 1),
        "refused": len(refused),
        "first_refused": refused[0] if refused else None,
    }


def duplicates(project_id: int) -> dict[str, int]:
    """What should not be: people twice at one item, slots with two labels."""
    from django.db.models import Count

    from annotation.models import Label, LabelState

    given = Label.objects.filter(project=project_id, state=LabelState.GIVEN).order_by()
    twice = given.values("item", "user").annotate(n=Count("pk")).filter(n__gt=1).count()
    over = given.filter(extra=False).values("slot").annotate(n=Count("pk")).filter(n__gt=1).count()
    return {"labels": given.count(), "people_twice_at_one_item": twice, "slots_over_filled": over}


def bare_answers(port: int, annotators: int, seconds: float, *, two_calls: bool) -> float:
    """Answers a second of as many people at the bare view."""
    counts = [0] * annotators

    def work(place: int) -> None:
        row, until = None, time.monotonic() + seconds
        while time.monotonic() < until:
            if two_calls:
                row = bare_call(port, {"row": None, "more": True, "person": place})
                bare_call(port, {"row": row[0], "value": "a", "more": False, "person": place})
                counts[place] += 1
            else:
                counts[place] += row is not None
                answered = None if row is None else row[0]
                row = bare_call(port, {"row": answered, "value": "a", "more": True, "person": place})

    threads = [threading.Thread(target=work, args=(place,)) for place in range(annotators)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def bare_call(port: int, body: dict[str, Any]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/bare", json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["row"]
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotators", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--items", type=int, default=100_000)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-throughput-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        for annotators in given.annotators:
            print(json.dumps(measure(annotators, items=given.items, seconds=given.seconds)), flush=True)


if __name__ == "__main__":
    main()
