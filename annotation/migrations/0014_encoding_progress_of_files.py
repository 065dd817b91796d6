from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0013_indexes"), ("projects", "0008_audit_index")]
    operations = [
        migrations.RemoveConstraint(model_name="encodingprogress", name="encoding_progress_once"),
        migrations.AddField(
            model_name="encodingprogress",
            name="files",
            field=models.CharField(default="", help_text="Digest of which files the setting stood for.", max_length=64),
        ),
        migrations.AddConstraint(
            model_name="encodingprogress",
            constraint=models.UniqueConstraint(fields=("project", "setting", "files"), name="encoding_progress_once"),
        ),
    ]
