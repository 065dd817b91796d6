"""Report kinds are registered by their modules; the database keeps their names only."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0003_finding_key_once")]

    operations = [
        migrations.AlterField(
            model_name="report",
            name="body",
            field=models.JSONField(
                help_text="Of the format in its field `version`; read by analysis.reports.stored only."
            ),
        ),
        migrations.AlterField(
            model_name="report",
            name="kind",
            field=models.CharField(help_text="One of analysis.reports.kinds.", max_length=20),
        ),
    ]
