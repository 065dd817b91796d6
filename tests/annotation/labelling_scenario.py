"""A project with people, items and a queue, as the tests of work need them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from annotation import guidelines, leases, queues
from annotation.models import Cause, Item, Queue
from projects.models import Project, Role, User
from tests.factories import NOW, make_item, make_project, make_user

LATER = timedelta(seconds=601)  # longer than a lease


@dataclass
class LabellingScenario:
    """Alice, Bob and Carol label; Rita reviews. The clock moves only when a test moves it."""

    project: Project
    alice: User
    bob: User
    carol: User
    rita: User
    now: datetime = NOW
    queues: dict[str, Queue] = field(default_factory=dict)

    def tick(self, by: timedelta = timedelta(seconds=1)) -> datetime:
        self.now += by
        return self.now

    def show_reasons(self) -> None:
        """Let annotators see why each item is asked, and what a model suggests where that is no evaluation."""
        self.project.routing = {"show_reasons": True}
        self.project.save()

    def queue(self, cause: Cause = Cause.UNCERTAIN, overlap: int = 1) -> Queue:
        made = queues.ensure(self.project, cause, at=self.now)
        if made.overlap != overlap:
            Queue.objects.filter(pk=made.pk).update(overlap=overlap)
            made.refresh_from_db()
        return made

    def ask(self, n: int = 1, *, cause: Cause = Cause.UNCERTAIN, overlap: int = 1, **entry: Any) -> list[Item]:
        """Let n new items wait, the first with the highest priority."""
        items = [make_item(self.project) for _ in range(n)]
        entries = [make_entry(item, priority=1 - place / n, **entry) for place, item in enumerate(items)]
        queues.add_entries(self.queue(cause, overlap), entries, at=self.tick())
        return items

    def claim(self, user: User, count: int = 1, **options: Any) -> list[Any]:
        return leases.claim(self.project, by=user, count=count, at=self.tick(), **options)

    def token(self, user: User, **options: Any) -> str:
        """One lease of what is next; a dispute is given only to who asks for its queue."""
        disputed = self.project.queues.filter(cause=Cause.DISPUTED).first()
        (lease,) = self.claim(user, **options) or self.claim(user, queue=disputed)
        return lease.token


def make_scenario(*, labels: tuple[str, ...] = ("ham", "spam"), **fields: Any) -> LabellingScenario:
    project = make_project(labels=labels, **fields)
    guidelines.publish(project, text="Look twice.", by=None, at=NOW)
    alice, bob, carol = (make_user(name, project) for name in ("alice", "bob", "carol"))
    return LabellingScenario(project, alice, bob, carol, make_user("rita", project, Role.REVIEWER))


def make_entry(item: Item, **fields: Any) -> queues.Entry:
    given = {
        "item_id": item.pk,
        "reason": "ham against spam, margin 0.03",
        "numbers": {"margin": 0.03},
        "inclusion_probability": 1.0,
        "priority": 0.5,
    }
    return queues.Entry(**{**given, **fields})
