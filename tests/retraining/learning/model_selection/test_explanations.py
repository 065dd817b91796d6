import numpy as np
import pandas as pd
import pytest

from retraining.learning.calibration.choose import CalibratorChoice
from retraining.learning.fitted import Candidate
from retraining.learning.model_selection.cross_validation import Skipped, TrainingRows, Trial
from retraining.learning.model_selection.explanations import describe_candidate, explain_choice

CLASSES = ("ham", "spam", "scam")


def trial(method: str = "none", *, left_out: tuple[str, ...] = (), **losses: float) -> Trial:
    given = losses or {"none": 0.5}
    config = {"family": "linear", "left_out": list(left_out)}
    return Trial(config, np.zeros((4, 2)), CalibratorChoice(method, np.full((4, 2), 0.5), tuple(given.items())), 1.5, 0)


def rows(targets: list[int]) -> TrainingRows:
    soft = np.eye(2)[targets]
    return TrainingRows(
        pd.DataFrame(index=range(len(targets))), soft, np.array([0, 1]), np.ones(len(targets)), np.zeros(0, int)
    )


OTHER = Candidate("svm", {"family": "svm"}, "temperature", 0.61, 2.0)


def test_the_choice_is_described_with_its_figures() -> None:
    best = trial()
    said = explain_choice(best, (describe_candidate(best), OTHER), rows([0, 1, 0, 1]), CLASSES[:2])
    assert said == (
        "linear had the lowest held-out log loss of 2: 0.500, next 0.610. "
        "Its own probabilities were best left as they are."
    )


@pytest.mark.parametrize(
    ("best", "part"),
    [
        (trial("sigmoid", none=0.6, sigmoid=0.5), "Sigmoid calibration lowered that loss from 0.600."),
        (trial("temperature", temperature=0.5), "Temperature calibration turns its scores into probabilities."),
        (trial(left_out=("note",)), "Left out, because nearly all rows are alike: note."),
    ],
)
def test_what_was_done_is_described(best: Trial, part: str) -> None:
    assert part in explain_choice(best, (describe_candidate(best),), rows([0, 1, 0, 1]), CLASSES[:2])


def test_what_the_model_cannot_know_is_stated() -> None:
    said = explain_choice(trial(), (describe_candidate(trial()),), rows([0, 0, 0, 1]), CLASSES)
    assert "No label yet for scam: never predicted, probability 0." in said
    assert "Only one label for spam: learnt, but never tested on a held-out row." in said


def test_many_names_are_counted_not_listed() -> None:
    classes = tuple(f"c{i}" for i in range(12))
    assert "c2, c3, c4, c5, c6 and 5 more" in explain_choice(
        trial(), (describe_candidate(trial()),), rows([0, 1, 0, 1]), classes
    )


def test_a_candidate_given_up_keeps_its_reason() -> None:
    row = describe_candidate(
        Skipped({"family": "tree"}, 3.0, "Not tried: it takes 3.0 units of work, and 1.0 were left.")
    )
    assert (row.family, row.log_loss, row.work, row.note) == (
        "tree",
        None,
        3.0,
        "Not tried: it takes 3.0 units of work, and 1.0 were left.",
    )
