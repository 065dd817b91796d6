"""Fill the search text of what was captured before there was one.

Apart from the creation of its table: a migration without a transaction of its own that is stopped half way is begun
again, and would find the table there.
"""

from django.db import migrations

from annotation import search

ALL = 10**12


def fill(apps, schema_editor):
    Item, SearchText = apps.get_model("annotation", "Item"), apps.get_model("annotation", "SearchText")
    search.fill_missing(Item.objects.all(), SearchText, newest_types(apps), most=ALL)


def newest_types(apps):
    """Of each project: the type of each input by its newest contract."""
    contracts = apps.get_model("projects", "InputContract").objects.order_by("version")
    return {row.project_id: {name: rule["type"] for name, rule in row.inputs.items()} for row in contracts}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0011_no_label_decision"), ("projects", "0007_audit_by_project")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
