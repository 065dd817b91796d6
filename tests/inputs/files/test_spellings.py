"""Labels that are spelt in two ways are one clear refusal, not two labels that never agree."""

import pytest

from inputs.files.spellings import LabelColumn, check_labels, check_levels, check_overlap
from inputs.files.table import BadFile


def columns(*labels: tuple[str, ...]) -> list[LabelColumn]:
    return [LabelColumn(name, given) for name, given in zip(("'truth'", "'answer'"), labels, strict=False)]


@pytest.mark.parametrize(
    ("truth", "answer", "sides"),
    [
        (("no", "yes"), ("No", "Yes"), "no, yes against No, Yes"),
        (("0", "1"), ("False", "True"), "0, 1 against False, True"),
        (("1",), ("01",), "1 against 01"),
        (tuple("abcdefgh"), ("x",), "a, b, c, d, e and 3 more against x"),
    ],
)
def test_two_columns_without_a_common_label_are_refused_with_what_both_look_like(
    truth: tuple[str, ...], answer: tuple[str, ...], sides: str
) -> None:
    with pytest.raises(BadFile, match=f"'truth' and 'answer' share no label: {sides}; write each label one way"):
        check_labels(*columns(truth, answer))


@pytest.mark.parametrize(
    ("truth", "answer", "message"),
    [
        (("HAM", "ham", "spam"), (), "'HAM' and 'ham' in 'truth' differ"),
        (("ham", "spam"), ("ham", "Spam"), "'spam' and 'Spam' in 'truth' and 'answer' differ"),
        (("not  spam", "not spam"), (), "'not  spam' and 'not spam' in 'truth' differ"),
        (("\ufb01n", "fin"), (), "differ only in case, spaces or Unicode form"),
        (("n", "y"), ("Y", "n"), "'y' and 'Y' in 'truth' and 'answer' differ"),
    ],
)
def test_two_spellings_of_one_label_are_refused(truth: tuple[str, ...], answer: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadFile, match=message):
        check_labels(*columns(truth, *([answer] if answer else [])))


@pytest.mark.parametrize(
    "labels",
    [
        (("ham", "spam"), ("spam",)),
        (("A", "B", "a"), ("a", "A")),  # letters
        (("1", "01", "10"), ("1",)),
        (("a",), ()),
    ],
)
def test_labels_that_differ_by_more_are_taken(labels: tuple[tuple[str, ...], ...]) -> None:
    check_labels(*columns(*labels))


def test_levels_in_another_spelling_are_refused_and_new_levels_are_not() -> None:
    for before, now in ((("False", "True"), ("0", "1")), (("Yes", "No"), ("yes", "no")), (("true",), ("True",))):
        with pytest.raises(BadFile, match="share no value"):
            check_levels(*columns(before, now))
    check_levels(*columns(("Bern", "Basel"), ("Paris",)))
    check_levels(*columns(("true",), ("true", "True")))


def test_what_is_shared_may_be_named() -> None:
    with pytest.raises(BadFile, match="share no item: a against b; write each item one way"):
        check_overlap(LabelColumn("one", ["a"]), LabelColumn("other", ["b"]), "item")
