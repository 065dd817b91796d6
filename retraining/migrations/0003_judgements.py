"""A version may be judged more than once: its report and verdict become rows that no later judgement changes."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retraining", "0002_append_only")]

    operations = [
        migrations.CreateModel(
            name="Judgement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "against",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Tag of what served then; empty for the naive baseline.",
                        max_length=80,
                    ),
                ),
                ("evaluation", models.JSONField(default=dict)),
                ("verdict", models.JSONField(default=dict)),
                ("judged_at", models.DateTimeField()),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="judgements",
                        to="retraining.modelversion",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["version", "-judged_at", "-id"], name="judgement_newest")],
            },
        ),
        migrations.AddField(
            model_name="modelversion",
            name="judgement",
            field=models.ForeignKey(
                blank=True,
                help_text="The newest.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="retraining.judgement",
            ),
        ),
        migrations.AddField(
            model_name="evaluateditem",
            name="judgement",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="evaluated",
                to="retraining.judgement",
            ),
        ),
        migrations.AlterField(
            model_name="evaluateditem",
            name="version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="evaluated",
                to="retraining.modelversion",
            ),
        ),
    ]
