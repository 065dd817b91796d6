"""Key the hashes of the audit trail. Before, they were plain SHA-256, which anybody could write anew from the start.

An event that does not fit the old chain, and those after it, keep their hashes: verifying names the break as before.
"""

import hashlib
import hmac
import json
from datetime import UTC

from django.conf import settings
from django.db import migrations
from django.utils.encoding import force_bytes

from projects import append_only

TABLE = "projects_auditevent"
PURPOSE = b"plumbline: hash chain of the audit trail, 1"


def content(event, previous):
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = [event.sequence, at, event.actor, event.project, event.action, event.target, event.details, previous]
    return json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()


def plain(event, previous):
    return hashlib.sha256(content(event, previous)).hexdigest()


def keyed(event, previous):
    key = hmac.digest(force_bytes(settings.SECRET_KEY), PURPOSE, "sha256")
    return hmac.digest(key, content(event, previous), "sha256").hex()


def rewrite(apps, schema_editor, before, after):
    """Give every event of the chain its other hash, up to the first that does not fit."""
    events = apps.get_model("projects", "AuditEvent").objects
    if not events.exists():
        return
    append_only.release(schema_editor.connection, TABLE)
    old = new = "0" * 64
    for expected, event in enumerate(events.order_by("sequence").iterator(chunk_size=2000), 1):
        if event.sequence != expected or event.previous_hash != old or event.hash != before(event, old):
            break
        old, previous, new = event.hash, new, after(event, new)
        events.filter(pk=event.pk).update(previous_hash=previous, hash=new)
    append_only.protect(schema_editor.connection, TABLE)


def to_keyed(apps, schema_editor):
    rewrite(apps, schema_editor, plain, keyed)


def to_plain(apps, schema_editor):
    rewrite(apps, schema_editor, keyed, plain)


class Migration(migrations.Migration):
    dependencies = [("projects", "0005_person_zone")]
    operations = [migrations.RunPython(to_keyed, to_plain)]
