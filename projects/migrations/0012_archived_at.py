"""Projects that are archived."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0011_answer_options'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='archived_at',
            field=models.DateTimeField(blank=True, editable=False, help_text='Since when it is read-only.', null=True),
        ),
    ]
