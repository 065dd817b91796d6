"""The sentences about labels of disagreements, written from their numbers."""

from retraining.bodies import DifferenceBody, DisagreementBody, SliceGateBody
from retraining.learning.gate.disagreement import SequentialDecision
from retraining.verdict_words import interval, signed

NO_LABEL = "no label where they differ"


def headline(found: DisagreementBody, tag: str) -> str:
    """The decision, in one sentence."""
    if not found.disagreements:
        return f"{tag} and {found.against} say the same of all traffic that both answered"
    return f"Where they differ: {_decision(found, tag)}"


def _decision(found: DisagreementBody, tag: str) -> str:
    if found.decision == SequentialDecision.PROMOTE:
        return f"{tag} {_better(found)} {found.against}"
    if worse := [one.name for one in found.slices if one.failed]:
        return f"{tag} {_worse(found)} in {', '.join(worse)} by more than the margin"
    if found.decision == SequentialDecision.REFUSE:
        return f"{tag} {_worse(found)} than {found.against}"
    if found.p_better <= found.alpha:
        return f"{tag} {_better(found)} {found.against} over all, but not every protected slice is decided"
    return "not decided yet"


def _better(found: DisagreementBody) -> str:
    return "is better than" if found.dearest is None else "costs less than"


def _worse(found: DisagreementBody) -> str:
    return "is worse" if found.dearest is None else "costs more"


def cost_difference(found: DisagreementBody) -> DifferenceBody | None:
    """What the candidate costs more than what serves for each 100 items, below 0 where it saves; None without costs.

    Where costs decide, differences are in hundredths of the dearest mistake, an item.
    """
    if found.dearest is None or found.difference is None:
        return None
    own, scale = found.difference, -found.dearest
    return DifferenceBody(value=scale * own.value, low=scale * own.high, high=scale * own.low, n=own.n, level=own.level)


def difference_words(found: DisagreementBody) -> str:
    """The difference over all traffic with its confidence sequence."""
    if found.difference is None:
        return "no label yet"
    if (cost := cost_difference(found)) is not None:
        return f"{signed(cost.value)} [{signed(cost.low)}, {signed(cost.high)}] in costs for each 100 items"
    return interval(found.difference)


def figures(found: DisagreementBody | None) -> str:
    """What the decision rests on: the difference and its labels."""
    if found is None:
        return NO_LABEL
    labels = "label" if found.labels == 1 else "labels"
    return f"{difference_words(found)}, {found.labels:,} {labels} where they differ" if found.difference else NO_LABEL


def reason_to_promote(found: DisagreementBody) -> str:
    """Why the gate on disagreements promotes, as the release keeps it."""
    return (
        f"By the disagreement gate: {difference_words(found)}, from {found.labels:,} labels where it and "
        f"{found.against} differ. One that is no better passes in at most {found.alpha:.0%} of cases."
    )


def audit_words(found: DisagreementBody, passed: set[str]) -> str:
    """Which slices the audit has still to show, before labels of disagreements can open the gate."""
    open_ = [name for name in found.not_asked if name not in passed]
    return f"Audit items have still to show that {', '.join(open_)} gets no worse." if open_ else ""


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


def slice_words(one: SliceGateBody, *, costs: bool = False) -> str:
    """Whether a protected slice is shown not to be worse, by what, and from how many labels."""
    state = "shown not to be worse" if one.passed else "shown to be worse" if one.failed else "not decided"
    unit = "% of the dearest mistake" if costs else "point" if one.margin == 1 else "points"
    margin = f"{one.margin:g} {unit}"
    return f"{state} by {margin} or more" if state != "not decided" else f"{state}, margin {margin}"
