"""The items that a backend is asked about, with their inputs as Label Studio has them."""

import base64
from collections.abc import Mapping, Sequence

from django.db.models import Exists, OuterRef, QuerySet

from annotation import media
from annotation.item_display import is_image
from annotation.ml_backends.protocol import AskedItem
from annotation.models import Item, Media, MLBackend, Prediction, RoutedItem, RoutedState, Source
from projects.models import Project

MISSING = "An image of the item is missing."


def waiting_items(backend: MLBackend) -> QuerySet[Item]:
    """Items that people are asked about in its queue, and of which its version has said nothing yet."""
    asked = RoutedItem.objects.filter(project=backend.project_id, state=RoutedState.OPEN)
    if backend.queue_slug:
        asked = asked.filter(queue__slug=backend.queue_slug)
    said = Prediction.objects.filter(item=OuterRef("pk"), model_version=backend.model_version, source=Source.RESCORED)
    return Item.objects.filter(~Exists(said), pk__in=asked.order_by().values("item"))


def to_asked_items(project: Project, items: Sequence[Item]) -> list[AskedItem | None]:
    """The items with each image as a data URL; None where an image of one is missing."""
    images = {value["media"] for item in items for value in item.inputs.values() if is_image(value)}
    types = dict(Media.objects.filter(project=project, sha256__in=images).values_list("sha256", "content_type"))
    return [_asked_item(project, item, types) for item in items]


def _asked_item(project: Project, item: Item, types: Mapping[str, str]) -> AskedItem | None:
    given = {name: value for name, value in item.inputs.items() if value is not None}
    try:
        urls = {name: _data_url(project, value["media"], types) for name, value in given.items() if is_image(value)}
    except FileNotFoundError:
        return None
    return AskedItem(item.pk, {**given, **urls})


def _data_url(project: Project, sha256: str, types: Mapping[str, str]) -> str:
    """Raises FileNotFoundError where there is no such image, or only its row."""
    if sha256 not in types:
        raise FileNotFoundError(sha256)
    written = base64.b64encode(media.read_image(project, sha256)).decode()
    return f"data:{types[sha256]};base64,{written}"
