"""Fill the search text of what was captured before there was one.

Apart from the creation of its table: a migration without a transaction of its own that is stopped half way is begun
again, and would find the table there.
"""

from django.db import migrations

from inputs.search import search_text

CHUNK = 2000


def fill(apps, schema_editor):
    """In chunks, each a transaction: no lock is held for long, and one that was stopped goes on where it was."""
    Item, SearchText = apps.get_model("annotation", "Item"), apps.get_model("annotation", "SearchText")
    types = newest_types(apps)
    missing, last = Item.objects.filter(search_text=None).order_by("pk"), 0
    while rows := list(missing.filter(pk__gt=last).values_list("pk", "project", "key", "inputs")[:CHUNK]):
        SearchText.objects.bulk_create(
            [
                SearchText(item_id=pk, project_id=project, text=search_text(key, inputs, types.get(project, {})))
                for pk, project, key, inputs in rows
            ],
            ignore_conflicts=True,
            batch_size=CHUNK // 4,
        )
        last = rows[-1][0]


def newest_types(apps):
    """Of each project: the type of each input by its newest contract."""
    contracts = apps.get_model("projects", "InputContract").objects.order_by("version")
    return {row.project_id: {name: rule["type"] for name, rule in row.inputs.items()} for row in contracts}


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0011_no_label_decision"), ("projects", "0007_audit_by_project")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]
