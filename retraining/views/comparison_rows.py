"""A comparison's figures as its pages show them: rows of differences, conditions of the gate, accuracy of each side."""

from dataclasses import dataclass
from urllib.parse import urlencode

from analysis.metrics.core.stored import StoredEstimate
from retraining import verdict_words
from retraining.bodies import ComparedRow, VerdictBody
from retraining.comparison_charts import DifferenceRow
from retraining.disagreement_words import NO_LABEL
from retraining.judging import VerdictState
from retraining.models import ModelVersion
from retraining.views.disagreement_panel import DisagreementPanel

MEASURES = {"accuracy": "Accuracy", "truth_probability": "Probability of the truth"}


@dataclass(frozen=True)
class AccuracyRow:
    """One side of the comparison: its weighted accuracy, and the label that it always gives, if it is one."""

    name: str
    accuracy: StoredEstimate | None
    always: str = ""


@dataclass(frozen=True)
class GateRow:
    """One condition of the gate in words."""

    name: str
    words: str
    passed: bool


def headline(version: ModelVersion, state: VerdictState, differ: DisagreementPanel) -> str:
    """The decision in words; none where something else serves, and none to take where the version itself does."""
    verdict = version.verdict
    if state == VerdictState.SERVES:
        return f"{version.tag} serves"
    if verdict is None:
        return "No verdict"
    if state == VerdictState.VOID:
        return f"Void: judged against {verdict_words.side_name(verdict.champion)}, which no longer serves"
    if differ.opens:
        found = f"{differ.headline[0].lower()}{differ.headline[1:]}" if differ.found else NO_LABEL
        return f"{'Promote' if state == VerdictState.PROMOTE else 'Hold'}: {found}"
    return verdict_words.headline(verdict)


def sides(version: ModelVersion) -> list[AccuracyRow]:
    """Each side's weighted accuracy, the candidate's first; the baseline once, whichever role it plays."""
    found = version.evaluation
    if found is None or found.accuracy is None:
        return []
    rows = [AccuracyRow(version.tag, found.accuracy)]
    if found.against_champion:
        rows.append(AccuracyRow(found.against, found.accuracy_against))
    return [*rows, AccuracyRow("Naive baseline", found.accuracy_naive, found.naive_label)]


def gate_rows(verdict: VerdictBody | None) -> list[GateRow]:
    found = verdict.gates if verdict else []
    return [GateRow(verdict_words.gate_name(gate), verdict_words.gate_words(gate), gate.passed) for gate in found]


def difference_rows(version: ModelVersion) -> list[DifferenceRow]:
    """The rows of the comparison as charts, tables and files show them."""
    return [_difference_row(row) for row in version.evaluation.rows] if version.evaluation else []


def _difference_row(row: ComparedRow) -> DifferenceRow:
    found, query = row.difference, ""
    name, group = MEASURES[row.measure], "overall"
    if row.segment is not None:
        name, group, query = row.segment.replace("=", " ", 1), "segment", urlencode({"segment": row.segment})
    elif row.label is not None:
        name, group, query = row.label, "label", urlencode({"label": row.label})
    return DifferenceRow(name, group, found.n, found.value, found.low, found.high, row.small, query)
