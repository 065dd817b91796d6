"""Items of a project as examples in its guideline: `![a torn corner](item:item_01…)` on a line of its own."""

import re

from django.utils.safestring import SafeString

from annotation.markdown_html import guideline_html
from annotation.models import Guideline, Item, RoutedItem
from inputs.registry import INPUT_TYPES
from inputs.types.base import Display
from projects.models import Project
from validation import InvalidInput

EXAMPLE = re.compile(r"^[ ]{0,3}!\[([^\]\n]*)\]\(item:([0-9A-Za-z_-]{1,60})\)[ ]*$", re.MULTILINE)
MOST_EXAMPLES = 60
LONGEST_TEXT = 600


class UnusableExample(InvalidInput):
    """An item that no guideline can show; the message is for a user."""


def check_examples(project: Project, text: str) -> None:
    """Raises UnusableExample where an item is not there, or models are measured on it: its answer would be known."""
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
    names = [name for _, name in EXAMPLE.findall(text)]
    items = {item.uid: item for item in Item.objects.filter(project=project, uid__in=names)} if names else {}
    return EXAMPLE.sub(lambda found: _shown(project, items.get(found[2]), found[1]), text)


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
