"""The sentences about a verdict and its gates, written from their numbers."""

from retraining.bodies import DifferenceBody, GateBody, VerdictBody
from retraining.learning.gate.decision import GateCondition

NAIVE_BASELINE = "the naive baseline"


def side_name(tag: str) -> str:
    """What a version is compared with, as a sentence calls it."""
    return tag or NAIVE_BASELINE


def verdict_words(verdict: VerdictBody) -> str:
    """The decision with the figures that it rests on, in one to three sentences."""
    words = decision_words(verdict)
    if verdict.sentence or verdict.difference is None or verdict.decision == "promote":
        return words
    return f"{words} {_what_would_decide(verdict, _labels_name(verdict))}"


def decision_words(verdict: VerdictBody) -> str:
    """The decision with its figures, without what would change it: for a version that serves since."""
    if verdict.sentence:
        return verdict.sentence
    if verdict.problem:
        return f"Held: nothing was compared, because {verdict.problem}"
    if verdict.difference is None:
        return "Held: no audit label yet, so nothing is known about either model."
    lead = f"{interval(verdict.difference)} on {verdict.difference.n:,} {_labels_name(verdict)}"
    if verdict.decision == "promote":
        return f"Passed: {lead}, and every condition holds."
    failed = ", ".join(gate_name(gate) for gate in verdict.gates if not gate.passed)
    return f"Held: {lead}; not shown: {failed}."


def audit_figures(verdict: VerdictBody) -> str:
    """What the decision rests on: the difference and its labels."""
    if verdict.difference is None:
        return verdict.sentence or "nothing was compared"
    return f"{interval(verdict.difference)}, {verdict.difference.n:,} {_labels_name(verdict)}"


def _labels_name(verdict: VerdictBody) -> str:
    return "audit labels" if verdict.basis == "evaluation" else "held-out training labels"


def release_reason(verdict: VerdictBody) -> str:
    """Why the gate promotes, as the release keeps it."""
    return f"By the gate: {verdict_words(verdict).removeprefix('Passed: ')}"


def _what_would_decide(verdict: VerdictBody, labels: str) -> str:
    if empty := [gate.slice_name for gate in verdict.gates if gate.slice_name and gate.difference is None]:
        return f"Without an audit label in {', '.join(empty)} nothing can be shown there."
    if verdict.needed is not None:
        return f"If the models differ as they seem to, about {verdict.needed:,} more {labels} would decide."
    return "More labels would probably not change that, unless the models differ from what they seem."


def gate_name(gate: GateBody) -> str:
    """The condition in words."""
    names = {GateCondition.BETTER: "better overall", GateCondition.BEATS_NAIVE: "better than the naive baseline"}
    return names.get(gate.condition, f"{gate.slice_name} no worse")


def gate_words(gate: GateBody) -> str:
    """What was found, and what was asked for."""
    if gate.sentence:
        return gate.sentence
    limit = f"limit {gate.alpha:g}"
    if gate.condition != GateCondition.NOT_WORSE:
        return f"{interval(gate.difference)}, p {p_words(gate.p)}, {limit}" if gate.difference else limit
    points = "point" if gate.margin == 1 else "points"
    asked = f"shown not to be worse by {gate.margin:g} {points} or more: adjusted p, {limit}"
    if gate.difference is None:
        return f"no audit label in this slice; {asked}"
    return f"{interval(gate.difference)}, n {gate.difference.n:,}, adjusted p {p_words(gate.p)}; {asked}"


def headline(verdict: VerdictBody) -> str:
    """The decision and how many of its conditions it rests on."""
    count, failed = len(verdict.gates), sum(not gate.passed for gate in verdict.gates)
    if verdict.decision == "promote":
        some = {1: "the condition holds", 2: "both conditions hold"}
        return f"Promote: {some.get(count, f'all {count} conditions hold')}"
    if not failed:
        return "Hold: nothing could be compared"
    if failed == count:
        return "Hold: no condition is shown" if failed > 1 else "Hold: the condition is not shown"
    return f"Hold: {failed} of {count} conditions {'is' if failed == 1 else 'are'} not shown"


def interval(difference: DifferenceBody) -> str:
    return f"{signed(difference.value)} points [{figure(difference.low)}, {figure(difference.high)}]"


def p_words(p: float | None) -> str:
    """As a sentence says it: below the resolution that anybody acts on, only that."""
    if p is None:
        return "not known"
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def signed(value: float) -> str:
    text = figure(value)
    return f"+{text}" if value > 0 and text != "0.0" else text


def figure(value: float) -> str:
    """One place, with a real minus; what rounds to nothing has no sign."""
    text = f"{value:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "\N{MINUS SIGN}")
