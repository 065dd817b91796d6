"""Are events kept once where batches come again, in another order, and cut at any byte?

    python -m benchmarks.cut_batches [--events 10000] [--seed 1]

makes half as many predictions and half as many signals about them, cuts them into overlapping batches, and sends each
as a JSON array, as NDJSON or packed, in a random order, signals before their predictions too: first a beginning of the
body that ends at a random byte, then the whole, and some of them once more. On SQLite or on the PostgreSQL of
DATABASE_URL. One JSON line: events, requests, how many events are lost and how many are there twice, and how many
signals have no item. Ends with 1 where one of these is not 0.
"""

import argparse
import gzip
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
Post = Callable[[str, bytes, str, str], Any]  # call, body, content type and content encoding, to the answer


@dataclass(frozen=True)
class Delivery:
    """What became of the events; `created` counts the rows that were answered as new, among them signals that wait."""

    requests: int
    created: int
    events: int


def predictions(count: int) -> list[Row]:
    return [{"key": f"k{place}", "inputs": {"text": f"message {place}"}, "label": "ham"} for place in range(count)]


def signals(count: int) -> list[Row]:
    return [{"id": f"s{place}", "key": f"k{place}", "kind": "thumbs_down"} for place in range(count)]


def overlapping(rows: Sequence[Row], rng: random.Random) -> Iterator[list[Row]]:
    """Batches that hold every row, most of them twice, each in a random order."""
    start = 0
    while start < len(rows):
        size = rng.randint(1, 400)
        batch = list(rows[max(0, start - rng.randint(0, size)) : start + size])
        yield rng.sample(batch, len(batch))
        start += size


def written(batch: Sequence[Row], rng: random.Random) -> tuple[bytes, str, str]:
    """The body, its content type and its content encoding."""
    packed, lines = rng.random() < 0.3, rng.random() < 0.5
    text = "\n".join(map(json.dumps, batch)) if lines else json.dumps(batch)
    body = gzip.compress(text.encode(), mtime=0) if packed else text.encode()
    return body, "application/x-ndjson" if lines else "application/json", "gzip" if packed else ""


def deliver(post: Post, events: int, seed: int) -> Delivery:
    """Send all events as above. Raises AssertionError where a row is refused that was not cut, or a count is wrong."""
    rng, half = random.Random(seed), events // 2
    batches = [("predictions", batch) for batch in overlapping(predictions(half), rng)]
    batches += [("signals", batch) for batch in overlapping(signals(half), rng)]
    batches += rng.sample(batches, len(batches) // 4)
    rng.shuffle(batches)
    requests = created = 0
    for call, batch in batches:
        body, content_type, encoding = written(batch, rng)
        cut = post(call, body[: rng.randrange(len(body))], content_type, encoding)
        created += new_rows(cut) if cut.status_code == 200 else 0
        assert cut.status_code in (200, 400), cut.content
        whole = post(call, body, content_type, encoding)
        answer = whole.json()
        assert whole.status_code == 200 and not answer["refused"], answer
        assert new_rows(whole) + answer["existing"] == len(batch), answer
        created, requests = created + new_rows(whole), requests + 2
    return Delivery(requests, created, 2 * half)


def new_rows(answer: Any) -> int:
    counts = answer.json()
    return int(counts["created"] + counts.get("waiting", 0))


def kept_events() -> dict[str, int]:
    """How many events are stored, and how many signals have no item."""
    from annotation.models import Item, Prediction, Signal

    return {
        "items": Item.objects.count(),
        "predictions": Prediction.objects.count(),
        "signals": Signal.objects.count(),
        "without_item": Signal.objects.filter(item=None).count(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    from benchmarks.malformed_bodies import project_key, set_up

    set_up()
    from django.test import Client

    slug, secret = project_key(labels=["ham", "spam"])
    client = Client()

    def post(call: str, body: bytes, content_type: str, encoding: str) -> Any:
        headers = {"Authorization": f"Bearer {secret}"} | ({"Content-Encoding": encoding} if encoding else {})
        return client.post(f"/api/v1/projects/{slug}/{call}", body, content_type=content_type, headers=headers)

    sent = deliver(post, asked.events, asked.seed)
    kept, half = kept_events(), sent.events // 2
    found = {
        "benchmark": "cut_batches",
        "events": sent.events,
        "requests": sent.requests,
        "created": sent.created,
        "lost": 2 * half - kept["items"] - kept["signals"],
        "doubled": kept["predictions"] - half,
        "without_item": kept["without_item"],
    }
    print(json.dumps(found), flush=True)
    return int(bool(found["lost"] or found["doubled"] or found["without_item"] or sent.created != sent.events))


if __name__ == "__main__":
    sys.exit(main())
