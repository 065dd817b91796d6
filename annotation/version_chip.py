"""The chip that says whose answers a page shows, and lists all versions with how much each has answered."""

from collections.abc import Callable

from annotation import versions
from annotation.versions import KnownVersion, Versions
from projects.chips import Chip, ChipOption
from projects.models import Project


def version_chip(
    project: Project, known: Versions, current: str, url: Callable[[str], str], *, name: str = "Model"
) -> Chip:
    """`url` gives the address of the same view for another version."""
    options = tuple(
        ChipOption(one.tag, url(one.tag), _note(project, one), current=one.tag == current) for one in known.all
    )
    serves = any(one.serves for one in known.all if one.tag == current)
    value = (f"{current} {_role(project, current)}" if serves else current) or "none"
    return Chip(name, value, options=options if options and [one.value for one in options] != [current] else ())


def serving_words(project: Project) -> str:
    """What serves and in which role."""
    tag = versions.serving(project)
    return f"{tag} {_role(project, tag)}" if tag else "none"


def _note(project: Project, one: KnownVersion) -> str:
    count = f"{one.counted} {'item' if one.items == 1 else 'items'}"
    return f"{_role(project, one.tag)}, {count}" if one.serves else count


def _role(project: Project, tag: str) -> str:
    return "champion" if tag == project.champion_version else "captured"
