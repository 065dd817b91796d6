"""Outcomes by week of their predictions, with how complete they are."""

import hashlib

from analysis.evaluation_design import by_day
from analysis.outcome_cohorts import OutcomesBody, first_outcomes, first_week, outcomes_body
from analysis.reports.registry import Computation, ReportKind, ReportRows
from annotation.models import Item


class OutcomesReport(ReportKind[OutcomesBody]):
    name = "outcomes"
    body = OutcomesBody

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[OutcomesBody]:
        """Ages grow, so that each day's report is another one."""
        project, at = rows.project, rows.at
        outcomes = first_outcomes(project, at=at)
        predictions = by_day(Item.objects.filter(project=project, at__range=(first_week(at), at)))
        seen = f"{at.date()} {project.outcome_matures_after_days} {predictions} {outcomes}"
        inputs = hashlib.sha256(seen.encode()).hexdigest()
        return Computation(inputs, lambda: outcomes_body(project, outcomes, at=at))


KIND = OutcomesReport()
