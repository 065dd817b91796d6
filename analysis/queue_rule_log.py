"""The log of the rules that fill queues: what each did last, why one cannot look, and how long that is kept."""

from datetime import datetime, timedelta

from django.db.models import OuterRef, QuerySet, Subquery

from analysis.models import QueueRule, QueueRuleAction
from projects.chunks import chunks
from projects.models import Project

KEPT = timedelta(days=30)
FORGOTTEN_AT_ONCE = 10_000  # rows: a rule may write one a minute


def rules_with_last(project: Project) -> list[tuple[QueueRule, QueueRuleAction | None]]:
    """The rules of a project as they were made, each with the newest row of its log, None where it has none."""
    rules = QueueRule.objects.filter(project=project)
    newest = dict(rules.values_list("pk", Subquery(_newest_of("pk"))))
    actions = QueueRuleAction.objects.in_bulk([pk for pk in newest.values() if pk])
    return [(rule, actions.get(newest.get(rule.pk))) for rule in rules.select_related("queue").order_by("pk")]


def note_problem(rule: QueueRule, problem: str, *, at: datetime) -> None:
    """Write into its log why a rule cannot look, once until it can."""
    last = rule.actions.order_by("-pk").first()
    if last is None or last.problem != problem[:300]:
        QueueRuleAction.objects.create(rule=rule, at=at, problem=problem[:300])


def forget_old(*, at: datetime) -> int:
    """Delete rows of more than 30 days ago; the newest of each rule stays, since the next is compared with it."""
    old = QueueRuleAction.objects.filter(at__lt=at - KEPT).exclude(pk=Subquery(_newest_of("rule")))
    ids = list(old.order_by("pk").values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return sum(QueueRuleAction.objects.filter(pk__in=part).delete()[0] for part in chunks(ids))


def _newest_of(rule: str) -> QuerySet[QueueRuleAction, int]:
    """The id of the newest row of the rule that this column of the outer query names."""
    return QueueRuleAction.objects.filter(rule=OuterRef(rule)).order_by("-pk").values_list("pk", flat=True)[:1]
