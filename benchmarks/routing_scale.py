"""Routing at scale: a round over 100,000 or 1,000,000 captured items, and whether it sees what matters.

    python -m benchmarks.routing_scale [--items 100000 1000000]

runs on SQLite in a throw-away folder, or on the PostgreSQL of DATABASE_URL, and prints one JSON line for each size:
items of 12 numbers with 4 scores over 30 days, the last 4,000 shifted by 3 standard deviations. It reports seconds and
peak memory of three rounds, how many of the 100 most uncertain items of the window were among the candidates, and how
many of the drifted items that were routed are of the last 4,000.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np

NUMBERS, LABELS, DAYS, SHIFTED, SHIFT, CHUNK, ROUNDS = 12, 4, 30, 4000, 3.0, 10_000, 3


def fill(n: int, newest: datetime) -> int:
    """A project with n items over 30 days, written as capture writes them; returns its id."""
    from annotation.models import Item, Prediction
    from annotation.routing import audit_draw
    from annotation.sampling.uncertainty import entropy, margin
    from projects.ids import new_id
    from projects.models import InputContract, LabelSchema, Project

    labels = [{"value": f"label {code}"} for code in range(LABELS)]
    project = Project.objects.create(slug=new_id("s").lower().replace("_", "-"), title="Scale", created_at=newest)
    LabelSchema.objects.create(project=project, version=1, labels=labels, created_at=newest)
    contract = {f"x{column}": {"type": "number"} for column in range(NUMBERS)}
    InputContract.objects.create(project=project, version=1, inputs=contract, created_at=newest)
    rng = np.random.default_rng(0)
    for start in range(0, n, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n))
        values = rng.normal(size=(len(rows), NUMBERS)) + np.where(rows >= n - SHIFTED, SHIFT, 0.0)[:, None]
        raw = np.exp(2 * rng.normal(size=(len(rows), LABELS)))
        p = raw / raw.sum(axis=1, keepdims=True)
        moments = [newest - timedelta(days=DAYS) * (1 - (int(row) + 1) / n) for row in rows]
        items = [
            Item(
                project=project,
                key=str(row),
                body_hash=str(row),
                inputs={f"x{column}": float(value) for column, value in enumerate(numbers)},
                contract_version=1,
                at=moment,
                captured_at=moment,
            )
            for row, numbers, moment in zip(rows, np.round(values, 4), moments, strict=True)
        ]
        audit_draw.draw(project, items, at=newest)
        Item.objects.bulk_create(items, batch_size=1000)
        measured = zip(items, p, margin(p), entropy(p), strict=True)
        Prediction.objects.bulk_create(
            [
                Prediction(
                    project=project,
                    item_id=item.pk,
                    model_version="v1",
                    schema_version=1,
                    scores=scores.astype("<f4").tobytes(),
                    label=labels[int(scores.argmax())]["value"],
                    confidence=float(scores.max()),
                    margin=float(m),
                    entropy=float(h),
                    at=item.at,
                )
                for item, scores, m, h in measured
            ],
            batch_size=1000,
        )
    return project.pk


def measure(project_id: int, n: int, at: datetime) -> dict[str, Any]:
    """Rounds as a worker does them, and what the first one saw."""
    from django.db import connection, transaction

    from annotation import queues, routing
    from annotation.models import Cause, Item, Prediction, RoutedItem, RoutedState
    from annotation.routing import audit_draw, candidates
    from projects.models import Project

    project = Project.objects.get(pk=project_id)
    window = Prediction.objects.filter(project=project, item__captured_at__gt=at - candidates.WINDOW)
    most = set(window.order_by("margin", "pk").values_list("item", flat=True)[:100])
    found = set(candidates.find_candidates(project, count=80, at=at, rng=np.random.default_rng(0)))
    newest = set(Item.objects.filter(project=project).order_by("-at").values_list("pk", flat=True)[:SHIFTED])
    before, seconds, routed = _peak(), [], []
    # Capture is reviewed every minute where a reaper runs; here all was captured at the first rate.
    started = time.perf_counter()
    thinned, review_seconds = audit_draw.review(project, at=at).thinned, time.perf_counter() - started
    for seed in range(ROUNDS):
        started = time.perf_counter()
        routed.append(routing.route(project, at=at, seed=seed))
        seconds.append(round(time.perf_counter() - started, 2))
        waiting = RoutedItem.objects.filter(project=project, state=RoutedState.OPEN)
        with transaction.atomic():
            queues.close(waiting, RoutedState.WITHDRAWN, at=at)
    drifted = set(RoutedItem.objects.filter(project=project, cause=Cause.DRIFTED).values_list("item", flat=True))
    reason = RoutedItem.objects.filter(project=project, cause=Cause.DRIFTED).values_list("reason", flat=True).first()
    return {
        "benchmark": "routing_scale",
        "database": connection.vendor,
        "items": n,
        "thinned": thinned,
        "thinning_seconds": round(review_seconds, 2),
        "round_seconds": seconds,
        "peak_mb": round(_peak()),
        "peak_mb_before": round(before),
        "of_100_most_uncertain": len(most & found),
        "candidates": len(found),
        "drifted_routed": len(drifted),
        "of_them_shifted": len(drifted & newest),
        "reason": reason,
        "by_cause": routed[0].by_cause,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description="A routing round at scale.")
    parser.add_argument("--items", type=int, nargs="+", default=[100_000, 1_000_000])
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory(prefix="plumbline-scale-") as home:
        # Never the installation's own database: a folder of its own, or the server that the caller names.
        os.environ["PLUMBLINE_HOME"] = home
        import django
        from django.core.management import call_command
        from django.utils import timezone

        django.setup()
        call_command("migrate", verbosity=0)
        for n in given.items:
            at = timezone.now()
            print(json.dumps(measure(fill(n, at), n, at)), flush=True)


if __name__ == "__main__":
    main()
