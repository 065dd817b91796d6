"""Models of tags: words that people put on items to find them again."""

from django.conf import settings
from django.db import models

from annotation.models.capture import Item
from projects.models import Project

LONGEST_TAG = 60


class ItemTag(models.Model):
    """A word on an item. Nothing is decided by it: it is no label and trains nothing."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="item_tags")
    item = models.ForeignKey(Item, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=LONGEST_TAG)
    tagged_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    tagged_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "name"], name="item_tag_once")]
        indexes = [models.Index(fields=["project", "name", "item"], name="item_by_tag")]

    def __str__(self) -> str:
        return self.name
