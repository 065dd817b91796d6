"""The trigram index of search texts, and accents away from the texts of before.

Apart from the field: a migration without a transaction of its own that is stopped half way is begun again.
"""

from django.db import migrations, models

from annotation import search_index
from projects.index_operations import AddIndexOnline


def create(apps, schema_editor):
    search_index.create(schema_editor.connection)
    search_index.fold_all(apps.get_model("annotation", "SearchText"))


def remove(apps, schema_editor):
    search_index.remove(schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0026_search_text_indexed")]
    operations = [
        AddIndexOnline(
            model_name="searchtext",
            index=models.Index(
                fields=["project", "item"], condition=models.Q(("indexed", False)), name="search_text_to_index"
            ),
        ),
        migrations.RunPython(create, remove),
    ]
