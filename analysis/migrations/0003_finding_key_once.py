"""The key of a finding is unique; PostgreSQL adds no constraint in the transaction that wrote the rows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analysis", "0002_finding_key")]

    operations = [
        migrations.RemoveConstraint(model_name="finding", name="one_open_finding_per_item_and_kind"),
        migrations.AddConstraint(
            model_name="finding",
            constraint=models.UniqueConstraint(fields=("project", "kind", "key"), name="finding_key_once"),
        ),
    ]
