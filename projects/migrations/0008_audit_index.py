"""The index of a project's audit events, added while others write; a database that has it already keeps it."""

from django.db import migrations, models

from projects.index_operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("projects", "0007_audit_by_project")]
    operations = [
        AddIndexOnline(
            model_name="auditevent",
            index=models.Index(fields=["project_pk", "-sequence"], name="audit_by_project_pk"),
        ),
    ]
