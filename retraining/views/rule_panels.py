"""What Releases shows of the threshold and the policy: what is in force, and the form that releases another."""

from dataclasses import dataclass

from projects.formatting import number
from projects.models import Project
from retraining import rule_release
from retraining.forms import PolicyForm, RuleForm, ThresholdForm
from retraining.learning.decision_rules import cheapest_bands
from retraining.models import RuleKind


@dataclass(frozen=True)
class RulePanel:
    """One kind of rule: what is in force in words, and the form that releases another."""

    kind: str
    question: str
    tag: str
    words: str
    form: RuleForm
    proposal: str = ""


def rule_panels(project: Project, given: RuleForm | None = None) -> list[RulePanel]:
    """The panels in the order of the page; `given` is a form that was sent and refused. Of a project whose answers
    have no scores, those of rules that are in force, which can be rolled back."""
    threshold, policy = rule_release.rules_in_force(project)
    lines = "\n".join(f"{name} {value:g}" for name, value in threshold.thresholds.items()) if threshold else ""
    bands: list[tuple[float, str]] = [(band.start, band.decision) for band in policy.bands] if policy else []
    proposed = bands or proposal(project)
    ours = "\n".join(f"{start:g} {decision}" for start, decision in proposed)
    score_of = policy.score_of if policy else project.positive if proposed else ""
    tags = {kind: rule_release.in_force(project, kind) for kind in RuleKind}
    first = ThresholdForm(initial={"lines": lines, "expected": tags[RuleKind.THRESHOLD]})
    second = PolicyForm(initial={"lines": ours, "expected": tags[RuleKind.POLICY], "score_of": score_of})
    panels = [
        RulePanel(
            RuleKind.THRESHOLD,
            "From which score is a label given?",
            tags[RuleKind.THRESHOLD],
            _threshold_words(threshold.thresholds if threshold else {}),
            given if isinstance(given, ThresholdForm) else first,
        ),
        RulePanel(
            RuleKind.POLICY,
            "What is done at which score?",
            tags[RuleKind.POLICY],
            _policy_words(bands, policy.score_of if policy else ""),
            given if isinstance(given, PolicyForm) else second,
            "The bands below cost the least by the project's costs, where the scores are calibrated."
            if proposed and not bands
            else "",
        ),
    ]
    return panels if rule_release.applies_to(project) else [one for one in panels if one.tag]


def proposal(project: Project) -> list[tuple[float, str]]:
    """The cheapest bands of the positive label's score; none where the project names no costs."""
    costs = project.cost_settings()
    if costs is None or not project.positive:
        return []
    return cheapest_bands(costs.false_positive, costs.false_negative, costs.review)


def _threshold_words(thresholds: dict[str, float]) -> str:
    if not thresholds:
        return "None is in force: the label with the largest score is given."
    return ", ".join(f"{name} from {number(value, 3)}" for name, value in thresholds.items()) + "."


def _policy_words(bands: list[tuple[float, str]], score_of: str) -> str:
    if not bands:
        return "None is in force: every answer of a model is approved."
    said = ", ".join(f"{decision} from {number(start, 3)}" for start, decision in bands)
    return f"By the score of {score_of or 'the answer'}: {said}."
