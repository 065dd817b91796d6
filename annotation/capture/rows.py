"""Validate rows of predictions against the project's contract and labels; nothing is written here."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from annotation import kinds, side_answers
from annotation.batches import (
    DATABASE_AWAY,
    BadRow,
    Refusal,
    body_hash,
    isolate_failures,
    parse_time,
    printable,
    refuse,
)
from annotation.capture.decided import UNKNOWN, Decided, check_decided
from annotation.capture.prediction_row import PredictionRow
from annotation.capture.score_numbers import uncertainty_numbers
from annotation.capture.segments import check_segment
from annotation.kinds import InvalidLabel, Labels, TaskKind
from inputs.contract import Contract, Violation, check_inputs
from inputs.images import PixelBudget
from inputs.types.base import BrokenRule, InvalidValue
from inputs.types.image import CheckedImage
from projects.json_body import Unreadable
from projects.models import Project
from validation.json_values import is_finite_number, quote
from validation.probabilities import is_off, normalise_scores
from validation.structs import to_struct

SHOWN_LABELS = 10


@dataclass(frozen=True)
class ValidInputs:
    """The inputs of one sample as they are stored, and the images among them, decoded."""

    stored: dict[str, Any]
    pictures: tuple[CheckedImage, ...] = ()


@dataclass(slots=True)
class ValidPrediction:
    """One row that can be stored. given: as it was sent, where it was, or the JSON of that."""

    index: int
    key: str
    body_hash: str
    inputs: ValidInputs
    scores: list[float] | None
    label: str
    at: datetime
    value: Any = None
    versions: Mapping[str, str] = field(default_factory=dict)
    segment: Mapping[str, Any] = field(default_factory=dict)
    known: Any = None
    known_beside: Mapping[str, Any] | None = None  # agreed side answers, as a resolution stores them
    renormalised: bool = False
    numbers: dict[str, float] = field(default_factory=dict)  # confidence, margin and entropy of the scores
    item_id: int | None = None  # of an item that was captured before, whose inputs are known to be the same
    out_of_sample: bool = True  # False where the version was trained on that item
    given: Any = None
    violations: Sequence[Violation] = ()  # of the input contract, where the project keeps them
    decided: Decided = UNKNOWN

    def __reduce__(self) -> tuple[Any, ...]:
        return ValidPrediction, _parts(self)  # by position: half of the time and size of the usual way


_parts = attrgetter(*ValidPrediction.__slots__)


def served_prediction(
    key: str,
    inputs: ValidInputs,
    *,
    label: str,
    scores: list[float] | None,
    versions: Mapping[str, str],
    at: datetime,
    decided: Decided = UNKNOWN,
) -> ValidPrediction:
    """What this server said of one sample; its scores sum to 1."""
    body = {"key": key, "inputs": inputs.stored, "label": label, "scores": scores, **versions}
    return ValidPrediction(
        index=0,
        key=key,
        body_hash=body_hash(body),
        given=body,
        inputs=inputs,
        scores=scores,
        label=label,
        at=at,
        versions=versions,
        decided=decided,
    )


class ValidatedRows(NamedTuple):
    """The rows that can be stored, the refusal of every other row, and how many were refused by input and rule."""

    valid: list[ValidPrediction]
    refused: list[Refusal]
    broken: "Counter[tuple[str, BrokenRule]]"


def validate_rows(
    project: Project, rows: Sequence[Any], *, at: datetime, budget: PixelBudget | None = None
) -> ValidatedRows:
    """The rows that can be stored, each key once, whose images keep within the budget or within that of one request.
    A row that is refused counts for the first rule that it breaks."""
    validator = _Validator.of(project, at, budget or PixelBudget())
    valid: dict[str, ValidPrediction] = {}
    refused: list[Refusal] = []
    broken: Counter[tuple[str, BrokenRule]] = Counter()
    for index, given in enumerate(rows):
        key = given.get("key") if isinstance(given, dict) else None
        try:
            row = validator.validate(index, given)
            if valid.setdefault(row.key, row).body_hash != row.body_hash:
                raise BadRow(f"Key {row.key} stands in this batch twice with different bodies; the first is kept.")
        except DATABASE_AWAY:
            raise
        except Exception as why:
            refused.append(refuse(index, key, why))
            if isinstance(why, InvalidValue):
                broken[validator.counted_name(why), why.rule] += 1
    unmeasured = isolate_failures(list(valid.values()), measure_scores)[1]
    wrong = {refusal.index for refusal in unmeasured}
    return ValidatedRows([row for row in valid.values() if row.index not in wrong], refused + unmeasured, broken)


def validate_inputs(project: Project, rows: Sequence[Any]) -> tuple[list[ValidInputs], list[Refusal]]:
    """The inputs of each sample as they are stored; a refusal for each that the contract does not take."""
    contract, budget = project.contract().inputs, PixelBudget()
    valid: list[ValidInputs] = []
    refused: list[Refusal] = []
    for index, given in enumerate(rows):
        try:
            stored, pictures = check_inputs(given, contract, budget)
            valid.append(ValidInputs(stored, tuple(pictures)))
        except DATABASE_AWAY:
            raise
        except Exception as why:
            refused.append(refuse(index, None, why))
    return valid, refused


def measure_scores(rows: Sequence[ValidPrediction]) -> None:
    """Set confidence, margin and entropy of all scored rows, in three array operations."""
    if not (scored := [row for row in rows if row.scores is not None]):
        return
    measured = uncertainty_numbers(np.array([row.scores for row in scored]))
    for row, *numbers in zip(scored, *measured.values(), strict=True):
        row.numbers = dict(zip(measured, numbers, strict=True))


@dataclass(frozen=True)
class _Validator:
    """What every row of a batch is held against."""

    contract: Contract
    keeps_violations: bool
    kind: TaskKind
    schema: Labels
    labels: tuple[str, ...]
    known: frozenset[str]  # the same labels
    successors: dict[str, str]
    segments: tuple[str, ...]
    at: datetime
    budget: PixelBudget
    project: Project

    @classmethod
    def of(cls, project: Project, at: datetime, budget: PixelBudget) -> "_Validator":
        kind, schema = kinds.of_project(project), project.schema().labels
        contract, labels = project.contract(), kind.classes(schema)
        return cls(
            contract=contract.inputs,
            keeps_violations=project.keeps_violations,
            kind=kind,
            schema=schema,
            labels=labels,
            known=frozenset(labels),
            successors=kinds.successors(schema),
            segments=tuple(contract.segments),
            at=at,
            budget=budget,
            project=project,
        )

    def counted_name(self, why: InvalidValue) -> str:
        """The input that a refusal counts for; "" where the contract does not have it."""
        known = why.field is not None and why.field in self.contract and why.rule is not BrokenRule.UNKNOWN
        return why.field or "" if known else ""

    def validate(self, index: int, given: Any) -> ValidPrediction:
        """The row, or whatever is raised for it."""
        if isinstance(given, Unreadable):
            raise BadRow(given.error)
        self._refuse_label(given)
        row = to_struct(given, PredictionRow)
        key = printable("key", row.key)
        violations: list[Violation] | None = [] if self.keeps_violations else None
        stored, pictures = check_inputs(row.inputs, self.contract, self.budget, violations)
        scores, total = self._scores(row.scores)
        known = self.kind.replace_labels(self._value("label_known", row.label_known, stored), self.successors)
        return ValidPrediction(
            index=index,
            key=key,
            body_hash=body_hash(given),
            given=given,
            inputs=ValidInputs(stored, tuple(pictures)),
            scores=scores,
            label=self._label(row, scores),
            at=parse_time(row.at, self.at),
            versions={name: printable(name, getattr(row, name)) for name in VERSIONS},
            segment=check_segment(row.segment, self.segments),
            value=self._value("value", row.value, stored) if not self.labels else None,
            known=known,
            known_beside=self._beside(row, known, stored) if row.also_known else None,
            renormalised=is_off(total),
            violations=violations or (),
            decided=check_decided(row),
        )

    def _beside(self, row: PredictionRow, known: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if known is None:
            raise BadRow("`also_known` stands beside `label_known`, which is missing.", field="also_known")
        said = side_answers.accept_some(self.project, known, row.also_known)
        if why := side_answers.misfit(self.project, said, inputs):
            raise BadRow(why, field="also_known")
        return side_answers.known(said)

    def _label(self, row: PredictionRow, scores: list[float] | None) -> str:
        if not self.labels:
            return ""
        if row.value is not None and row.label is not None and row.value != row.label:
            raise BadRow("`value` and `label` differ; send one of them.", field="value")
        given = row.label if row.value is None else row.value
        if given is None and scores is not None:
            return self.labels[scores.index(max(scores))]
        return str(self._value("label" if row.value is None else "value", given, row.inputs) or "")

    def _refuse_label(self, given: Any) -> None:
        """Raise BadRow for a label, of whatever type, where answers are not one label."""
        if not self.labels and isinstance(given, dict) and given.get("label") is not None:
            raise BadRow(f"A prediction of a task of kind {self.kind.name} has a `value`, no `label`.", field="label")

    def _value(self, name: str, value: Any, inputs: Mapping[str, Any]) -> Any:
        """The value as the kind stores it; None where there is none."""
        if value is None:
            return None
        if self.labels and not (isinstance(value, str) and value in self.known):
            raise BadRow(f"`{name}` is {quote(value)}; the labels are {self._listed()}.", field=name)
        try:
            return self.kind.validate_for(value, self.schema, inputs)
        except InvalidLabel as why:
            raise BadRow(f"`{name}`: {why}", field=name) from None

    def _scores(self, given: dict[str, Any] | None) -> tuple[list[float] | None, float]:
        """One probability per label, in the schema's order, and the sum that they had."""
        if given is None:
            return None, 1.0
        if not self.labels:
            raise BadRow(f"A task of kind {self.kind.name} has no classes, so it takes no `scores`.", field="scores")
        if not given.keys() <= self.known:
            unknown = [label for label in given if label not in self.known]
            raise BadRow(f"`scores` has {quote(unknown[0])}; the labels are {self._listed()}.", field="scores")
        scores = [given.get(label, 0.0) for label in self.labels]
        if NUMBER_TYPES.issuperset(map(type, scores)) and min(scores) >= 0 and max(scores) <= 1:
            return normalise_scores(scores)
        for label, score in zip(self.labels, scores, strict=True):
            if not is_finite_number(score):
                why = f"The score of {label!r} is {quote(score)}; a finite number from 0 to 1 is expected."
                raise BadRow(why, field="scores")
            if not 0 <= score <= 1:
                raise BadRow(f"The score of {label!r} is {score}; a number from 0 to 1 is expected.", field="scores")
        return normalise_scores(scores)

    def _listed(self) -> str:
        more = len(self.labels) - SHOWN_LABELS
        return ", ".join(self.labels[:SHOWN_LABELS]) + (f" and {more} more" if more > 0 else "")


NUMBER_TYPES = frozenset({int, float})
VERSIONS = ("model_version", "threshold_version", "policy_version")
