"""Simulated people answer alike in every run, and err as often as they are said to."""

from collections import Counter

from retraining.backtest.annotator import SimulatedPeople

CLASSES = ("a", "b", "c")


def test_people_who_are_always_right_give_the_label_of_the_file() -> None:
    people = SimulatedPeople(1.0, CLASSES)
    assert all(people.label_of("p", f"row {n}", "b") == "b" for n in range(500))


def test_errors_come_at_their_rate_and_fall_on_the_other_classes_alike() -> None:
    people = SimulatedPeople(0.8, CLASSES)
    said = Counter(people.label_of("p", f"row {n}", "b") for n in range(6000))
    assert 0.78 < said["b"] / 6000 < 0.82  # four standard errors
    assert 0.08 < said["a"] / 6000 < 0.12 and 0.08 < said["c"] / 6000 < 0.12


def test_two_people_err_on_different_items_and_each_repeats_itself() -> None:
    people = SimulatedPeople(0.5, CLASSES)
    one, other, again = ([people.label_of(name, f"row {n}", "a") for n in range(200)] for name in ("p", "q", "p"))
    assert one == again and one != other
