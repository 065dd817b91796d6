"""Findings get a key: the item and the value that it was given."""

import hashlib
import json
from typing import Any

from django.db import migrations, models


def fill_keys(apps: Any, schema_editor: Any) -> None:
    """Key of each finding, as `analysis.findings.key_of`; older ones of one identity keep their number beside it."""
    findings = apps.get_model("analysis", "Finding")
    seen: set[tuple[int, str, str]] = set()
    for row in findings.objects.order_by("-pk").iterator():
        value = json.dumps(row.given, sort_keys=True, ensure_ascii=False)
        row.key = f"{row.item_id}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"
        identity = (row.project_id, row.kind, row.key)
        if identity in seen:
            row.key = f"{row.key}#{row.pk}"
        seen.add(identity)
        row.save(update_fields=["key"])


class Migration(migrations.Migration):
    dependencies = [("analysis", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="finding",
            name="key",
            field=models.CharField(
                default="", help_text="What it is about; unique within its project and kind.", max_length=80
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
    ]
