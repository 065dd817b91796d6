"""Names that a person cannot see or tell apart."""

import pytest

from projects import lookalikes, specs

SPEC = {"title": "Twins", "kind": "choice", "inputs": {"text": {"type": "text"}}}
TWINS = [
    ("spam", "sp\u200bam"),  # zero width space
    ("caf\u00e9", "cafe\u0301"),  # composed and decomposed
    ("spam", "\uff53\uff50\uff41\uff4d"),  # full width
    ("two words", "two\u00a0words"),  # no-break space
    ("two words", "two  words"),
    ("cop", "\u0441\u043e\u0440"),  # Cyrillic
    ("A", "\u0391"),  # Greek
    ("fine", "\ufb01ne"),  # ligature
    ("soft", "so\u00adft"),  # soft hyphen
]
APART = [
    ("spam", "Spam"),
    ("a", "\u00e4"),
    ("1", "l"),
    ("O", "0"),
    ("\u0434\u0430", "\u043d\u0435\u0442"),
    ("a b", "ab"),
]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_two_that_look_alike_are_refused(one: str, other: str) -> None:
    assert lookalikes.appearance(one) == lookalikes.appearance(other)
    with pytest.raises(specs.BadSpec, match="look alike; nobody could tell them apart"):
        specs.parse_spec({**SPEC, "labels": [one, other]})


@pytest.mark.parametrize(("one", "other"), APART)
def test_two_that_look_different_are_taken(one: str, other: str) -> None:
    assert lookalikes.twins([one, other]) is None
    assert [label["value"] for label in specs.parse_spec({**SPEC, "labels": [one, other]}).labels] == [one, other]


@pytest.mark.parametrize("blank", ["", " ", "   ", "\u200b", "\u00a0", "\u3000", "\u200e", "\t", "\ufeff"])
def test_a_name_has_something_to_see(blank: str) -> None:
    assert lookalikes.fault(blank) == "has nothing to see"


@pytest.mark.parametrize("text", [" spam", "spam ", "spam\n", "\u00a0spam"])
def test_a_name_begins_and_ends_with_something_to_see(text: str) -> None:
    assert lookalikes.fault(text) == "begins or ends with white space"


def test_a_name_is_on_one_line() -> None:
    assert "control character" in lookalikes.fault("two\nlines")


@pytest.mark.parametrize(
    "text", ["spam", "caf\u00e9", "\U0001f469\u200d\U0001f52c", "\u0645\u06cc\u200c\u0634\u0648\u062f", "\u5783\u573e"]
)
def test_any_script_is_a_name(text: str) -> None:
    assert lookalikes.fault(text) == ""


def test_titles_that_look_alike_are_refused_too() -> None:
    labels = [{"value": "a", "title": "Spam"}, {"value": "b", "title": "Spam"}]
    with pytest.raises(specs.BadSpec, match="Label title 'Spam' stands in the list twice"):
        specs.parse_spec({**SPEC, "labels": labels})
