"""How many items a project has, without counting the million that were counted before for each page."""

from django.db.models import QuerySet

from annotation.models import Item

COUNTED_AGAIN = 50_000  # the newest items: one may be committed after others whose ids are larger
_counted: dict[int, tuple[int, int]] = {}  # by project: an id, and how many of its items have at most this id


def not_counted(project_id: int) -> tuple[QuerySet[Item], int]:
    """The items that this process has to count, and how many others the project has. No item is ever deleted alone."""
    last, before = _counted.get(project_id, (0, 0))
    return Item.objects.filter(pk__gt=last), before


def remember(project_id: int, count: int) -> None:
    """Note how many of those items the project has; where they are many, all but the newest are not counted again."""
    if count <= 2 * COUNTED_AGAIN:
        return
    last, before = _counted.get(project_id, (0, 0))
    items = Item.objects.filter(project=project_id, pk__gt=last).order_by("-pk")
    end = items.values_list("pk", flat=True)[COUNTED_AGAIN]
    _counted[project_id] = end, before + items.filter(pk__lte=end).count()
