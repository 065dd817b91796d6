"""Stored bodies, typed and versioned: a run's report, the evaluation of a version and the gate's verdict on it.

They hold numbers and names; `retraining.verdict_words` writes the sentences. A body of an older version is converted
when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from analysis.metrics.core.stored import StoredEstimate
from retraining.learning.gate.decision import GateCondition
from validation import InvalidInput

VERSION = 2
SMALL_N = 20  # items; with fewer, a difference is not drawn
NAIVE = "the naive baseline"  # how version 1 wrote what is "" now
Basis = Literal["evaluation", "out_of_fold"]
Decision = Literal["promote", "hold"]


class UnknownBody(InvalidInput):
    """A stored body that this version of Plumbline cannot load; the message says what helps."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is stored as JSON."""


class DifferenceBody(Body, frozen=True, kw_only=True):
    """Candidate minus other in points, above 0 the candidate is better, with its interval at `level`."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95
    n_effective: float | None = None


class ComparedRow(Body, frozen=True, kw_only=True):
    """One difference of a comparison: over all items, or over those of one true label or one segment (name=value)."""

    difference: DifferenceBody
    measure: Literal["accuracy", "truth_probability"] = "accuracy"
    label: str | None = None
    segment: str | None = None

    @property
    def small(self) -> bool:
        return self.difference.n < SMALL_N


class LabelRecall(Body, frozen=True, kw_only=True):
    """Of the items that truly are this label, the share that the candidate finds."""

    label: str
    recall: StoredEstimate | None


class OutcomeCounts(Body, frozen=True, kw_only=True):
    """How many items both sides got right, the candidate alone, the other alone, neither."""

    both_right: int = 0
    fixed: int = 0
    broken: int = 0
    both_wrong: int = 0


class LatencyBody(Body, frozen=True, kw_only=True):
    """Milliseconds to predict one row, of n single rows."""

    median_ms: float
    slowest_ms: float
    n: int


class EvaluationBody(Body, frozen=True, kw_only=True):
    """How good a candidate is beside what served. `against` is the tag of what it was compared with, "" the baseline.

    `copies`: items beyond the first of each group of equal or near-equal inputs. `captured_only`: what served was not
    trained here.
    """

    version: Literal[2] = 2
    basis: Basis
    n: int
    copies: int
    against: str
    against_champion: bool
    captured_only: bool
    accuracy: StoredEstimate | None
    accuracy_against: StoredEstimate | None
    accuracy_naive: StoredEstimate | None
    naive_label: str
    log_loss: StoredEstimate | None
    counts: OutcomeCounts
    labels: list[LabelRecall]
    rows: list[ComparedRow]
    latency: LatencyBody | None


class GateBody(Body, frozen=True, kw_only=True):
    """One condition of a promotion. `sentence` is how version 1 wrote its figures; there are no others then."""

    condition: GateCondition
    passed: bool
    alpha: float
    difference: DifferenceBody | None = None
    p: float | None = None
    slice_name: str = ""
    margin: float | None = None
    sentence: str = ""


class RuleBody(Body, frozen=True, kw_only=True):
    """alpha: chance of promoting an equal model, at most. power: of the advice on labels. margin: a share."""

    alpha: float
    power: float
    margin: float


class VerdictBody(Body, frozen=True, kw_only=True):
    """The gate's decision. `champion` is the tag of what served then, `against` what it was compared with.

    Both are "" for nothing and the naive baseline. `problem` says why the champion could not be compared. `sentence` is
    the verdict as version 1 wrote it.
    """

    version: Literal[2] = 2
    decision: Decision
    champion: str
    against: str
    basis: Basis
    rule: RuleBody
    difference: DifferenceBody | None
    p: float | None
    gates: list[GateBody]
    needed: int | None
    problem: str = ""
    sentence: str = ""


class CandidateBody(Body, frozen=True, kw_only=True):
    """One model that was tried; `log_loss` is held out, in nats, None where it was not finished."""

    family: str
    config: dict[str, Any]
    calibrator: str | None
    log_loss: float | None
    seconds: float
    note: str = ""


class OutOfFoldBody(Body, frozen=True, kw_only=True):
    """How good the chosen model is on folds that it had not seen."""

    accuracy: StoredEstimate | None
    log_loss: float | None


class RunReportBody(Body, frozen=True, kw_only=True):
    """What a run tried and why it took one; of a run that changed nothing only why."""

    version: Literal[2] = 2
    why: str = ""
    family: str = ""
    calibrator: str = ""
    candidates: list[CandidateBody] = []
    out_of_fold: OutOfFoldBody | None = None
    fit_seconds: float = 0.0
    libraries: dict[str, str] = {}


AnyBody = TypeVar("AnyBody", EvaluationBody, VerdictBody, RunReportBody)


def dump(body: EvaluationBody | VerdictBody | RunReportBody) -> dict[str, Any]:
    """The body as JSON holds it."""
    stored: dict[str, Any] = msgspec.to_builtins(body)
    return stored


def load_evaluation(stored: Mapping[str, Any]) -> EvaluationBody:
    """Raises UnknownBody."""
    return _load(stored, EvaluationBody, _evaluation_of_version_1)


def load_verdict(stored: Mapping[str, Any]) -> VerdictBody:
    """Raises UnknownBody."""
    return _load(stored, VerdictBody, _verdict_of_version_1)


def load_run_report(stored: Mapping[str, Any]) -> RunReportBody:
    """Raises UnknownBody. Version 1 had the same fields."""
    return _load(stored, RunReportBody, dict)


def _load(stored: Mapping[str, Any], kind: type[AnyBody], convert: Any) -> AnyBody:
    try:
        return msgspec.convert(stored if "version" in stored else convert(stored), kind)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError, ValueError):
        raise UnknownBody(
            "Its comparison was stored in a form that this version of Plumbline cannot load; judge it again."
        ) from None


def _evaluation_of_version_1(stored: Mapping[str, Any]) -> dict[str, Any]:
    other, naive = stored["other"], stored["naive"]
    return {
        **stored,
        "version": VERSION,
        "copies": stored.get("copies", 0),
        "against": _tag(other["name"]),
        "against_champion": stored.get("against_champion", False),
        "captured_only": stored.get("captured_only", False),
        "accuracy_against": other["accuracy"],
        "accuracy_naive": naive["accuracy"],
        "naive_label": naive["label"],
        "log_loss": stored.get("log_loss"),
        "labels": stored.get("labels", []),
        "rows": [_row_of_version_1(row) for row in stored.get("differences", [])],
        "latency": _latency_of_version_1(stored.get("latency")),
    }


def _row_of_version_1(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "difference": {name: row[name] for name in ("value", "low", "high", "n")},
        "measure": "truth_probability" if row["name"] == "Probability of the truth" else "accuracy",
        "label": row.get("label"),
        "segment": row.get("segment"),
    }


def _latency_of_version_1(latency: Any) -> Any:
    return latency if latency and latency.get("n") else None


def _verdict_of_version_1(stored: Mapping[str, Any]) -> dict[str, Any]:
    rule = {"alpha": 0.05, "power": 0.8, "margin": 0.01, **stored.get("rule", {})}
    return {
        "version": VERSION,
        "decision": stored["decision"],
        "champion": stored.get("champion", _tag(stored["against"])),
        "against": _tag(stored["against"]),
        "basis": stored.get("basis", "evaluation"),
        "rule": rule,
        "difference": stored.get("difference"),
        "p": stored.get("p"),
        "gates": [_gate_of_version_1(gate, rule["alpha"]) for gate in stored.get("gates", [])],
        "needed": stored.get("needed"),
        "sentence": stored.get("words", "") if stored["decision"] == "hold" else "",  # it said Promoted of a candidate
    }


def _gate_of_version_1(gate: Mapping[str, Any], alpha: float) -> dict[str, Any]:
    """Its figures stand in sentences, which are kept as they are."""
    names = {"better overall": GateCondition.BETTER, "better than the naive baseline": GateCondition.BEATS_NAIVE}
    condition = names.get(gate["name"], GateCondition.NOT_WORSE)
    return {
        "condition": condition,
        "passed": gate["passed"],
        "alpha": alpha,
        "slice_name": gate["name"].removesuffix(" no worse") if condition == GateCondition.NOT_WORSE else "",
        "sentence": f"{gate['value']}, {gate['limit']}",
    }


def _tag(name: str) -> str:
    return "" if name == NAIVE else name
