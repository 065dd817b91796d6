"""The demo project: scikit-learn's handwritten digits as traffic, so that the loop can be seen turning at once.

Everything goes through the functions that the API and the pages call. What is simulated is said where it is seen: Bea,
who labelled before you came, answers with the data set's own labels, one in sixteen of the asked ones changed; and the
newest part of the traffic comes from a sensor whose image is paler and one column off.
"""

import base64
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from annotation import capture, guidelines, labels, leases, routing
from annotation.models import Item, Slot, SlotState
from annotation.routing.capacity import Places
from jobs import execution, queue
from jobs.models import Job, JobState
from overview import demo_signals
from projects import audit, members, specs
from projects.models import AuditEvent, Project, Role, User
from retraining import new_labels, serving, training
from retraining.run_records import TriggerEvidence

SLUG = "digits"
PEOPLE = [
    ("ada", "Ada Okafor", Role.ANNOTATOR),
    ("ruth", "Ruth Meyer", Role.REVIEWER),
    ("emil", "Emil Castro", Role.ENGINEER),
    ("noor", "Noor Haddad", Role.ADMIN),
]
BEA = ("bea", "Bea Lindqvist", Role.ANNOTATOR)
SEED, BEFORE, SENSOR = 60, 320, 350  # items known from the start, captured before the first model, after the change
PER_DAY = 145
AFTER_LABELS = 260
LEFT_TO_LABEL = 20
WRONG = 1 / 16

GUIDELINE = """
## What to look for

Say which digit the writer meant, not which digit the pixels resemble most.

### 4 against 9
Look at the top of the loop. Open at the top is a 4, even when the strokes almost meet. Closed is a 9.

### 1 against 7
A 7 has a roof as wide as half the image. A 1 may lean, and has at most a short nose.

### 3 against 8
Both left sides must be closed for an 8.

### When you cannot tell
Skip with the space bar. Two skips send the image to a reviewer. A guess costs more than a skip.
"""

SPEC: dict[str, Any] = {
    "title": "Handwritten digits",
    "kind": "choice",
    "labels": [str(digit) for digit in range(10)],
    "inputs": {"image": {"type": "image"}},
    "segments": ["sensor"],
    "retraining": {"after_labels": AFTER_LABELS, "cooldown_minutes": 1, "promote": "ask"},
    "routing": {"batch": 80, "waiting": 80, "audit_share": 0.25},
    "outcome_matures_after_days": 14,
}

Say = Callable[[str], object]


def ensure(*, at: datetime, say: Say) -> None:
    """Make the demo where it is missing; a start that was cut off goes on with the step that it had reached."""
    done = set(AuditEvent.objects.filter(action="demo.step").values_list("target", flat=True))
    for name, words, step in STEPS:
        if name not in done:
            say(words)
            step(at)
            audit.record("demo.step", by=None, at=at, target=name)


@transaction.atomic
def _people(at: datetime) -> None:
    began = at - timedelta(days=15)
    project = specs.create_project(SLUG, SPEC, by=None, at=began)
    for name, full_name, role in [*PEOPLE, BEA]:
        user = members.create_user(name, by=None, at=began, full_name=full_name, superuser=role == Role.ADMIN)
        members.set_role(project, user, role, by=None, at=began)
    _hold_routing(project)
    guidelines.publish(project, text=GUIDELINE.strip(), by=User.objects.get(username="ruth"), at=began)


def _hold_routing(project: Project) -> None:
    """The demo routes at moments of its own; a job that routes meanwhile finds no capacity."""
    Project.objects.filter(pk=project.pk).update(routing={"batch": 1, "waiting": 0, "audit_share": 0.25})


def _first_traffic(at: datetime) -> None:
    """A few digits whose label is known, and traffic from before there was a model."""
    images, truth = digits()
    known = [_row(i, images, at) | {"label_known": truth[i]} for i in range(SEED)]
    before = [_row(i, images, at) for i in range(SEED, SEED + BEFORE)]
    capture.capture_rows(_project(), known + before, at=moment(SEED + BEFORE, at))


def _first_labels(at: datetime) -> None:
    """Bea answers what is routed cold, most of it drawn uniformly: the first evaluation set."""
    when = moment(SEED + BEFORE, at)
    if not Slot.objects.filter(project=_project()).exists():
        _route(when, size=100, audit_share=0.5)
    _label_items(when + timedelta(hours=2), at=at)


def _first_model(at: datetime) -> None:
    """Run 1, which leaves the champion that serves the rest."""
    project, when = _project(), moment(SEED + BEFORE, at) + timedelta(hours=3)
    training.reconcile(at=when)
    run = project.runs.order_by("-number").first()
    if run is None:
        run = training.open_run(
            project,
            reason="The first model, from 60 known digits and Bea's labels.",
            evidence=TriggerEvidence(),
            by=User.objects.get(username="emil"),
            at=when,
        )
    began = timezone.now()
    attempt = run.job and execution.claim(run.job.pk, at=when, worker="demo")
    if attempt:
        with execution.heartbeat(attempt):
            training.perform(attempt, clock=lambda: when + (timezone.now() - began))  # as long as it really takes
        Job.objects.filter(pk=attempt.job.pk).update(finished_at=when + (timezone.now() - began))
    _run_waiting_jobs()
    if not _project().champion_version:
        raise RuntimeError("The first model of the demo was not promoted; see Runs.")


def _served_traffic(at: datetime) -> None:
    """The rest of the set, in order, answered by the champion and captured as it answered."""
    images, _ = digits()
    project = _project()
    for start in range(SEED + BEFORE, len(images), 12):
        rows = range(start, min(start + 12, len(images)))
        inputs = [_row(i, images, at)["inputs"] for i in rows]
        keys = [_key(i) for i in rows]
        serving.predict(project, inputs=inputs, keys=keys, at=moment(rows[0], at))
    _segments(len(images))


def _segments(n: int) -> None:
    """`predict` takes no segment: say afterwards which sensor each image came from."""
    changed = [_key(i) for i in range(n - SENSOR, n)]
    Item.objects.filter(project__slug=SLUG).update(segment={"sensor": "A"})
    Item.objects.filter(project__slug=SLUG, key__in=changed).update(segment={"sensor": "B"})


def _later_labels(at: datetime) -> None:
    """Bea answers until the next run is about 20 labels away."""
    when = at - timedelta(hours=6)
    for turn in range(5):
        if (wanted := AFTER_LABELS - LEFT_TO_LABEL - new_labels.count(_project()).total) < 1:
            return
        if not Slot.objects.filter(project=_project(), state=SlotState.OPEN).exists():
            _route(when + timedelta(minutes=turn), size=max(wanted, 2), audit_share=0.5)
        _label_items(when + timedelta(hours=turn), at=at, most=wanted)


def _signals(at: datetime) -> None:
    """What came back about the served digits."""
    truth = {_key(i): label for i, label in enumerate(digits()[1])}
    demo_signals.send(_project(), truth, CONFUSED, at=at)


def _queue(at: datetime) -> None:
    """Fill the queue that the visitor meets, and compute the reports."""
    Project.objects.filter(slug=SLUG).update(routing=SPEC["routing"])
    _route(at, size=80, audit_share=0.25)
    project = _project()
    queue.enqueue("analysis.report", key=f"report:{project.pk}", project=project, at=at)
    _run_waiting_jobs()


def _project() -> Project:
    return Project.objects.get(slug=SLUG)


def _route(when: datetime, *, size: int, audit_share: float) -> None:
    audit = round(audit_share * size)
    routing.route(_project(), at=when, seed=size, places=Places(active=size - audit, audit=audit))


def _label_items(when: datetime, *, at: datetime, most: int = 10_000) -> None:
    """Bea's answers: the data set's labels; of the ones not used to evaluate, one in sixteen is changed."""
    project, bea, rng = _project(), User.objects.get(username="bea"), np.random.default_rng(16)
    truth = digits()[1]
    given = 0
    while given < most and (held := leases.claim(project, by=bea, count=min(20, most - given), at=when)):
        for lease in held:
            value = truth[int(lease.item.key.removeprefix("digit-"))]
            if not lease.slot.routed.evaluation and rng.random() < WRONG:
                value = CONFUSED[value]
            seconds = round(float(rng.gamma(4.0, 0.7)), 1)
            when = min(when + timedelta(seconds=seconds + 20), at)
            labels.submit(project, lease.token, value=value, seconds=seconds, by=bea, at=when)
            given += 1


CONFUSED = {"0": "6", "1": "7", "2": "3", "3": "8", "4": "9", "5": "9", "6": "8", "7": "1", "8": "3", "9": "4"}


def _run_waiting_jobs() -> None:
    """Do here what a worker would do: no worker runs yet."""
    while job := Job.objects.filter(state=JobState.QUEUED).order_by("pk").first():
        before = job.attempt
        execution.run(job.pk)
        job.refresh_from_db()
        if job.state == JobState.QUEUED and job.attempt == before:
            return  # due later: the reaper will hint it


def digits() -> tuple[NDArray[np.uint8], list[str]]:
    """(1797, 8, 8) grey images, 255 paper and 0 ink, and their labels; the last part as the changed sensor sees it."""
    bundle = load_digits()
    images = 255 - np.round(bundle.images * (255 / 16)).astype(np.uint8)
    changed = images[-SENSOR:]
    paler = 255 - ((255 - changed.astype(float)) * 0.55).astype(np.uint8)
    images[-SENSOR:, :, 1:], images[-SENSOR:, :, 0] = paler[:, :, :-1], 255
    return images, [str(target) for target in bundle.target]


def _key(i: int) -> str:
    return f"digit-{i:04d}"


def moment(i: int, at: datetime) -> datetime:
    """When item i came in: the set is spread over the days before the first start, the newest a moment ago."""
    return at - timedelta(minutes=3) - timedelta(days=1) * ((1797 - i) / PER_DAY)


def _row(i: int, images: NDArray[np.uint8], at: datetime) -> dict[str, Any]:
    return {"key": _key(i), "inputs": {"image": png(images[i])}, "at": moment(i, at).isoformat()}


def png(image: NDArray[np.uint8]) -> str:
    """The image as base64 text, as a client of the API would send it."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


STEPS: list[tuple[str, str, Callable[[datetime], None]]] = [
    ("people", "Making the demo project: handwritten digits that come with scikit-learn.", _people),
    ("first traffic", "  capturing 380 digits from before there was a model", _first_traffic),
    ("first labels", "  labelling 100 of them", _first_labels),
    ("first model", "  training the first model", _first_model),
    ("served traffic", "  serving and capturing 1,417 more, the last 350 from a changed sensor", _served_traffic),
    ("later labels", "  labelling until the next training run is 20 labels away", _later_labels),
    ("signals", "  sending what simulated users and the post said of the answers", _signals),
    ("queue", "  filling the queue and computing the reports", _queue),
]
