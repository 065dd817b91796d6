"""The indexes by which what a change of labels changed is found again, added while others write."""

from django.db import migrations, models

from projects.index_operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0029_label_changes")]
    operations = [
        AddIndexOnline(
            model_name="labelrevision",
            index=models.Index(
                condition=models.Q(("schema_version__isnull", False)),
                fields=["schema_version", "label"],
                name="revision_by_label_schema",
            ),
        ),
        AddIndexOnline(
            model_name="resolution",
            index=models.Index(
                condition=models.Q(("schema_version__isnull", False)),
                fields=["project", "schema_version", "item"],
                name="resolution_by_label_schema",
            ),
        ),
    ]
