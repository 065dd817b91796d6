"""What the former design drew, carried to the items.

It drew the audit in rounds: each item was weighed by one round, with one probability for all of that round. An item of
such a round gets a number on the side of the probability on which its draw fell. What was chosen at its first routing
stands for itself; what was chosen later stands for nothing, and the audit draws of its round stand for it.
"""

from django.db import migrations
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Random

CHUNK = 500


def carry(apps, schema_editor):
    Item, RoutedItem = apps.get_model("annotation", "Item"), apps.get_model("annotation", "RoutedItem")
    Resolution = apps.get_model("annotation", "Resolution")
    first = Q(represents=True)
    drawn = RoutedItem.objects.filter(first, item=OuterRef("pk"), cause="audit", audit_probability__isnull=False)
    audits = RoutedItem.objects.filter(first, cause="audit", audit_probability__isnull=False)
    rounds = audits.exclude(item__considered_at=None).values_list("project", "item__considered_at", "audit_probability")
    for project, moment, probability in rounds.order_by().distinct():
        Item.objects.filter(project=project, considered_at=moment).update(
            audit_probability=probability,
            audit_number=probability + (1 - probability) * Random(),
            sample_number=Random(),
        )
    for row in audits.select_related("item").iterator(chunk_size=CHUNK):
        Item.objects.filter(pk=row.item_id).update(
            audit_probability=row.audit_probability, audit_number=row.audit_probability * Random()
        )
    asked = RoutedItem.objects.filter(first).filter(~Q(cause="audit") | Q(inclusion_probability=1))
    rank = {}
    for row in asked.exclude(item__audit_probability=None).order_by("routed_at", "-priority", "pk").iterator():
        rank[row.routed_at] = rank.get(row.routed_at, -1) + 1
        Item.objects.filter(pk=row.item_id).update(asked_at=row.routed_at, asked_rank=rank[row.routed_at])
    routed = RoutedItem.objects.filter(item=OuterRef("pk"))
    resolved = Resolution.objects.filter(item=OuterRef("pk"), superseded_at=None)
    Item.objects.filter(Exists(routed) | Exists(resolved) | Exists(drawn)).update(in_pool=False)
    Item.objects.filter(in_pool=True, considered_at__isnull=False, sample_number=None).update(sample_number=Random())


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_audit_at_capture")]
    operations = [migrations.RunPython(carry, migrations.RunPython.noop)]
