from django.db import migrations

from projects import append_only


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_considered")]

    operations = [append_only.protection("annotation_labelrevision")]
