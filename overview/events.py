"""What happened lately, from the audit trail, as sentences."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from projects.models import AuditEvent, Project

DECISIONS = {
    "kept": "kept a suspected label",
    "fixed": "fixed a suspected label",
    "unclear": "marked a suspected label unclear",
    "requeued": "asked again about a suspected label",
}


@dataclass(frozen=True)
class Event:
    """Who did what, as subject and predicate of a sentence."""

    at: datetime
    who: str
    did: str


def events(project: Project, *, most: int = 6) -> list[Event]:
    """The newest that a page has words for."""
    rows = AuditEvent.objects.of(project).filter(action__in=PREDICATES).order_by("-sequence")[:most]
    return [Event(row.at, _subject(row.actor), PREDICATES[row.action](row)) for row in rows]


def _subject(actor: str) -> str:
    """The person or key that acted; "Plumbline" for what it did by itself or at the command line."""
    kind, _, name = actor.partition(":")
    return f"Key {name}…" if kind == "key" else name or "Plumbline"


def _of_target(predicate: str) -> Callable[[AuditEvent], str]:
    return lambda event: predicate.format(event.target)


def _of_version(predicate: str) -> Callable[[AuditEvent], str]:
    return lambda event: predicate.format(event.details.get("version", ""))


def _rolled_back(kind: str) -> Callable[[AuditEvent], str]:
    return lambda event: f"rolled back the {kind} {event.details.get('previous', '')}"


def _role(event: AuditEvent) -> str:
    role = str(event.details.get("role", "member"))
    return f"made {event.target} {'an' if role[0] in 'aeiou' else 'a'} {role}"


def _decision(event: AuditEvent) -> str:
    return DECISIONS.get(str(event.details.get("decision", "")), "decided about a suspected label")


PREDICATES: dict[str, Callable[[AuditEvent], str]] = {
    "release.promote": _of_version("promoted {}"),
    "release.roll_back": _of_version("rolled back to {}"),
    "release.shadow": _of_version("put {} into the shadow"),
    "release.canary": _of_version("began {} as a canary"),
    "release.raise": _of_version("gave {} a larger share"),
    "release.end": _of_version("ended {} in the shadow"),
    "threshold.promote": _of_version("released the threshold {}"),
    "threshold.roll_back": _rolled_back("threshold"),
    "policy.promote": _of_version("released the policy {}"),
    "policy.roll_back": _rolled_back("policy"),
    "run.open": _of_target("started {}"),
    "queue.create": _of_target("made the queue {}"),
    "rule.create": _of_target("made the rule of the queue {}"),
    "queue.delete": _of_target("deleted the queue {}"),
    "finding.decide": _decision,
    "settings.general": _of_target("changed the general settings ({})"),
    "settings.costs": _of_target("changed the costs ({})"),
    "settings.routing": _of_target("changed the routing ({})"),
    "settings.retraining": _of_target("changed when models are trained and released ({})"),
    "labels.change": _of_target("published {} of the labels"),
    "inputs.change": _of_target("published {} of the input contract"),
    "guideline.publish": _of_target("published {} of the guideline"),
    "member.role": _role,
    "member.remove": _of_target("removed {} from the project"),
    "key.create": _of_target("made the key {}…"),
    "feedback_key.create": _of_target("made the feedback key {}"),
    "feedback_key.revoke": _of_target("revoked the feedback key {}"),
    "key.revoke": _of_target("revoked the key {}…"),
    "project.create": _of_target("made the project"),
    "item.decide": _of_target("decided about an item"),
    "item.left": _of_target("left an item as it was"),
    "job.requeue": _of_target("requeued {}"),
    "job.cancel": _of_target("stopped {}"),
}
