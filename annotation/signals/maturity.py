"""When outcomes are mature: the one rule that routing, reliability, metrics and the page of outcomes share.

An outcome counts once the prediction is as old as the project's `outcome_matures_after_days`. Until then it is
provisional, for another one may still come; and silence means nothing.
"""

from datetime import datetime, timedelta

from django.db.models import Q

from annotation.signals import kinds
from projects.models import Project


def matured_until(project: Project, *, at: datetime) -> datetime:
    """Predictions of that time or before are mature at `at`."""
    return at - timedelta(days=project.outcome_matures_after_days)


def counts(project: Project, *, at: datetime, item: str = "item") -> Q:
    """The condition on signals that are no outcomes, or mature ones; `item` is the lookup of their item."""
    mature = Q(**{f"{item}__at__lte": matured_until(project, at=at)})
    return ~Q(kind__in=kinds.outcomes()) | mature
