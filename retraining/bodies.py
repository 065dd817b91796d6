"""Stored bodies, typed and versioned: a run's report, the evaluation of a version and the gate's verdict on it.

They hold numbers and names; `retraining.verdict_words` writes the sentences. A body of an older version is converted
when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from analysis.metrics.core.stored import StoredEstimate
from retraining.bodies_of_version_1 import evaluation_of_version_1, verdict_of_version_1
from retraining.learning.gate.decision import GateCondition
from retraining.learning.gate.disagreement import SequentialDecision
from validation import InvalidInput

SMALL_N = 20  # items; with fewer, a difference is not drawn
Basis = Literal["evaluation", "out_of_fold"]
Decision = Literal["promote", "hold"]


class UnknownBody(InvalidInput):
    """A stored body that this version of Plumbline cannot load; the message says what helps."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is stored as JSON."""


class DifferenceBody(Body, frozen=True, kw_only=True):
    """What is stored of a `Difference`: candidate minus other in points with its interval at `level`.

    A class of its own, as each stored body: the numbers may change with their method, what was stored stays loadable.
    """

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


class SliceGateBody(Body, frozen=True, kw_only=True):
    """One protected slice in the gate on disagreements; p values are anytime-valid, adjusted after Holm."""

    name: str
    margin: float
    rows: int
    disagreements: int
    labels: int
    difference: DifferenceBody | None
    p_not_worse: float
    p_worse: float
    passed: bool
    failed: bool


class DisagreementBody(Body, frozen=True, kw_only=True):
    """What labels of disagreements decide: retraining.learning.gate.disagreement.DisagreementVerdict, as stored.

    `not_asked`: protected slices by true label, of which disagreements cannot tell. `dearest`: what the dearest mistake
    costs, where costs decide: differences are then in hundredths of it; None where the share of right answers does.
    """

    decision: SequentialDecision
    against: str
    rows: int
    disagreements: int
    labels: int
    fixed: int
    broken: int
    difference: DifferenceBody | None
    p_better: float
    p_worse: float
    slices: list[SliceGateBody]
    needed: int | None
    left: int
    alpha: float
    not_asked: list[str] = []
    dearest: float | None = None


class VerdictBody(Body, frozen=True, kw_only=True):
    """The gate's decision. `champion` is the tag of what served then, `against` what it was compared with.

    Both are "" for nothing and the naive baseline. `problem` says why the champion could not be compared. `sentence` is
    the verdict as version 1 wrote it. `disagreement`: what labels of disagreements decided by then, beside it.
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
    disagreement: DisagreementBody | None = None


class CandidateBody(Body, frozen=True, kw_only=True):
    """One model that was tried; `log_loss` is held out, in nats, None where it was not finished; `work` in units, None
    where a run was given seconds."""

    family: str
    config: dict[str, Any]
    calibrator: str | None
    log_loss: float | None
    work: float | None = None
    note: str = ""


class OutOfFoldBody(Body, frozen=True, kw_only=True):
    """How good the chosen model is on folds that it had not seen."""

    accuracy: StoredEstimate | None
    log_loss: float | None


class RunReportBody(Body, frozen=True, kw_only=True):
    """What a run tried and why it took one; of a run that changed nothing only why.

    encoder: digest of the text encoder whose vectors were tried; "" without one.
    """

    version: Literal[2] = 2
    why: str = ""
    family: str = ""
    calibrator: str = ""
    candidates: list[CandidateBody] = []
    out_of_fold: OutOfFoldBody | None = None
    fit_seconds: float = 0.0
    libraries: dict[str, str] = {}
    encoder: str = ""


AnyBody = TypeVar("AnyBody", bound=Body)


def dump(body: Body) -> dict[str, Any]:
    """The body as JSON holds it."""
    stored: dict[str, Any] = msgspec.to_builtins(body)
    return stored


def load_evaluation(stored: Mapping[str, Any]) -> EvaluationBody:
    """Raises UnknownBody."""
    return load_body(stored, EvaluationBody, evaluation_of_version_1)


def load_verdict(stored: Mapping[str, Any]) -> VerdictBody:
    """Raises UnknownBody."""
    return load_body(stored, VerdictBody, verdict_of_version_1)


def load_run_report(stored: Mapping[str, Any]) -> RunReportBody:
    """Raises UnknownBody. Version 1 had the same fields."""
    return load_body(stored, RunReportBody, dict)


def load_disagreement(stored: Mapping[str, Any]) -> DisagreementBody:
    """Raises UnknownBody."""
    return load_body(stored, DisagreementBody, dict)


def load_body(stored: Mapping[str, Any], kind: type[AnyBody], convert: Any) -> AnyBody:
    """A stored body of this kind; `convert` makes one of what has no version. Raises UnknownBody."""
    try:
        return msgspec.convert(stored if "version" in stored else convert(stored), kind)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError, ValueError):
        raise UnknownBody(
            "Its comparison was stored in a form that this version of Plumbline cannot load; judge it again."
        ) from None
