"""An export says which items of its project it has."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0027_search_index")]
    operations = [
        migrations.AddField(
            "dataexport",
            "query",
            models.TextField(
                blank=True, db_default="", default="", help_text="Filters of the list of items; blank: all."
            ),
        )
    ]
