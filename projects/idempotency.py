"""Idempotency-Key: a POST that is sent again is answered with what it was answered, and done once.

Kept for three days under the API key that sent it. A failure of ours (5xx) is not kept, so that it can be tried again.
A process that dies between the work and the note of its answer leaves the key in flight for a minute; then the call is
done again, which the keys of its rows and leases make harmless.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from projects.models import ApiKey, StoredAnswer
from projects.problems import problem

KEPT = timedelta(hours=72)
IN_FLIGHT = timedelta(minutes=1)
LONGEST = 200


def once(request: HttpRequest, key: ApiKey, work: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer of `work`, or the stored one where this name was used before with the same request."""
    name = request.headers["Idempotency-Key"]
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        return problem(400, f"Idempotency-Key takes 1 to {LONGEST} printable characters.")
    now = timezone.now()
    StoredAnswer.objects.filter(api_key=key, created_at__lt=now - KEPT).delete()
    hash_ = fingerprint(request)
    if _begin(key, name, hash_, at=now):
        return _finish(key, name, work)
    stored = StoredAnswer.objects.filter(api_key=key, name=name).first()
    if stored and stored.request_hash != hash_:
        return problem(422, f"Idempotency-Key {name} was used before with another request; take a new one for this.")
    if stored and stored.status:
        again = HttpResponse(bytes(stored.body), status=stored.status, content_type=stored.content_type)
        again["Idempotent-Replayed"] = "true"
        return again
    waits = problem(409, f"The first request with Idempotency-Key {name} is still being answered; send it again soon.")
    waits["Retry-After"] = "1"
    return waits


def fingerprint(request: HttpRequest) -> str:
    """SHA-256 of what makes two requests the same: method, address, how the body is written, and the body."""
    said = (request.method, request.get_full_path(), request.content_type, request.headers.get("Content-Encoding"))
    return hashlib.sha256(repr(said).encode() + request.body).hexdigest()


def _begin(key: ApiKey, name: str, hash_: str, *, at: datetime) -> bool:
    """Take the name: by a new row, or from a process that took it a minute ago and left no answer."""
    try:
        with transaction.atomic():
            StoredAnswer.objects.create(api_key=key, name=name, request_hash=hash_, created_at=at)
        return True
    except IntegrityError:
        left = StoredAnswer.objects.filter(api_key=key, name=name, request_hash=hash_, status=None)
        return bool(left.filter(created_at__lt=at - IN_FLIGHT).update(created_at=at))


def _finish(key: ApiKey, name: str, work: Callable[[], HttpResponse]) -> HttpResponse:
    mine = StoredAnswer.objects.filter(api_key=key, name=name)
    try:
        answer = work()
    except Exception:
        mine.delete()
        raise
    if answer.status_code >= 500:
        mine.delete()
    else:
        mine.update(status=answer.status_code, content_type=answer["Content-Type"], body=answer.content)
    return answer
