"""Models of exchange: what a file said of an item beyond what the product has fields for."""

from django.db import models

from annotation.models.capture import Item
from projects.models import Project


class ImportedRecord(models.Model):
    """The rest of the record that an item was imported from, written back by an export: labels of people elsewhere,
    keys that only the other tool knows."""

    item = models.OneToOneField(Item, models.CASCADE, related_name="imported_record")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    format = models.CharField(max_length=40, help_text="The exchange format that it came in.")
    record = models.JSONField(help_text="labels, predictions, extra and at, as annotation.exchange.rows has them.")
    imported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.format} of item {self.item_id}"
