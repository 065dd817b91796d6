"""Label quality: which labels are likely wrong, and how far the list of suspects can be trusted."""

import hashlib
import json

from analysis import findings
from analysis.findings import LabelQualityBody
from analysis.labelled_samples import labelled_sample
from analysis.reports.registry import Computation, ReportKind, ReportRows


class LabelQualityReport(ReportKind[LabelQualityBody]):
    name = "label_quality"
    body = LabelQualityBody

    def prepare(self, rows: ReportRows, version: str, days: int) -> Computation[LabelQualityBody]:
        """Of the labels that people gave and what they decided about suspects; computing it updates the findings."""
        sample, decided = labelled_sample(rows.project), findings.decisions(rows.project)
        inputs = f"{sample.hash} {json.dumps(sorted(decided.items()))}"
        return Computation(
            hashlib.sha256(inputs.encode()).hexdigest(),
            lambda: findings.find_suspects(rows.project, sample, decided, at=rows.at),
        )


KIND = LabelQualityReport()
