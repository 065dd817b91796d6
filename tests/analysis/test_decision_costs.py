"""Costs of decisions: what the project's prices make of each rule."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from analysis.decision_costs import decision_costs, fingerprint
from analysis.samples import ClassCodes, EvaluationSample
from analysis.views.class_figures import cost_rows, rule_words, score_words
from projects.models import Project
from tests.factories import NOW, make_project

pytestmark = pytest.mark.django_db
COSTS = {"false_positive": 1, "false_negative": 20, "review": 0.5}


def frame(scores: list[float], truth: list[int]) -> EvaluationSample:
    probabilities = np.column_stack([1 - np.array(scores), scores])
    n = len(scores)
    fields = dict.fromkeys(EvaluationSample.__dataclass_fields__)
    fields |= {
        "version": "v1",
        "codes": ClassCodes(("ham", "spam"), np.array(truth), probabilities.argmax(axis=1), probabilities),
        "item_ids": np.arange(n),
        "load_groups": lambda: np.arange(n),
        "load_traffic": lambda: None,
        "inclusion_probability": np.ones(n),
        "audit": np.ones(n, dtype=bool),
        "at": tuple(NOW + timedelta(minutes=i) for i in range(n)),
        "population": n,
        "waiting": 0,
    }
    return EvaluationSample(**fields)


@pytest.fixture
def project() -> Project:
    return make_project(costs=COSTS, positive="spam")


def test_a_dear_miss_lowers_the_threshold_and_costs_less_than_todays_rule(project: Project) -> None:
    scores = [0.1] * 60 + [0.4] * 20 + [0.9] * 20
    found = decision_costs(frame(scores, [0] * 60 + [1, 0] * 10 + [1] * 20), project)
    assert found is not None
    today, cut, band = found.rules
    assert today.cost.value == pytest.approx(20 * 10 / 100)  # ten misses of a hundred
    assert today.cost.low < today.cost.value < today.cost.high
    assert cut.cost.value == pytest.approx(1 * 10 / 100) and cut.low == pytest.approx(0.4)
    assert band.cost.value <= cut.cost.value
    words = [rule_words(found, rule) for rule in found.rules]
    assert words[:2] == ["Today: the highest score wins", "Call it spam from a score of 0.40 on"]


def test_the_cheapest_rule_is_marked_and_a_small_score_is_not_rounded_away(project: Project) -> None:
    scores = [0.001] * 60 + [0.0067] * 20 + [0.9] * 20
    found = decision_costs(frame(scores, [0] * 60 + [1, 0] * 10 + [1] * 20), project)
    assert found is not None
    rows = cost_rows(found)
    assert [row.words for row in rows if row.cheapest] == [
        row.words for row in rows if row.rule.cost.value == min(one.cost.value for one in found.rules)
    ]
    assert rows[1].words == "Call it spam from a score of 0.0067 on"
    assert [score_words(score) for score in (0.05, 0.4, 0.96, None)] == ["0.05", "0.40", "0.9600", "\N{EN DASH}"]


def test_one_mistake_among_items_that_stand_for_themselves_hides_no_dear_one_among_the_others(project: Project) -> None:
    found = frame([0.1] * 29 + [0.1] + [0.9] * 110, [0] * 29 + [1] + [1] * 110)
    sample = replace(found, inclusion_probability=np.r_[np.full(29, 0.01), np.ones(111)])
    costs = decision_costs(sample, project)
    assert costs is not None
    today = costs.rules[0].cost
    assert today.value < 0.01 and today.high > 20 * 0.05  # 29 draws without a mistake leave 5 % possible


def test_a_band_in_which_nobody_is_asked_is_no_rule_of_its_own(project: Project) -> None:
    found = decision_costs(frame([0.1] * 50 + [0.9] * 50, [0] * 50 + [1] * 50), project)
    assert found is not None and [rule.rule for rule in found.rules] == ["highest_score", "threshold"]


def test_without_costs_or_without_both_classes_there_is_nothing_to_say(project: Project) -> None:
    assert decision_costs(frame([0.2, 0.8], [0, 1]), make_project()) is None
    assert decision_costs(frame([0.2, 0.8], [0, 0]), project) is None


def test_another_price_makes_another_report(project: Project) -> None:
    before = fingerprint(project)
    project.costs = {**COSTS, "review": 1}
    assert fingerprint(project) != before and fingerprint(make_project()) == ""
