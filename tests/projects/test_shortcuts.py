"""Single keys: defaults, changes, clashes."""

import pytest

from projects import shortcuts
from projects.models import User


def test_the_defaults_hold_for_who_changed_nothing():
    assert {key.action: key.key for key in shortcuts.shortcuts_of(User())}["undo"] == "u"
    assert next(key.cap for key in shortcuts.DEFAULTS if key.action == "skip") == "Space"


def test_what_is_changed_is_kept_and_the_rest_stays():
    wanted = {key.action: key.key for key in shortcuts.DEFAULTS} | {"undo": "Z", "skip": "space"}
    assert shortcuts.changed_shortcuts(wanted) == {"undo": "z"}
    mine = {key.action: key.key for key in shortcuts.shortcuts_of(User(keys={"undo": "z"}))}
    assert (mine["undo"], mine["flag"]) == ("z", "f")


def test_empty_is_the_default():
    assert shortcuts.changed_shortcuts({"undo": ""}) == {}


def test_one_key_does_one_thing():
    with pytest.raises(shortcuts.ShortcutConflict, match="F would do two things"):
        shortcuts.changed_shortcuts({"undo": "f"})


def test_two_acts_may_swap_their_keys():
    assert shortcuts.changed_shortcuts({"undo": "f", "flag": "u"}) == {"undo": "f", "flag": "u"}


@pytest.mark.parametrize("text", ["7", "ctrl", "ab", "\x00"])
def test_a_key_is_one_letter_or_sign(text):
    with pytest.raises(shortcuts.ShortcutConflict, match="not one letter or sign"):
        shortcuts.changed_shortcuts({"undo": text})
