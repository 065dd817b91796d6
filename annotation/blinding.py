"""Blind evaluation: who may still give an evaluation label of an item sees nothing of what was said of it.

Every page and call that shows what a model or a person said of an item, or why it is asked, asks here. The rule and its
reasons are decision 13.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, When

from annotation.models import (
    DRAWN,
    EVALUATION_CAUSES,
    Cause,
    Item,
    Label,
    LabelState,
    Lease,
    NoLabelDecision,
    Queue,
    Resolution,
    RoutedItem,
    RoutedState,
)
from projects.models import ApiKey, Can, Project, Role, Scope, User
from projects.project_settings import BadSpec

FLAG = BooleanField()
UNSETTLED = (RoutedState.OPEN, RoutedState.REVIEW)
AT_RANDOM = "random"  # the strategy of an ordinary item that was drawn for no reason of its own


@dataclass(frozen=True)
class ShownReason:
    """Why an item is asked, as the person who labels it may know."""

    cause: str
    title: str
    words: str


def viewer_of_key(key: ApiKey, role: Role) -> User | None:
    """The person as whom a key sees items, None where it sees everything; `role` is the person's.

    It is as blind as its person where it can annotate, where the role can label alone, and where the person has taken
    an item of the project to label: a second key is no way around. What is left are programs that only read.
    """
    labels = Scope.ANNOTATE in key.scopes or not role.can(Can.SEE)
    if labels or Lease.objects.filter(project=key.project_id, user=key.user_id).exists():
        return key.user
    return None


def is_blind(project: Project, viewer: User | None) -> Case:
    """The condition on an item of a query, true or false, that this person may not see what was said of it."""
    return Case(When(blind_condition(project, viewer), then=True), default=False, output_field=FLAG)


def blind_condition(project: Project, viewer: User | None, *, item: str = "pk") -> Q:
    """The same on rows that have the id of an item in the field `item`, looked at row by row.

    It says what `blind_items` says, for queries that look at few items of many.
    """
    if viewer is None:
        return Q(pk__in=[])
    drawn = DRAWN if item == "pk" else Q(**{f"{item}__audit_number__lt": F(f"{item}__audit_probability")})
    asked, resolved, no_label, answered = _facts(project, viewer, OuterRef(item))
    wanted = Q(Exists(asked)) | (drawn & ~Q(Exists(resolved)) & ~Q(Exists(no_label)))
    return wanted & ~Q(Exists(answered))


def _facts(project: Project, viewer: User, item: Any) -> tuple[Any, Any, Any, Any]:
    """What decides about an item: unsettled evaluation, agreed value, that no label fits, and this person's answer."""
    evaluation = Q(evaluation=True) | Q(cause__in=EVALUATION_CAUSES)
    return (
        RoutedItem.objects.filter(evaluation, item=item, project=project, state__in=UNSETTLED),
        Resolution.objects.current().filter(item=item),
        NoLabelDecision.objects.filter(item=item, withdrawn_at=None),
        Label.objects.filter(item=item, user=viewer).exclude(state=LabelState.UNDONE),
    )


def blind_items(project: Project, viewer: User | None, *, among: Collection[int] | None = None) -> QuerySet[Item]:
    """The items, all or those of these ids, of which this person may not see what was said; none for nobody (None).

    Evaluation items that are asked and not settled, and those that the audit drew and nobody has settled or asked yet:
    of either, those that this person has not answered or skipped. Each kind is found by an index of its own.
    """
    if viewer is None:
        return Item.objects.none()
    _, resolved, no_label, answered = _facts(project, viewer, OuterRef("pk"))
    evaluation = Q(evaluation=True) | Q(cause__in=EVALUATION_CAUSES)
    asked = RoutedItem.objects.filter(evaluation, project=project, state__in=UNSETTLED)
    drawn = Item.objects.drawn().filter(~Exists(resolved), ~Exists(no_label), project=project)
    if among is not None:
        asked, drawn = asked.filter(item__in=among), drawn.filter(pk__in=among)
    wanted = asked.order_by().values("item").union(drawn.order_by().values("pk"))
    return Item.objects.filter(~Exists(answered), pk__in=wanted)


def blind_ids(project: Project, viewer: User | None, *, fewer_than: int) -> set[int] | None:
    """Their ids; None where they are as many as `fewer_than` or more."""
    ids = set(blind_items(project, viewer).values_list("pk", flat=True)[:fewer_than])
    return ids if len(ids) < fewer_than else None


def may_see(item: Item, viewer: User | None) -> bool:
    """Whether this person may see what models and others said of the item."""
    return not blind_items(item.project, viewer, among=[item.pk]).exists()


def blind_among(project: Project, viewer: User | None, item_ids: Collection[int]) -> set[int]:
    """Those of these items of which this person may not see what was said."""
    return set(blind_items(project, viewer, among=item_ids).values_list("pk", flat=True))


def may_choose(queue: Queue, role: Role) -> bool:
    """Whether a person of this role may ask for the items of this queue alone, and is shown it.

    Who can only label meets the items of an evaluation among all others, where nothing tells them apart.
    """
    return role.can(Can.SEE) or queue.cause not in EVALUATION_CAUSES


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

    An evaluation item has that of an ordinary item that was drawn at random.
    """
    if not shows_reasons(project):
        return None
    if is_evaluation(routed) or routed.strategy == AT_RANDOM:
        return ShownReason(Cause.TYPICAL, Cause.TYPICAL.label, "drawn at random")
    return ShownReason(routed.cause, routed.get_cause_display(), routed.reason)
