"""Examples in a guideline: items of the project, `![a torn corner](item:item_01…)` on a line of its own, and images
that were uploaded for it, `![a torn corner](image:SHA-256)`."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.utils.safestring import SafeString

from annotation import media
from annotation.markdown_html import guideline_html
from annotation.models import Guideline, Item, Media, RoutedItem
from inputs.images import BadImage, PixelBudget
from inputs.registry import INPUT_TYPES
from inputs.types.base import Display
from inputs.types.image import check_image
from projects.models import Project
from validation import InvalidInput

EXAMPLE = re.compile(r"^[ ]{0,3}!\[([^\]\n]*)\]\(item:([0-9A-Za-z_-]{1,60})\)[ ]*$", re.MULTILINE)
IMAGE = re.compile(r"!\[([^\]\n]*)\]\(image:([0-9a-f]{64})\)")
MOST_EXAMPLES = 60
LARGEST_IMAGE = 5 * 2**20  # bytes
MOST_IMAGES = 10  # in one upload
LONGEST_TEXT = 600


class UnusableExample(InvalidInput):
    """An item that no guideline can show; the message is for a user."""


def check_examples(project: Project, text: str) -> None:
    """Raises UnusableExample where an item or image is not there, or models are measured on the item: its answer would
    be known."""
    wanted = {sha256 for _, sha256 in IMAGE.findall(text)}
    stored = Media.objects.filter(project=project, sha256__in=wanted).values_list("sha256", flat=True)
    if gone := wanted - set(stored):
        raise UnusableExample(f"There is no image {min(gone)[:12]}… in this project; upload it again.")
    names = [name for _, name in EXAMPLE.findall(text)]
    if len(names) > MOST_EXAMPLES:
        raise UnusableExample(f"A guideline shows at most {MOST_EXAMPLES} items; this has {len(names)}.")
    found = {item.uid: item for item in Item.objects.filter(project=project, uid__in=names)}
    measured = RoutedItem.objects.filter(project=project, item__uid__in=names, evaluation=True)
    held_out = set(measured.values_list("item__uid", flat=True))
    for name in names:
        if name not in found:
            raise UnusableExample(f"There is no item {name} in this project.")
        if found[name].is_drawn or name in held_out:
            raise UnusableExample(f"Models are measured on {name}; as an example its answer would be known.")


def with_examples(project: Project, text: str) -> str:
    """The Markdown with each example as its image, or as a quotation of its text, above its caption."""
    text = IMAGE.sub(rf"![\1](/p/{project.slug}/media/\2)", text)
    names = [name for _, name in EXAMPLE.findall(text)]
    items = {item.uid: item for item in Item.objects.filter(project=project, uid__in=names)} if names else {}
    return EXAMPLE.sub(lambda found: _shown(project, items.get(found[2]), found[1]), text)


def store_images(project: Project, files: Sequence[tuple[str, bytes]], *, at: datetime) -> str:
    """Keep uploaded images, each with its file's name, as media of the project; the Markdown that shows them.

    Raises UnusableExample, and keeps none, where one of them is no image or too large.
    """
    if len(files) > MOST_IMAGES:
        raise UnusableExample(f"One upload takes at most {MOST_IMAGES} images; these are {len(files)}.")
    budget, checked = PixelBudget(), []
    for name, data in files:
        if len(data) > LARGEST_IMAGE:
            raise UnusableExample(f"{name} has {len(data):,} bytes; an image takes at most {LARGEST_IMAGE:,}.")
        try:
            checked.append(check_image(data, budget))
        except BadImage as why:
            raise UnusableExample(f"{name} is no image: {why}.") from None
    media.write_files(project, checked)
    media.record(project, checked, at=at)
    captions = [re.sub(r"[^\w .,-]", " ", name.rpartition(".")[0] or name).strip() for name, _ in files]
    shown = zip(captions, checked, strict=True)
    return "\n\n".join(f"![{caption}](image:{picture.sha256})" for caption, picture in shown)


def shown_guideline(project: Project, found: Guideline | None) -> SafeString | str:
    """A guideline as people read it, with its examples; empty where there is none."""
    return guideline_html(with_examples(project, found.text)) if found else ""


def _shown(project: Project, item: Item | None, caption: str) -> str:
    if item is None:
        return f"> *{caption}* (the item is not there any more)"
    types = project.contract().types()
    for name, kind in types.items():
        value = item.inputs.get(name)
        if value is not None and INPUT_TYPES[kind].display is Display.IMAGE:
            return f"![{caption}](/p/{project.slug}/media/{value['media']})\n*{caption}*"
    return "\n".join([*(f"> {line}" for line in _words(project, item).splitlines()), "", f"*{caption}*"])


def _words(project: Project, item: Item) -> str:
    """The item's inputs as text in which nothing is Markdown."""
    types = project.contract().types()
    values = [(name, kind, item.inputs.get(name)) for name, kind in types.items()]
    written = [INPUT_TYPES[kind].format(value) for _, kind, value in values if value is not None]
    text = " · ".join(written)[:LONGEST_TEXT]
    return re.sub(r"([\\`*_{}\[\]()#+\-.!<>|])", r"\\\1", " ".join(text.split()))
