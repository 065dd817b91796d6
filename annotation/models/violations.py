"""Models of the input contract's violations: values that were kept beside their items, and counts of refused rows."""

from django.db import models

from annotation.models.capture import Item
from projects.models import Project


class ContractViolation(models.Model):
    """A value of a captured row that breaks the input contract, beside its item, whose input is missing."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="violations")
    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    input = models.CharField(max_length=200)
    rule = models.CharField(max_length=20, help_text="One of inputs.types.base.BrokenRule.")
    given = models.JSONField(null=True, help_text="The value as it was given, or how it begins where it is not exact.")
    exact = models.BooleanField(default=True)
    at = models.DateTimeField(help_text="When the item happened.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "input"], name="violation_once_per_input")]
        indexes = [models.Index(fields=["project", "at"], name="violation_by_time")]

    def __str__(self) -> str:
        return f"{self.input} of item {self.item_id}: {self.rule}"


class RefusedRowCount(models.Model):
    """How many rows were refused in one hour because of one input and rule: a count, not the rows.

    `input` is "" for names that the contract does not have, so that no caller makes more rows than it has inputs.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    contract_version = models.PositiveIntegerField()
    input = models.CharField(max_length=200, blank=True)
    rule = models.CharField(max_length=20)
    rows = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "hour", "contract_version", "input", "rule"], name="refused_rows_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rows} rows refused for {self.input or 'an unknown input'}: {self.rule}"
