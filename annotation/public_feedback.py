"""Signals of a product's own users, sent by their browsers with a publishable key.

Whoever sends them is unknown, so that nothing is read for them: a signal is stored as one that waits, and periodic work
joins it with its prediction within a minute. The answer, and the work done for it, are the same whether there is such a
prediction or not. The actor begins with `public:`, which says that nobody vouches for it.
"""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from msgspec import Meta, Struct

from annotation.models import FeedbackCount, FeedbackKey
from annotation.row_fields import Key
from annotation.signals import kinds
from annotation.signals.capture import capture_signals
from projects import locks
from projects.json_body import decode_object
from validation import InvalidInput
from validation.structs import to_struct

LARGEST_BODY = 16 * 2**10
LONGEST_VALUE = 2_000
USED_EVERY = timedelta(minutes=1)
COUNTS_KEPT = timedelta(minutes=10)
ShortText = Annotated[str, Meta(min_length=1, max_length=100)]


class PublicSignal(Struct, forbid_unknown_fields=True):
    """One signal of a page: `id` is the page's own and the same when it is sent again."""

    id: Annotated[str, Meta(min_length=8, max_length=100)]
    key: Key
    kind: str
    value: Any = None
    actor: ShortText | None = None


class RefusedFeedback(InvalidInput):
    """A signal that is not taken; `status` is the answer's, and the message tells nothing of the project."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status


class TooOften(RefusedFeedback):
    """More than the key or the address may send in this minute; `seconds` until the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many signals in this minute; send it again later.", 429)
        self.seconds = seconds


def find_key(token: str, origin: str) -> FeedbackKey | None:
    """The live key, where pages of this origin may use it."""
    key = FeedbackKey.objects.select_related("project").filter(token=token, revoked_at=None).first()
    return key if key and origin in key.origins else None


def accept(key: FeedbackKey, body: bytes, *, address: str, at: datetime) -> None:
    """Keep the signal of this body, once. Raises InvalidInput, RefusedFeedback, TooOften."""
    if words := key.project.archived_words:
        raise RefusedFeedback(words, 409)
    _count_or_refuse(key, address, at=at)
    given = to_struct(decode_object(body), PublicSignal, noun="signal")
    if given.kind not in key.kinds:
        raise RefusedFeedback("`kind` is none that this key may send.", 403)
    _refuse_bad_value(given)
    row = {
        "id": f"{kinds.UNTRUSTED}{key.pk}:{given.id}",
        "key": given.key,
        "kind": given.kind,
        "actor": f"{kinds.UNTRUSTED}{given.actor or key.name}",
    }
    kept = capture_signals(key.project, [row | _value(given)], at=at, look_up=False)
    if kept.refused:
        known = kept.refused[0].field == "id"
        raise RefusedFeedback("This id was sent before with another signal.", 409) if known else BAD_VALUE
    if key.last_used_at is None or key.last_used_at < at - USED_EVERY:
        locks.write_if_free(lambda: FeedbackKey.objects.filter(pk=key.pk).update(last_used_at=at))


BAD_VALUE = RefusedFeedback(f"`value` is a text of at most {LONGEST_VALUE:,} characters, of a correction a label.")


def _value(given: PublicSignal) -> dict[str, Any]:
    return {} if given.value is None else {"value": given.value}


def _refuse_bad_value(given: PublicSignal) -> None:
    """A correction takes what its task kind takes, everything else a text or nothing."""
    kind = kinds.kind_named(given.kind)
    is_label = kind is not None and kind.label
    text = given.value is None or isinstance(given.value, str)
    if not (text or is_label) or len(json.dumps(given.value, ensure_ascii=False)) > LONGEST_VALUE + 2:
        raise BAD_VALUE


def _count_or_refuse(key: FeedbackKey, address: str, *, at: datetime) -> None:
    """Count this signal in its minute. Raises TooOften where one address, or all together, have sent enough."""
    hashed = salted_hmac("feedback.address", f"{at:%Y%m%d} {address}", algorithm="sha256").hexdigest()
    if not _count(key, hashed, key.most_by_address, at=at) or not _count(key, "", key.most_a_minute, at=at):
        raise TooOften(60 - at.second)


def _count(key: FeedbackKey, address: str, most: int, *, at: datetime) -> bool:
    """One more in this minute; False where there were enough."""
    minute = at.replace(second=0, microsecond=0)
    mine = FeedbackCount.objects.filter(key=key, address=address, minute=minute)
    if mine.filter(count__lt=most).update(count=F("count") + 1):
        return True
    if mine.exists():
        return False
    FeedbackCount.objects.filter(key=key, minute__lt=at - COUNTS_KEPT).delete()
    try:
        with transaction.atomic():
            FeedbackCount.objects.create(key=key, address=address, minute=minute, count=1)
    except IntegrityError:  # another request began this minute
        return bool(mine.filter(count__lt=most).update(count=F("count") + 1))
    return True
