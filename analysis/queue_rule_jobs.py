"""Jobs of the rules that fill queues: the look at what came since, and the backfill that a person asks for."""

from datetime import datetime, timedelta

from django.db import transaction

from analysis import queue_rule_log, queue_rules
from analysis.item_filters import BadFilter
from analysis.models import QueueRule
from jobs import queue as jobs
from jobs.execution import Attempt
from jobs.models import Job
from projects.models import User

KIND = "analysis.queue_rule"
LONGEST_BACKFILL = 3650  # days


def request_look(rule: QueueRule, *, at: datetime) -> None:
    """Let a job look once at what came since."""
    jobs.enqueue(KIND, key=f"rule:{rule.pk}", project=rule.project, payload={"rule": rule.pk}, at=at)


@transaction.atomic
def request_backfill(rule: QueueRule, days: int, *, by: User, at: datetime) -> Job:
    """Let a job put what the rule finds of the last `days` into its queue.

    While one is open it is returned, and the days of its payload are those for which it was asked first.
    """
    if not 1 <= days <= LONGEST_BACKFILL:
        raise queue_rules.BadRule(f"A backfill goes back 1 to {LONGEST_BACKFILL} days.")
    payload = {"rule": rule.pk, "days": days}
    job, _ = jobs.enqueue(KIND, key=f"rule:{rule.pk}:back", project=rule.project, payload=payload, by=by, at=at)
    return job


def run_rule(attempt: Attempt, *, at: datetime) -> None:
    """One look of the rule that the job names; what an attempt before put is not put again."""
    rule, days = QueueRule.objects.filter(pk=attempt.payload["rule"]).first(), attempt.payload.get("days")
    if rule is None:  # its queue was deleted
        return
    try:
        done = queue_rules.apply_rule(rule, since=at - timedelta(days=days) if days else None, at=at)
    except (BadFilter, queue_rules.BadRule) as why:
        queue_rule_log.note_problem(rule, str(why), at=at)
        done = None
    with attempt.commit(matched=done.matched if done else 0, put=done.put if done else 0):
        pass
