"""Runs know their trainer; an answer of a trigger knows when its figures were last written."""

from django.db import migrations, models
from django.db.models import F


def copy_time(apps, schema_editor):
    apps.get_model("retraining", "TriggerCheck").objects.update(changed_at=F("at"))


class Migration(migrations.Migration):
    dependencies = [("retraining", "0006_load_failures")]

    operations = [
        migrations.AddField(
            model_name="trainingrun",
            name="trainer",
            field=models.CharField(default="here", help_text="One of retraining.trainers.", max_length=40),
        ),
        migrations.AlterField(
            model_name="triggercheck",
            name="trigger",
            field=models.CharField(help_text="One of retraining.triggers.rules.", max_length=40),
        ),
        migrations.AddField(
            model_name="triggercheck",
            name="changed_at",
            field=models.DateTimeField(null=True, help_text="When its words and figures were last written."),
        ),
        migrations.RunPython(copy_time, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="triggercheck",
            name="changed_at",
            field=models.DateTimeField(help_text="When its words and figures were last written."),
        ),
    ]
