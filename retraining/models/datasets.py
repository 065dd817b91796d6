"""Datasets."""

from django.db import models

from annotation.models import Item, Resolution
from projects.models import Project


class Dataset(models.Model):
    """A frozen, hashed list of items with their resolutions and split."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="datasets")
    number = models.PositiveIntegerField()
    hash = models.CharField(max_length=64, help_text="SHA-256 of the ordered rows and the label schema.")
    schema_version = models.PositiveIntegerField()
    contract_version = models.PositiveIntegerField()
    cut_at = models.DateTimeField(help_text="Only what was known then.")
    train_rows = models.PositiveIntegerField()
    evaluation_rows = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(
        default=0, help_text="Resolved items on neither side: they would cross it, or their label is retired."
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="dataset_number_once"),
            models.UniqueConstraint(fields=["project", "hash"], name="dataset_hash_once"),
        ]

    def __str__(self) -> str:
        return f"dataset {self.number}"


class DatasetRow(models.Model):
    class Split(models.TextChoices):
        TRAIN = "train"
        EVALUATION = "evaluation"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="rows")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")
    resolution = models.ForeignKey(Resolution, models.PROTECT, related_name="+")
    split = models.CharField(max_length=10, choices=Split)
    inclusion_probability = models.FloatField(default=1.0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "item"], name="dataset_item_once")]

    def __str__(self) -> str:
        return f"{self.item_id} in {self.dataset_id}"
