"""Blind evaluation: who may still label an evaluation item sees no prediction, no signal and no other label of it.

Every page and call that shows what a model or a person said of an item asks here.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import EVALUATION_CAUSES, Cause, Item, Label, LabelState, RoutedItem, RoutedState
from projects.models import Project, User
from projects.project_settings import BadSpec

UNSETTLED = (RoutedState.OPEN, RoutedState.REVIEW)


@dataclass(frozen=True)
class ShownReason:
    """Why an item is asked, as the person who labels it may know."""

    cause: str
    title: str
    words: str


def blind_routings(project: Project, viewer: User | None) -> QuerySet[RoutedItem]:
    """What asks for evaluation labels and is not settled, of items that this person has not answered or skipped.

    Empty for nobody (None): a caller that cannot label, such as a key without the scope annotate.
    """
    if viewer is None:
        return RoutedItem.objects.none()
    answered = Label.objects.filter(item=OuterRef("item"), user=viewer).exclude(state=LabelState.UNDONE)
    evaluation = Q(evaluation=True) | Q(cause__in=EVALUATION_CAUSES)
    asked = RoutedItem.objects.filter(evaluation, project=project, state__in=UNSETTLED)
    return asked.exclude(Exists(answered))


def is_blind(project: Project, viewer: User | None) -> Exists:
    """The condition on an item of a query that this person may not see what was said of it."""
    return Exists(blind_routings(project, viewer).filter(item=OuterRef("pk")))


def may_see(item: Item, viewer: User | None) -> bool:
    """Whether this person may see what models and others said of the item."""
    return not blind_routings(item.project, viewer).filter(item=item.pk).exists()


def blind_among(project: Project, viewer: User | None, item_ids: Collection[int]) -> set[int]:
    """Those of these items of which this person may not see what was said."""
    return set(blind_routings(project, viewer).filter(item__in=item_ids).values_list("item", flat=True))


def shows_reasons(project: Project) -> bool:
    """Whether annotators see why each item is asked. Settings that cannot be read show nothing."""
    try:
        return project.routing_settings().show_reasons
    except BadSpec:
        return False


def is_evaluation(routed: RoutedItem) -> bool:
    """Whether the label that this asks for is measured with."""
    return routed.evaluation or routed.cause in EVALUATION_CAUSES


def asks_for_evaluation(routed: RoutedItem) -> bool:
    """Whether this asks for a label to measure with and is not settled."""
    return is_evaluation(routed) and routed.state in UNSETTLED


def shown_reason(project: Project, routed: RoutedItem) -> ShownReason | None:
    """The reason that the desk shows: none, or where the project shows reasons, one for every item.

    That of an evaluation item says nothing of what a model said of it.
    """
    if not shows_reasons(project):
        return None
    if is_evaluation(routed):
        return ShownReason(Cause.AUDIT, Cause.AUDIT.label, "drawn at random")
    return ShownReason(routed.cause, routed.get_cause_display(), routed.reason)
