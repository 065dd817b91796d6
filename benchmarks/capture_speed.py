"""How fast is capture over HTTP, against the database's own bulk insert of the same rows into the same tables?

    python -m benchmarks.capture_speed [--rows 10000 1000000] [--batches 10]

starts `up` with its default settings in a folder of its own, on SQLite or on the PostgreSQL of DATABASE_URL. For each
number of rows stored it sends batches of 2,000 rows (12 inputs, 4 scores), and after each one inserts as many rows by
`executemany` (SQLite) or COPY (PostgreSQL), in one transaction, with the same columns and indexes: items, predictions
and search texts. One JSON line for each number: rows a second of both, their ratio, and the processor time of the web
processes for each captured row.
"""

import argparse
import http.client
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.desk_supply import running

ROWS = 2000
LABELS = ["refund", "card", "transfer", "other"]
NUMBERS = [f"x{place}" for place in range(10)]
SPEC = {
    "title": "Capture speed",
    "kind": "choice",
    "labels": LABELS,
    "inputs": {name: {"type": "number"} for name in NUMBERS}
    | {"country": {"type": "category"}, "text": {"type": "text"}},
    "segments": ["channel"],
}
WORDS = [
    "where",
    "is",
    "my",
    "new",
    "card",
    "why",
    "was",
    "the",
    "transfer",
    "refused",
    "last",
    "week",
    "again",
    "please",
]
Row = dict[str, Any]


def batch(number: int) -> bytes:
    """The body of one request."""
    rng, words = np.random.default_rng(number), random.Random(number)
    scores, values = rng.dirichlet(np.ones(len(LABELS)), ROWS).round(6), rng.normal(size=(ROWS, len(NUMBERS))).round(4)
    rows: list[Row] = [
        {
            "key": f"{number}-{place}",
            "inputs": {
                **dict(zip(NUMBERS, map(float, values[place]), strict=True)),
                "country": words.choice(["DE", "FR", "IT"]),
                "text": " ".join(words.choices(WORDS, k=12)),
            },
            "scores": dict(zip(LABELS, map(float, scores[place]), strict=True)),
            "model_version": "router-7",
            "at": "2026-11-23T14:00:00Z",
            "segment": {"channel": "app"},
        }
        for place in range(ROWS)
    ]
    return json.dumps(rows).encode()


class Tables:
    """The rows of one captured batch in each table, which are inserted again under new ids."""

    def __init__(self, project_id: int) -> None:
        from annotation.models import Item, Prediction, SearchText

        self.next_id = -(10**12)  # never one that the product gives
        first = list(Item.objects.filter(project=project_id).order_by("pk").values_list("pk", flat=True)[:ROWS])
        self.items = _stored(Item, "id", first)
        self.others = [_stored(Prediction, "item_id", first), _stored(SearchText, "item_id", first)]

    def made(self) -> Iterator[tuple[str, list[str], list[tuple[Any, ...]]]]:
        """Table, columns and rows, each row with an id, key and random numbers of its own."""
        rng = np.random.default_rng(-self.next_id)
        start, self.next_id = self.next_id, self.next_id + ROWS
        table, columns, rows = self.items
        place = {name: columns.index(name) for name in ("id", "uid", "key", "audit_number", "sample_number")}
        new = {}
        for offset, row in enumerate(rows):
            values = list(row)
            values[place["id"]] = new[row[place["id"]]] = start + offset
            values[place["uid"]], values[place["key"]] = f"item_{start + offset}", f"raw-{start + offset}"
            values[place["audit_number"]], values[place["sample_number"]] = rng.random(2).tolist()
            rows[offset] = tuple(values)
        yield table, columns, rows
        for table, columns, rows in self.others:
            item, own = columns.index("item_id"), columns.index("id") if "id" in columns else None
            for offset, row in enumerate(rows):
                values = list(row)
                values[item] = new[row[item]]
                if own is not None:
                    values[own] = start + offset
                rows[offset] = tuple(values)
            yield table, columns, rows


def _stored(model: Any, column: str, ids: Sequence[int]) -> tuple[str, list[str], list[tuple[Any, ...]]]:
    from django.db import connection

    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(ids))
        cursor.execute(f"SELECT * FROM {model._meta.db_table} WHERE {column} IN ({marks})", list(ids))
        return model._meta.db_table, [each[0] for each in cursor.description], cursor.fetchall()


def insert_raw(tables: Tables) -> float:
    """Seconds in which the database takes one batch, in one transaction."""
    from django.db import connection, transaction

    made = list(tables.made())
    insert = _copy if connection.vendor == "postgresql" else _executemany
    began = time.perf_counter()
    with transaction.atomic():
        for table, columns, rows in made:
            insert(table, columns, rows)
    return time.perf_counter() - began


def _executemany(table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    from django.db import connection

    names, places = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    connection.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)


def _copy(table: str, columns: list[str], rows: list[tuple[Any, ...]]) -> None:
    from django.db import connection

    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


class Sender:
    """A client that captures, each batch over a connection of its own."""

    def __init__(self, port: int, slug: str, key: str) -> None:
        self.port = port
        self.path = f"/api/v1/projects/{slug}/predictions"
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(self, body: bytes) -> float:
        """Seconds until the batch is acknowledged."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", self.path, body, self.headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        seconds = time.perf_counter() - began
        connection.close()
        if response.status != 200 or answer["created"] != ROWS:
            raise RuntimeError(f"A batch was not captured: {answer}")
        return seconds


def web_seconds(port: int) -> float:
    """Processor time so far of the processes that listen on this port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = {f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if listening & {os.readlink(descriptor) for descriptor in (folder / "fd").iterdir()}:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return total / os.sysconf("SC_CLK_TCK")


def seed() -> tuple[int, str, str]:
    """A project with a key that may capture."""
    from django.utils import timezone

    from projects import members, specs
    from projects.models import Membership, Role, Scope, User

    now = timezone.now()
    project = specs.create_project(f"capture-{int(now.timestamp())}", SPEC, by=None, at=now)
    user = User.objects.create(username=f"{project.slug}-service", password="!")
    Membership.objects.create(project=project, user=user, role=Role.ADMIN, created_at=now)
    return project.pk, project.slug, members.create_key(project, user, [Scope.INGEST], by=None, at=now)[1]


def measure(stored: Sequence[int], batches: int) -> Iterator[dict[str, Any]]:
    from django.db import connection

    from annotation.models import Item

    with running() as port:
        project_id, slug, key = seed()
        sender, sent = Sender(port, slug, key), 0
        sender.send(batch(sent))
        tables = Tables(project_id)
        for target in stored:
            while Item.objects.filter(project=project_id).count() < target:
                for _ in range(10):
                    insert_raw(tables)
            captured, raw, cpu = [], [], 0.0
            for _ in range(batches):
                sent += 1
                body, before = batch(sent), web_seconds(port)
                captured.append(sender.send(body))
                cpu += web_seconds(port) - before
                raw.append(insert_raw(tables))
            yield {
                "benchmark": "capture_speed",
                "database": connection.vendor,
                "stored": target,
                "captured_a_second": round(ROWS / float(np.median(captured))),
                "raw_a_second": round(ROWS / float(np.median(raw))),
                "share_of_raw": round(float(np.median(raw) / np.median(captured)), 3),
                "web_cpu_us_a_row": round(cpu / batches / ROWS * 1e6, 1),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--batches", type=int, default=10)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-capture-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        for line in measure(given.rows, given.batches):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
