"""Audit events name the project by its id, which stays when the slug changes. Those from before keep their hashes, and
each project keeps the slug under which they stand."""

from django.db import migrations, models
from django.db.models import F


def keep_slugs(apps, schema_editor):
    apps.get_model("projects", "Project").objects.update(audit_slug=F("slug"))


class Migration(migrations.Migration):
    dependencies = [("projects", "0006_keyed_audit_chain")]
    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="project_pk",
            field=models.PositiveBigIntegerField(
                help_text="Id of the project, which stays when its slug changes. Null: written before events had it.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="audit_slug",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Its slug in audit events from before events had its id.",
                max_length=60,
            ),
        ),
        migrations.RunPython(keep_slugs, migrations.RunPython.noop),
    ]
