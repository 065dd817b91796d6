import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("retraining", "0004_first_judgements")]

    operations = [
        migrations.RemoveConstraint(model_name="evaluateditem", name="evaluated_item_once"),
        migrations.RemoveField(model_name="evaluateditem", name="version"),
        migrations.AlterField(
            model_name="evaluateditem",
            name="judgement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="evaluated",
                to="retraining.judgement",
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluateditem",
            constraint=models.UniqueConstraint(fields=("judgement", "item"), name="evaluated_item_once"),
        ),
        migrations.AlterField(
            model_name="evaluateditem",
            name="champion_confidence",
            field=models.FloatField(help_text="Unknown for a captured label without scores.", null=True),
        ),
        migrations.RemoveField(model_name="modelversion", name="evaluation"),
        migrations.RemoveField(model_name="modelversion", name="verdict"),
    ]
