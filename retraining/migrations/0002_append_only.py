from django.db import migrations

from projects import append_only


class Migration(migrations.Migration):
    dependencies = [("retraining", "0001_initial")]

    operations = [append_only.protection("retraining_release")]
