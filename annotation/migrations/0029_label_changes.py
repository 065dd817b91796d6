"""Changes of labels that are carried over to what was given and agreed, with what they changed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0028_export_query'),
        ('jobs', '0004_webhooks'),
        ('projects', '0010_settings_versions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LabelChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, help_text='Null: it did not come to its end.', null=True)),
                ('error', models.TextField(blank=True, default='', help_text='Why it did not, in a sentence.')),
                ('act', models.CharField(choices=[('merge', 'Merge labels into one'), ('rename', 'Give a label another stored value'), ('split', 'Split a label'), ('undo', 'Undo')], max_length=10)),
                ('sources', models.JSONField(help_text='Values of the labels that are not offered any more.')),
                ('targets', models.JSONField(help_text='Values that they count as, or are asked again as.')),
                ('schema_version', models.PositiveIntegerField()),
                ('labels', models.PositiveBigIntegerField(default=0, help_text='Labels given that were revised.')),
                ('resolutions', models.PositiveBigIntegerField(default=0, help_text='Agreed labels that were superseded.')),
                ('disputes', models.PositiveBigIntegerField(default=0, help_text='Disputes that it settled or opened again.')),
                ('asked', models.PositiveBigIntegerField(default=0, help_text='Items that were asked again or withdrawn.')),
            ],
        ),
        migrations.AddField(
            model_name='labelrevision',
            name='schema_version',
            field=models.PositiveIntegerField(editable=False, help_text='Of the label schema that changed the value; null: its person did.', null=True),
        ),
        migrations.AddField(
            model_name='resolution',
            name='changed_at',
            field=models.DateTimeField(editable=False, help_text='When that change wrote this row.', null=True),
        ),
        migrations.AddField(
            model_name='resolution',
            name='schema_version',
            field=models.PositiveIntegerField(editable=False, help_text='Of the label schema that changed the value; null: it was agreed so.', null=True),
        ),
        migrations.AddField(
            model_name='labelchange',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='labelchange',
            name='job',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.job'),
        ),
        migrations.AddField(
            model_name='labelchange',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='%(class)ss', to='projects.project'),
        ),
        migrations.AddField(
            model_name='labelchange',
            name='queue',
            field=models.ForeignKey(blank=True, help_text='Where a split asks again.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='annotation.queue'),
        ),
        migrations.AddField(
            model_name='labelchange',
            name='undoes',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='undone_by', to='annotation.labelchange'),
        ),
        migrations.AddConstraint(
            model_name='labelchange',
            constraint=models.UniqueConstraint(fields=('project', 'schema_version'), name='label_change_once_per_version'),
        ),
        migrations.AddConstraint(
            model_name='labelchange',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('act', 'undo'), _negated=True), ('undoes__isnull', False), _connector='OR'), name='undo_names_a_change'),
        ),
    ]
