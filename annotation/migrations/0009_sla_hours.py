from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("annotation", "0008_search_text")]
    operations = [migrations.RenameField("Queue", "promise_hours", "sla_hours")]
