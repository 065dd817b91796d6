"""The audit events of an archive: their order and links verified, then appended to the trail of this installation."""

from collections.abc import Callable, Iterable, Iterator

from overview.project_archive.container import ArchiveReader
from overview.project_archive.values import BadArchive, BadValue, from_archive
from projects import audit
from projects.models import AuditEvent, Project

PART = "audit.jsonl"


def verified(archive: ArchiveReader) -> Callable[[], Iterator[AuditEvent]]:
    """A function that gives the events, once all of them were walked. Raises BadArchive.

    The trail is that of a whole installation and the archive has the events of one project, so there are gaps: numbers
    rise, no hash comes twice, and where two events follow each other they link. An archive that was signed here can be
    held to more: each hash is the keyed one of its event.
    """
    previous: AuditEvent | None = None
    count = 0
    for event in _events(archive):
        if previous and event.sequence <= previous.sequence:
            raise BadArchive(f"Its audit trail is broken: event {event.sequence} is out of order.")
        if previous and event.sequence == previous.sequence + 1 and event.previous_hash != previous.hash:
            raise BadArchive(f"Its audit trail is broken: event {event.sequence} does not follow the one before it.")
        if archive.signed_here and not audit.is_as_written(event):
            raise BadArchive(f"Its audit trail is broken: event {event.sequence} was changed after it was written.")
        previous, count = event, count + 1
    if count != archive.manifest.audit_events:
        raise BadArchive(f"It has {count:,} audit events where {archive.manifest.audit_events:,} were written.")
    return lambda: _events(archive)


def _events(archive: ArchiveReader) -> Iterator[AuditEvent]:
    readers = {field.name: from_archive(field) for field in AuditEvent._meta.concrete_fields if not field.primary_key}
    for line in archive.lines(PART):
        if not isinstance(line, dict) or set(line) != set(readers):
            raise BadArchive("An audit event of it is not written as events are.")
        try:
            yield AuditEvent(**{name: take(line[name]) for name, take in readers.items()})
        except BadValue as why:
            raise BadArchive(f"An audit event of it cannot be taken: {why}.") from None


def append(project: Project, events: Iterable[AuditEvent]) -> None:
    """Each as a new event of the project, with its former number: this installation says that the archive has it."""
    for event in events:
        details = event.details if isinstance(event.details, dict) else {"details": event.details}
        audit.record_as(
            event.action,
            actor=event.actor,
            at=event.at,
            project=project,
            target=event.target,
            details=details | {"archived_event": event.sequence},
        )
