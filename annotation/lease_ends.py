"""When leases end: their length, what desks hold that have closed, and what expired."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from annotation.models import Lease, Slot, SlotState
from projects.chunks import chunks
from projects.locks import lock_rows
from projects.models import Project

A_MINUTE = timedelta(minutes=1)
SILENT_PART = 8  # a desk is idle once its leases were not extended for this part of their length
LEASED = RawSQL("annotation_slot.state = 'leased'", (), output_field=BooleanField())  # as in a claim: for its index
FREE: dict[str, Any] = {"state": SlotState.OPEN, "lease_token": "", "leased_to": None, "lease_until": None}


def length() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


def silent_since(at: datetime) -> datetime:
    """A slot leased until this moment or earlier got no heartbeat for as long as makes a desk idle."""
    return at + length() - length() / SILENT_PART


def release_silent(project: Project, *, at: datetime) -> int:
    """Free what desks hold that sent no heartbeat for some time, such as closed tabs; a late answer is taken all the
    same while nobody else has given one. Leases of the API promise their whole length."""
    leased = Slot.objects.filter(project=project, state=SlotState.LEASED, lease_until__gt=at)
    silent = leased.filter(lease_until__lte=silent_since(at))
    newest = Lease.objects.filter(slot=OuterRef("pk")).order_by("-pk").values("beats")[:1]
    return _update_free(silent.annotate(beats=Subquery(newest)).filter(beats=True), **FREE)


def release_expired(*, at: datetime) -> int:
    """Open the slots whose leases have ended. A claim takes expired slots anyway; this keeps what pages count true.

    A lease that ends later than one given now was given before the clock was set back: it ends with one given now.
    """
    leased, end = Slot.objects.filter(LEASED), at + length()
    _update_free(leased.filter(lease_until__gt=end + A_MINUTE), lease_until=end)
    return _update_free(leased.filter(lease_until__lte=at), **FREE)


@transaction.atomic
def _update_free(slots: QuerySet[Slot], **values: Any) -> int:
    """Update those of the slots that nobody else holds a lock of; the others are being answered, or come next time."""
    ids = lock_rows(slots, skip_locked=True)
    return sum(Slot.objects.filter(pk__in=chunk).update(**values) for chunk in chunks(ids))
