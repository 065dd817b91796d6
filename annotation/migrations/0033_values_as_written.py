"""Values that were stored in bulk on SQLite get the form in which Django looks for them: `"M\\u00fcll"`, `["a", "b"]`."""

import json

from django.db import migrations

TABLES = ("annotation_label", "annotation_resolution")
ROWS = 1000


def write_as_django_does(apps, schema_editor):
    if schema_editor.connection.vendor != "sqlite":
        return
    for table in TABLES:
        last = 0
        while True:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(f"SELECT id, value FROM {table} WHERE id > %s ORDER BY id LIMIT {ROWS}", [last])
                rows = cursor.fetchall()
                if not rows:
                    break
                last = rows[-1][0]
                written = [(json.dumps(json.loads(value)), pk, value) for pk, value in rows if value is not None]
                changed = [(new, pk) for new, pk, old in written if new != old]
                if changed:
                    cursor.executemany(f"UPDATE {table} SET value = %s WHERE id = %s", changed)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0032_captured_decisions")]
    operations = [migrations.RunPython(write_as_django_does, migrations.RunPython.noop)]
