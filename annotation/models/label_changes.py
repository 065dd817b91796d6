"""Model of changes of a project's labels that are carried over to labels given, agreed labels and queues."""

from django.db import models
from django.db.models import Q

from annotation.models.job_records import JobRecord
from annotation.models.routing import Queue
from projects.models import Project


class LabelAct(models.TextChoices):
    """What is done to labels."""

    MERGE = "merge", "Merge labels into one"
    RENAME = "rename", "Give a label another stored value"
    SPLIT = "split", "Split a label"
    UNDO = "undo", "Undo"


class LabelChangeQuerySet(models.QuerySet["LabelChange"]):
    def in_force(self, project: Project) -> list["LabelChange"]:
        """Those that put one label in the place of another and are not undone, in the order in which they were made."""
        rows = self.filter(project=project, undone_by=None).select_related("undoes").order_by("schema_version")
        return [change for change in rows if change.follows]


class LabelChange(JobRecord):
    """A merge, a new stored value, a split, or the undoing of one, under the version of the label schema it made.

    The counts are those of the rows that were changed so far, written in the transactions that change them.
    """

    act = models.CharField(max_length=10, choices=LabelAct)
    sources = models.JSONField(help_text="Values of the labels that are not offered any more.")
    targets = models.JSONField(help_text="Values that they count as, or are asked again as.")
    schema_version = models.PositiveIntegerField()
    undoes = models.OneToOneField("self", models.CASCADE, null=True, blank=True, related_name="undone_by")
    queue = models.ForeignKey(
        Queue, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Where a split asks again."
    )
    labels = models.PositiveBigIntegerField(default=0, help_text="Labels given that were revised.")
    resolutions = models.PositiveBigIntegerField(default=0, help_text="Agreed labels that were superseded.")
    disputes = models.PositiveBigIntegerField(default=0, help_text="Disputes that it settled or opened again.")
    asked = models.PositiveBigIntegerField(default=0, help_text="Items that were asked again or withdrawn.")

    objects = LabelChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "schema_version"], name="label_change_once_per_version"),
            models.CheckConstraint(condition=~Q(act="undo") | Q(undoes__isnull=False), name="undo_names_a_change"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {', '.join(self.sources)} → {', '.join(self.targets)}"

    @property
    def follows(self) -> dict[str, str]:
        """Value to the one that takes its place in every label; none where labels are restored or asked again."""
        undone = self.undoes
        renames = self.act in (LabelAct.MERGE, LabelAct.RENAME) or (undone and undone.act == LabelAct.RENAME)
        return dict.fromkeys(self.sources, self.targets[0]) if renames else {}

    @property
    def is_undone(self) -> bool:
        return hasattr(self, "undone_by")
