"""How full each queue is. It costs what waits and what happened in the last hour, however much was done before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, IntegerField, Min, Q
from django.db.models.expressions import RawSQL

from annotation.lease_ends import LEASED
from annotation.models import IN_REVIEW, TO_LABEL, Cause, Label, LabelState, Queue, RoutedItem, RoutedState, Slot
from projects.models import Project, User

AN_HOUR = timedelta(hours=1)
MOST_DONE = 5_000  # items of a queue that are counted as done; the rest is "or more"

# States are written out, not passed, as in annotation.leases.
DONE = """(SELECT count(*) FROM (SELECT 1 FROM annotation_routeditem r
    WHERE r.queue_id = annotation_queue.id AND r.state = 'done' LIMIT %s) AS counted)"""


@dataclass(frozen=True)
class Counts:
    """How full one queue is, in items; `leased` are slots that somebody holds now, `done` at most MOST_DONE."""

    queue: Queue
    waiting: int = 0
    leased: int = 0
    review: int = 0
    done: int = 0
    oldest: datetime | None = None
    answers_last_hour: int = 0
    people_last_hour: int = 0
    late: bool = False

    @property
    def done_words(self) -> str:
        """The number as pages show it."""
        return f"{self.done:,}" + (" or more" if self.done >= MOST_DONE else "")


@dataclass(frozen=True)
class OldestWaiting:
    """The oldest of what waits in one queue, for a label or for a reviewer (`to_review`).

    sla_hours: how long it may wait there, None for no limit; what is in review already has none.
    """

    title: str
    sla_hours: float | None
    to_review: bool
    oldest: datetime


def is_late(sla_hours: float | None, oldest: datetime | None, at: datetime) -> bool:
    """Whether the oldest of a queue has waited longer than the queue allows; never where it sets no limit."""
    return bool(sla_hours and oldest and at - oldest > timedelta(hours=sla_hours))


def oldest_waiting(project: Project) -> list[OldestWaiting]:
    """The oldest of each queue that waits for somebody, in one query; what a paused queue holds waits for nobody."""
    rows = RoutedItem.objects.filter(TO_LABEL | IN_REVIEW, project=project).exclude(
        state=RoutedState.OPEN, queue__paused=True
    )
    by_queue = rows.order_by().values_list("queue", "queue__title", "queue__sla_hours", "state", "cause")
    return [
        OldestWaiting(
            title=title,
            sla_hours=hours if state == RoutedState.OPEN else None,
            to_review=state == RoutedState.REVIEW or cause == Cause.DISPUTED,
            oldest=oldest,
        )
        for _, title, hours, state, cause, oldest in by_queue.annotate(oldest=Min("routed_at"))
    ]


def count_queues(project: Project, *, at: datetime) -> list[Counts]:
    """Every queue of the project with how full it is, the fullest first, the paused ones last."""
    states, leased, rates = _states(project), _leased(project, at), _rates(project, at)
    found = []
    done = RawSQL(DONE, [MOST_DONE], output_field=IntegerField())
    for queue in project.queues.annotate(done=done).order_by("pk"):
        mine = states.get(queue.pk, {})
        waiting, oldest = mine.get(RoutedState.OPEN, (0, None))
        answers, people = rates.get(queue.pk, (0, 0))
        late = is_late(queue.sla_hours, oldest, at)
        review = mine.get(RoutedState.REVIEW, (0, None))[0]
        if queue.cause == Cause.DISPUTED:  # a dispute waits for a reviewer, and is not listed again for labelling
            waiting, review = 0, waiting + review
        full = Counts(queue, waiting, leased.get(queue.pk, 0), review, queue.done, oldest, answers, people, late)
        found.append(full)
    return sorted(found, key=lambda one: (one.queue.paused, -one.waiting, one.queue.pk))


def _states(project: Project) -> dict[int, dict[str, tuple[int, datetime | None]]]:
    """Of each queue, what waits and what is in review, with the oldest."""
    rows = RoutedItem.objects.filter(project=project, state__in=[RoutedState.OPEN, RoutedState.REVIEW])
    counted = rows.values_list("queue", "state").annotate(n=Count("pk"), oldest=Min("routed_at")).order_by()
    found: dict[int, dict[str, tuple[int, datetime | None]]] = {}
    for queue, state, n, oldest in counted:
        found.setdefault(queue, {})[state] = (n, oldest)
    return found


def _leased(project: Project, at: datetime) -> dict[int, int]:
    rows = Slot.objects.filter(LEASED, project=project, lease_until__gt=at)
    return dict(rows.values_list("queue").annotate(n=Count("pk")).order_by())


def _rates(project: Project, at: datetime) -> dict[int, tuple[int, int]]:
    """Answers of the last hour and the people who gave them, by queue; asked by person, as labels are indexed."""
    people = User.objects.filter(Q(memberships__project=project) | Q(is_superuser=True)).values("pk")
    rows = Label.objects.filter(project=project, user__in=people, updated_at__gt=at - AN_HOUR, state=LabelState.GIVEN)
    counted = rows.values_list("lease__slot__queue").annotate(n=Count("pk"), people=Count("user", distinct=True))
    return {queue: (n, people) for queue, n, people in counted.order_by()}
