"""The index by which items are filtered by answer and score, added while others write."""

from django.db import migrations, models

from projects.index_operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0021_feedback_keys")]
    operations = [
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(fields=["project", "label", "confidence", "item"], name="prediction_by_answer"),
        )
    ]
