from django.db import migrations

from projects import append_only


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]

    operations = [append_only.protection("projects_auditevent")]
