"""How long does the first page of the list of items take at a million items, filtered by score and label?

    python -m benchmarks.items_page [--items 1000000] [--requests 60] [--batches 10]

fills a project on SQLite, or on the PostgreSQL of DATABASE_URL, and asks for first pages in process, each with filters
drawn at random: of the predicted label or the resolved one with a range of scores, then of other kinds. One JSON line a
kind, in milliseconds; cpu_p95_ms is the time of this process, which on SQLite is the database's as well. The last line
compares capture in process with the index that the filters use, and without.
"""

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

LABELS = ["refund", "card", "transfer", "other"]
SHARES = [0.55, 0.3, 0.13, 0.02]
RESOLVED = 0.05
AUDITED = 0.002
CHUNK = 10_000
START = datetime(2026, 5, 1, tzinfo=UTC)
WORDS = ["where", "is", "my", "new", "card", "why", "was", "the", "transfer", "refused", "last", "week", "again"]
NAMES = [f"{first}{second}" for first in ("ber", "kan", "lor", "mis") for second in ("tova", "dri", "lund", "wick")]
SPEC: dict[str, Any] = {
    "title": "Items page",
    "kind": "choice",
    "labels": LABELS,
    "inputs": {"text": {"type": "text"}, "amount": {"type": "number"}, "country": {"type": "category"}},
    "segments": ["channel"],
}
Draw = Callable[[random.Random], dict[str, str]]


def fill(project: Any, count: int) -> None:
    """Items of half a year, each with an answer of one version, some resolved and some drawn for the audit."""
    from django.db import connection, transaction

    from annotation.models import Item, Prediction, Resolution, SearchText
    from projects.bulk_insert import insert_new

    rng = np.random.default_rng(0)
    first = (Item.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    for start in range(0, count, CHUNK):
        n = min(CHUNK, count - start)
        ids = list(range(first + start, first + start + n))
        at = [START + timedelta(seconds=15 * (start + place)) for place in range(n)]
        texts = [f"{' '.join(rng.choice(WORDS, 8))} {rng.choice(NAMES)}" for _ in range(n)]
        scores = rng.beta(4, 1.5, n).clip(0.25, 1).round(6).tolist()
        labels = rng.choice(LABELS, n, p=SHARES).tolist()
        inputs = [
            {"text": text, "amount": round(amount, 2), "country": "DE"}
            for text, amount in zip(texts, rng.exponential(50, n).tolist(), strict=True)
        ]
        items = {
            "id": ids,
            "uid": [f"item_{pk:026d}" for pk in ids],
            "key": [f"b-{pk}" for pk in ids],
            "inputs": inputs,
            "segment": [{"channel": "app"}] * n,
            "at": at,
            "captured_at": at,
            "audit_number": rng.random(n).tolist(),
            "sample_number": rng.random(n).tolist(),
        }
        searched = [f"b-{pk}\n{text}" for pk, text in zip(ids, texts, strict=True)]
        said = {"item_id": ids, "label": labels, "confidence": scores, "margin": scores, "at": at}
        known = rng.random(n) < RESOLVED
        agreed = {
            "item_id": [pk for pk, has in zip(ids, known, strict=True) if has],
            "value": [label for label, has in zip(labels, known, strict=True) if has],
        }
        with transaction.atomic():
            insert_new(Item, items, project_id=project.pk, body_hash="0", contract_version=1, audit_probability=AUDITED)
            insert_new(Prediction, said, project_id=project.pk, model_version="router-7", schema_version=1)
            insert_new(SearchText, {"item_id": ids, "text": searched}, project_id=project.pk, indexed=False)
            insert_new(
                Resolution, agreed, project_id=project.pk, method="single", quality=1.0, votes=1, resolved_at=at[-1]
            )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('annotation_item', 'id'), max(id)) FROM annotation_item"
            )
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA optimize")


def index_texts(project: Any) -> dict[str, Any]:
    """Take the search texts into their index, as the job does."""
    from django.db import connection

    from annotation import search_index

    began, count = time.perf_counter(), 0
    while taken := search_index.index_chunk(project):
        count += taken
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE annotation_searchtext" if connection.vendor == "postgresql" else "ANALYZE")
    line = {"benchmark": "items_page", "database": connection.vendor, "filter": "indexing of search texts"}
    return {**line, "us_a_row": round((time.perf_counter() - began) / count * 1e6, 1)}


def _range(rng: random.Random) -> str:
    low = rng.uniform(0.25, 0.95)
    return f"{low:.3f}..{min(1.0, low + rng.choice([0.01, 0.05, 0.2, 1.0])):.3f}"


KINDS: dict[str, Draw] = {
    "score and predicted label": lambda rng: {"says": rng.choice(LABELS), "confidence": _range(rng)},
    "score and resolved label": lambda rng: {"truth": rng.choice(LABELS), "confidence": _range(rng)},
    "no filter": lambda rng: {},
    "sorted by score": lambda rng: {"sort": "score"},
    "predicted label": lambda rng: {"says": rng.choice(LABELS)},
    "number range": lambda rng: {"input": f"amount:{rng.randint(0, 100)}..200"},
    "common word": lambda rng: {"q": rng.choice(WORDS)},
    "key": lambda rng: {"q": f"b-{rng.randint(1, 999_999)}"},
    "common word and name": lambda rng: {"q": f"{rng.choice(WORDS)} {rng.choice(NAMES)}"},
    "phrase": lambda rng: {"q": f'"{rng.choice(WORDS)} {rng.choice(WORDS)} {rng.choice(WORDS)} {rng.choice(NAMES)}"'},
    "rare number": lambda rng: {"input": "amount:700.."},
}


def measure(project: Any, requests: int) -> Iterator[dict[str, Any]]:
    from django.db import connection
    from django.test import Client

    from projects.models import Membership, User

    user = User.objects.create(username="bench", password="!")
    Membership.objects.create(project=project, user=user, role="engineer", created_at=START)
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for kind, draw in KINDS.items():
        rng = random.Random(kind)
        number = requests if "label" in kind else max(3, requests // 10)
        seconds, busy = [], []
        for _ in range(number):
            query = draw(rng)
            began, cpu = time.perf_counter(), time.process_time()
            answer = browser.get(f"/p/{project.slug}/items/", query)
            seconds.append(time.perf_counter() - began)
            busy.append(time.process_time() - cpu)
            if answer.status_code != 200:
                raise RuntimeError(f"{query}: {answer.status_code}")
        p50, p95 = (round(float(np.quantile(seconds, share)) * 1000, 1) for share in (0.5, 0.95))
        line = {"benchmark": "items_page", "database": connection.vendor, "filter": kind, "requests": number}
        cpu_p95 = round(float(np.quantile(busy, 0.95)) * 1000, 1)
        yield {**line, "p50_ms": p50, "p95_ms": p95, "longest_ms": round(max(seconds) * 1000, 1), "cpu_p95_ms": cpu_p95}


def capture_cost(project: Any, batches: int) -> dict[str, Any]:
    """Microseconds of this process for a captured row, with the index and then without, on the same tables."""
    from django.db import connection

    from annotation.models import Prediction
    from projects.models import Project

    index = next(one for one in Prediction._meta.indexes if one.name == "prediction_by_answer")
    found: dict[str, float] = {}
    for name in ("with", "without"):
        if name == "without":
            with connection.schema_editor() as editor:
                editor.remove_index(Prediction, index)
        fresh = Project.objects.get(pk=project.pk)
        seconds = [_captured(fresh, f"{name}-{number}") for number in range(batches)]
        found[name] = float(np.median(seconds)) / 2000 * 1e6
    line = {"benchmark": "items_page", "database": connection.vendor, "filter": "capture in process"}
    return {**line, **{f"us_a_row_{name}": round(value, 1) for name, value in found.items()}}


def _captured(project: Any, name: str) -> float:
    from annotation.capture import capture_rows

    rng = np.random.default_rng(len(name))
    rows = [
        {
            "key": f"{name}-{place}",
            "inputs": {"text": " ".join(rng.choice(WORDS, 8)), "amount": 5.0, "country": "DE"},
            "scores": dict(zip(LABELS, scores, strict=True)),
            "model_version": "router-7",
        }
        for place, scores in enumerate(rng.dirichlet(np.ones(4), 2000).round(6).tolist())
    ]
    began = time.process_time()
    capture_rows(project, rows, at=datetime.now(UTC))
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=60)
    parser.add_argument("--batches", type=int, default=10)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-items-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.ALLOWED_HOSTS = ["testserver"]
        call_command("migrate", verbosity=0)
        from projects import specs

        project = specs.create_project(f"items-{int(time.time())}", SPEC, by=None, at=START)
        fill(project, given.items)
        print(json.dumps(index_texts(project)), flush=True)
        for line in measure(project, given.requests):
            print(json.dumps(line), flush=True)
        print(json.dumps(capture_cost(project, given.batches)), flush=True)


if __name__ == "__main__":
    main()
