"""Settings of the audit draw as rows that are added and kept; the rate in force becomes the first of each project.

The column of the former rate stays in the database, unused: a web process of the release before may still write it
while this one is installed.
"""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.utils import timezone


def keep_rates(apps: Any, schema_editor: Any) -> None:
    queue, setting = apps.get_model("annotation", "Queue"), apps.get_model("annotation", "AuditSetting")
    now = timezone.now()
    audits = queue.objects.filter(cause="audit", rate__gt=0, rate__lte=1).order_by("pk")
    for project, rate in audits.values_list("project", "rate"):
        first = {"rate": rate, "at": now, "allocated_at": now}
        setting.objects.get_or_create(project_id=project, version=1, defaults=first)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0014_encoding_progress_of_files"), ("projects", "0008_audit_index")]

    operations = [
        migrations.CreateModel(
            name="AuditSetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField()),
                ("rate", models.FloatField(help_text="Probability of an item whose allocation is uniform.")),
                ("floor", models.FloatField(default=1.0, help_text="1 is a uniform draw.")),
                ("scale", models.FloatField(default=0.0)),
                ("slope", models.FloatField(default=1.0)),
                ("intercept", models.FloatField(default=0.0)),
                (
                    "model_version",
                    models.CharField(blank=True, default="", help_text="Whose scores it follows.", max_length=80),
                ),
                (
                    "labels",
                    models.PositiveIntegerField(default=0, help_text="Audit labels that the floor was chosen by."),
                ),
                (
                    "errors",
                    models.PositiveIntegerField(default=0, help_text="How many of them show a mistake."),
                ),
                ("at", models.DateTimeField()),
                (
                    "allocated_at",
                    models.DateTimeField(help_text="When floor, scale and calibration were set last."),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="audit_settings",
                        to="projects.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "version"), name="audit_setting_once"),
                    models.CheckConstraint(
                        condition=models.Q(("rate__gt", 0), ("rate__lte", 1)), name="audit_rate_0_to_1"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("floor__gte", 0.3), ("floor__lte", 1)), name="audit_floor_from_30_percent"
                    ),
                ],
            },
        ),
        migrations.RunPython(keep_rates, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="queue", name="rate")],
        ),
        migrations.AddField(
            model_name="item",
            name="audit_setting",
            field=models.PositiveIntegerField(
                editable=False,
                help_text="Version of the setting that drew it. Null: before settings were kept.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="item",
            name="audit_confidence",
            field=models.FloatField(
                editable=False,
                help_text="The score at capture that its probability follows; null: the plain rate.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="MovedProbability",
            fields=[
                (
                    "item",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="moved_probability",
                        serialize=False,
                        to="annotation.item",
                    ),
                ),
                (
                    "raised_to",
                    models.FloatField(help_text="Null: it began with what it was given at capture.", null=True),
                ),
                (
                    "thinned_by",
                    models.FloatField(default=1.0, help_text="The product of all factors since."),
                ),
            ],
        ),
    ]
