"""The sentences about labels of disagreements, written from their numbers."""

from retraining.bodies import DisagreementBody, SliceGateBody
from retraining.learning.gate.disagreement import SequentialDecision


def headline(found: DisagreementBody, tag: str) -> str:
    """The decision, in one sentence."""
    if not found.disagreements:
        return f"{tag} and {found.against} say the same of all traffic that both answered"
    return f"Where they differ: {_decision(found, tag)}"


def _decision(found: DisagreementBody, tag: str) -> str:
    if found.decision == SequentialDecision.PROMOTE:
        return f"{tag} is better than {found.against}"
    if worse := [one.name for one in found.slices if one.failed]:
        return f"{tag} is worse in {', '.join(worse)} by more than the margin"
    if found.decision == SequentialDecision.REFUSE:
        return f"{tag} is worse than {found.against}"
    if found.p_better <= found.alpha:
        return f"{tag} is better over all, but not every protected slice is decided"
    return "not decided yet"


def needed_words(found: DisagreementBody) -> str:
    """How many more labels decide, or why that is not said."""
    if found.decision != SequentialDecision.UNDECIDED or not found.disagreements:
        return ""
    if found.needed is None:
        return "How many more labels decide can't be known yet."
    if found.needed > found.left:
        return (
            f"About {found.needed:,} more labels would probably decide, but this traffic has only {found.left:,} "
            "more disagreements."
        )
    return f"About {found.needed:,} more labels probably decide."


def slice_words(one: SliceGateBody) -> str:
    """Whether a protected slice is shown not to be worse, and from what."""
    state = "shown not to be worse" if one.passed else "shown to be worse" if one.failed else "not decided"
    counts = f"differ on {one.disagreements:,} of {one.rows:,}, {one.labels:,} labelled"
    margin = f"{one.margin:g} {'point' if one.margin == 1 else 'points'}"
    return f"{state} by {margin} or more; {counts}" if state != "not decided" else f"{state}, margin {margin}; {counts}"
