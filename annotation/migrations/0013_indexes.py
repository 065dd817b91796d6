"""Indexes of items, predictions and signals, added while others write; a database that has them already keeps them."""

from django.db import migrations, models

from projects.index_operations import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("annotation", "0012_fill_search_text")]
    operations = [
        AddIndexOnline(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("item", None)), fields=["project", "captured_at"], name="signal_without_item"
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("in_pool", True)), fields=["project", "sample_number"], name="pool_by_chance"
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("in_pool", True)), fields=["project", "audit_number"], name="pool_by_audit_number"
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("in_pool", True)), fields=["project", "-captured_at", "-id"], name="pool_by_capture"
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("audit_number__lt", models.F("audit_probability"))),
                fields=["project", "sample_number"],
                name="audit_by_chance",
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("asked_at__isnull", False)), fields=["project", "asked_at"], name="item_by_asking"
            ),
        ),
        AddIndexOnline(
            model_name="item",
            index=models.Index(
                condition=models.Q(("audit_probability", None), ("in_pool", True)),
                fields=["project", "id"],
                name="item_not_drawn",
            ),
        ),
        AddIndexOnline(
            model_name="prediction",
            index=models.Index(
                condition=models.Q(("margin__isnull", False)),
                fields=["project", "model_version", "margin", "id"],
                name="prediction_by_margin",
            ),
        ),
        AddIndexOnline(
            model_name="signal",
            index=models.Index(
                condition=models.Q(("item__isnull", False), ("weighed_at", None)),
                fields=["project", "kind", "at"],
                name="signal_to_weigh",
            ),
        ),
    ]
