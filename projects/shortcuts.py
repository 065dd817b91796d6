"""Single keys: what each does, its default, and what a person has changed (WCAG 2.1.4: all can be changed or off)."""

from collections import Counter
from dataclasses import dataclass

from projects.models import User
from validation import InvalidInput


@dataclass(frozen=True)
class Shortcut:
    """One act with its key as the browser names it; `cap` is what stands on the key cap."""

    action: str
    key: str
    words: str

    @property
    def cap(self) -> str:
        return "Space" if self.key == " " else self.key.upper()


DEFAULTS = (
    Shortcut("help", "?", "Show the keys"),
    Shortcut("search", "/", "Search"),
    Shortcut("undo", "u", "Undo the last answer"),
    Shortcut("skip", " ", "Skip the item"),
    Shortcut("flag", "f", "Flag the item for a reviewer"),
    Shortcut("comment", "c", "Write a comment"),
    Shortcut("guideline", "g", "Show the guideline"),
    Shortcut("next", "j", "Next in a list"),
    Shortcut("previous", "k", "Previous in a list"),
    Shortcut("queue", "q", "Make a queue of the selection"),
    Shortcut("select", "x", "Choose the item, with shift all from the last"),
    Shortcut("open", "o", "Open the item"),
)


class ShortcutConflict(InvalidInput):
    """Keys that cannot be used together; the message is for a user."""


def shortcuts_of(user: User) -> tuple[Shortcut, ...]:
    """All acts with this person's keys."""
    return tuple(Shortcut(key.action, user.keys.get(key.action, key.key), key.words) for key in DEFAULTS)


def changed_shortcuts(wanted: dict[str, str]) -> dict[str, str]:
    """What differs from the defaults in `wanted` (action to key), checked: one character each, no digit, none twice."""
    full = {key.action: key_name(wanted.get(key.action, "")) or key.key for key in DEFAULTS}
    twice = sorted(key for key, count in Counter(full.values()).items() if count > 1)
    if twice:
        raise ShortcutConflict(
            f"{', '.join('Space' if key == ' ' else key.upper() for key in twice)} would do two things."
        )
    defaults = {key.action: key.key for key in DEFAULTS}
    return {action: key for action, key in full.items() if key != defaults[action]}


def key_name(text: str) -> str:
    """The browser's name of a key that a person typed; "Space" is the space bar, empty is the default."""
    text = " " if text.strip().lower() == "space" else text.strip().lower()
    if len(text) > 1 or text.isdigit() or (text and not text.isprintable()):
        raise ShortcutConflict(f"{text!r} is not one letter or sign; digits answer on the desk.")
    return text
