"""Each version's report and verdict become its first judgement.

A migration of its own, because PostgreSQL alters no table whose changed rows wait for their constraints.
"""

from typing import Any

from django.db import migrations


def from_versions(apps: Any, schema_editor: Any) -> None:
    """What stood on each version becomes its first judgement."""
    version_model, judgement_model = (apps.get_model("retraining", name) for name in ("ModelVersion", "Judgement"))
    for version in version_model.objects.all():
        made = judgement_model.objects.create(
            version=version,
            against=version.verdict.get("champion", ""),
            evaluation=version.evaluation,
            verdict=version.verdict,
            judged_at=version.created_at,
        )
        version_model.objects.filter(pk=version.pk).update(judgement=made)
        version.evaluated.update(judgement=made)


def to_versions(apps: Any, schema_editor: Any) -> None:
    """The newest judgement stands on its version again; the items of older ones are given up."""
    for version in apps.get_model("retraining", "ModelVersion").objects.select_related("judgement"):
        if version.judgement:
            version.evaluation, version.verdict = version.judgement.evaluation, version.judgement.verdict
            version.save(update_fields=["evaluation", "verdict"])
            version.judgement.evaluated.update(version=version)
    apps.get_model("retraining", "EvaluatedItem").objects.filter(version=None).delete()


class Migration(migrations.Migration):
    dependencies = [("retraining", "0003_judgements")]

    operations = [migrations.RunPython(from_versions, to_versions)]
