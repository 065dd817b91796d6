"""Search texts say whether they are in the index; those of before are found without it until a job takes them in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0025_resolution_by_median")]
    operations = [
        migrations.AddField(
            "searchtext",
            "indexed",
            models.BooleanField(default=False, db_default=False, help_text="Whether the trigram index has it."),
        )
    ]
