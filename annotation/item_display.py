"""An item's inputs as a page shows them: texts, images, conversations, and a table of the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from annotation.models import Item
from annotation.turn_display import DisplayedConversation
from inputs.registry import INPUT_TYPES
from inputs.turns import is_conversation
from inputs.types.base import Display
from projects.formatting import MINUS, number, plain_moment
from projects.models import Project

PIXELATED = 176  # an image up to this size is shown enlarged, pixel by pixel
WHOLE = 1e15  # below it a whole number is written with all its digits


@dataclass(frozen=True)
class DisplayedImage:
    """An image by its address; `small` ones are enlarged with crisp pixels."""

    name: str
    src: str
    width: int
    height: int

    @property
    def small(self) -> bool:
        return max(self.width, self.height) <= PIXELATED


@dataclass(frozen=True)
class ItemDisplay:
    """What stands on the stage, in this order; `meta` is the quiet line below."""

    texts: tuple[tuple[str, str], ...]
    pictures: tuple[DisplayedImage, ...]
    conversations: tuple[DisplayedConversation, ...]
    facts: tuple[tuple[str, str], ...]
    meta: tuple[str, ...]

    @property
    def named(self) -> bool:
        """Whether texts, images and conversations need their names beside them."""
        return sum(map(len, (self.texts, self.pictures, self.conversations, self.facts))) > 1

    @property
    def excerpts(self) -> tuple[tuple[str, str], ...]:
        """What is read, by its name, for a card or a line that cuts it."""
        return (*self.texts, *((one.name, one.excerpt) for one in self.conversations))


def display_item(project: Project, item: Item) -> ItemDisplay:
    """Sort the inputs by their type in the contract; what the contract no longer has is shown as a fact."""
    types = project.contract().types()
    names = [name for name in types if name in item.inputs] + [name for name in item.inputs if name not in types]
    values = [(name, item.inputs[name]) for name in names if item.inputs[name] is not None]
    pictures = [displayed_image(project, name, value) for name, value in values if is_image(value)]
    conversations = [
        display_conversation(name, value, types[name]) for name, value in values if _is_spoken(value, types.get(name))
    ]
    read = {name for name, kind in types.items() if INPUT_TYPES[kind].display is Display.TEXT}
    texts = [(name, str(value)) for name, value in values if name in read]
    shown = read | {one.name for one in pictures} | {one.name for one in conversations}
    facts = [(name, format_fact(value, types.get(name))) for name, value in values if name not in shown]
    segment = [f"{name} {value}" for name, value in item.segment.items()]
    meta = (*segment, plain_moment(item.at, "j M H:i"))
    return ItemDisplay(tuple(texts), tuple(pictures), tuple(conversations), tuple(facts), meta)


def _is_spoken(value: Any, kind: str | None) -> bool:
    return kind is not None and INPUT_TYPES[kind].display is Display.CONVERSATION and is_conversation(value)


def display_conversation(name: str, value: Any, kind: str) -> DisplayedConversation:
    return DisplayedConversation(name, value, INPUT_TYPES[kind].format(value))


def is_image(value: Any) -> bool:
    return isinstance(value, Mapping) and "media" in value


def displayed_image(project: Project, name: str, value: Mapping[str, Any]) -> DisplayedImage:
    src = reverse("annotation:media", args=[project.slug, value["media"]])
    return DisplayedImage(name, src, int(value["width"]), int(value["height"]))


def format_fact(value: Any, kind: str | None) -> str:
    """A value as its input type writes it, a number with its thousands."""
    number_like = isinstance(value, int | float) and not isinstance(value, bool)
    if number_like or kind is None or kind not in INPUT_TYPES:
        return format_plain(value)
    return INPUT_TYPES[kind].format(value)


def format_plain(value: Any) -> str:
    """A number with its point and thousands, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return number(value)
    if value.is_integer() and abs(value) < WHOLE:
        return number(int(value))
    whole, _, rest = f"{value!r}".partition(".")
    if rest and whole.lstrip("-").isdigit() and abs(value) >= 1:
        return f"{number(int(whole))}.{rest}"
    return str(value).replace("-", MINUS)
