"""Simulated people at the desks of a real server: each keeps a buffer as the desk's own script does, and answers."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LABELS, BUFFER, FIRST, SKIPS = ["a", "b", "c", "d"], 25, 5, 0.02


@dataclass
class Server:
    """A running `up` and the project that people work on."""

    port: int
    project_id: int
    slug: str


@dataclass
class Person:
    """One desk: who sits there, what it holds, and what it saw."""

    user_id: int
    cookie: str
    token: str
    buffer: list[str] = field(default_factory=list)
    most: int = 0
    answers: int = 0
    empty: int = 0
    empty_while_unlabelled: int = 0
    claims: list[float] = field(default_factory=list)  # milliseconds
    submits: list[float] = field(default_factory=list)
    waited: float = 0.0  # seconds without an item
    refused: list[str] = field(default_factory=list)
    statements: int = 0  # SQL statements of its calls, where the server says so
    server_cpu: float = 0.0  # milliseconds of their threads

    @property
    def is_low(self) -> bool:
        """Whether the desk's script would ask for more now (static/js/desk/buffer.js)."""
        return len(self.buffer) <= (BUFFER // 2 if self.most >= BUFFER else max(2, self.most - 1))


def call(server: Server, person: Person, name: str, body: dict[str, Any]) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json", "Cookie": person.cookie, "X-CSRFToken": person.token}
    try:
        connection.request("POST", f"/p/{server.slug}/desk/{name}", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        person.statements += int(answer.getheader("X-Statements", "0"))
        person.server_cpu += float(answer.getheader("X-Thread-Milliseconds", "0"))
        if answer.status != 200:
            raise OSError(f"{answer.status} {text[:120]!r}")
        return json.loads(text)
    finally:
        connection.close()


def fill(server: Server, person: Person, *, opening: bool = False) -> None:
    """Ask for items as the desk's script does."""
    asked = FIRST if opening else max(1, BUFFER - len(person.buffer))
    body: dict[str, Any] = {"count": asked, "have": len(person.buffer), "queue": None}
    started = time.perf_counter()
    answer = call(server, person, "leases", body | ({"resume": []} if opening else {}))
    person.claims.append(1000 * (time.perf_counter() - started))
    came = [lease["lease"] for lease in answer["leases"]]
    person.buffer += came
    person.most = BUFFER if not opening and len(came) == asked else len(person.buffer)
    if not person.buffer:
        person.empty += 1
        person.empty_while_unlabelled += unlabelled(server, person) > 0


def submit_first(server: Server, person: Person, rng: np.random.Generator) -> None:
    """Answer the first item of the buffer, or skip it."""
    row: dict[str, Any] = {"op": "submit", "lease": person.buffer.pop(0), "seconds": 1.0}
    row |= {"skip": True} if rng.random() < SKIPS else {"value": str(rng.choice(LABELS))}
    started = time.perf_counter()
    (result,) = call(server, person, "answers", {"answers": [row]})["results"]
    person.submits.append(1000 * (time.perf_counter() - started))
    person.answers += 1
    if result["status"] != "created":
        person.refused.append(f"{result['status']}: {result['error']}")


def sit(server: Server, person: Person, barrier: threading.Barrier, pace: float, seconds: float, seed: int) -> None:
    """One person's sitting: from the barrier on, at a mean pace of so many seconds an answer."""
    from django.db import connection

    rng = np.random.default_rng(seed)
    barrier.wait()
    began = due = time.monotonic()
    opening = True
    while time.monotonic() - began < seconds:
        try:
            if opening or person.is_low:
                fill(server, person, opening=opening)
                opening = False
            if not person.buffer:
                person.waited += max(pace, 0.05)
                time.sleep(max(pace, 0.05))
                continue
            due = max(due + pace * rng.uniform(0.5, 1.5), time.monotonic() - pace)
            time.sleep(max(0.0, due - time.monotonic()))
            submit_first(server, person, rng)
        except OSError as error:
            person.refused.append(f"{type(error).__name__}: {error}"[:200])
    connection.close()


def unlabelled(server: Server, person: Person) -> int:
    """Items that nobody has labelled or holds, and that this person has not skipped."""
    from django.db.models import Exists, OuterRef
    from django.utils import timezone

    from annotation.models import Item, Label, LabelState, Slot, SlotState

    given = Label.objects.filter(item=OuterRef("pk"), state=LabelState.GIVEN)
    skipped = Label.objects.filter(item=OuterRef("pk"), user=person.user_id, state=LabelState.SKIPPED)
    held = Slot.objects.filter(item=OuterRef("pk"), state=SlotState.LEASED, lease_until__gt=timezone.now())
    free = Item.objects.filter(~Exists(given), ~Exists(skipped), ~Exists(held), project=server.project_id)
    return free.count()
