"""Answer with the live version, fall back where it cannot be loaded, say so, and capture what was served."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation import capture
from annotation.capture import ValidInputs
from annotation.models import Item, Prediction, Source
from projects.chunks import chunks
from projects.ids import new_id
from projects.models import Project
from retraining import artifacts, registry, release, rollout, rule_release
from retraining.learning import decision_rules
from retraining.learning.decision_rules import PolicyBody
from retraining.model_cache import ModelCache
from retraining.models import ModelVersion
from retraining.rollout_arms import CANARY, CHAMPION, in_canary
from validation import InvalidInput

log = logging.getLogger(__name__)
SAFE_DEFAULT = "safe_default"
APPROVE, REVIEW = "approve", "review"


class BadRequest(InvalidInput):
    """The request cannot be answered as a whole; `errors` names each bad input by its index."""

    def __init__(self, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class KeyTaken(InvalidInput):
    """A key of the request stands for other inputs already."""


class NothingToServe(RuntimeError):
    """No version can be loaded and the project names no safe default."""


@dataclass(frozen=True)
class RowPrediction:
    """What was said of one row. Without a model there are no scores, and a person decides."""

    key: str
    label: str
    scores: dict[str, float]
    decision: str


@dataclass(frozen=True)
class PredictionResult:
    """What was said, by which version, and whether it was the one that should have said it."""

    model_version: str
    degraded: bool
    answers: tuple[RowPrediction, ...]
    stage: str = CHAMPION
    latency_ms: float | None = field(default=None, compare=False)  # of scoring all of them, where it was done now


@dataclass(frozen=True)
class _Scored:
    tag: str
    degraded: bool
    probabilities: NDArray[np.float64] | None  # (n, k) in the order of the project's labels
    project: Project  # as it was when the champion was looked up: with the threshold and policy in force
    problem: str = ""  # why the champion did not answer
    stage: str = CHAMPION
    entity: str = ""  # what decided between champion and canary; "" where none runs


loaded_versions = ModelCache(registry.load)  # of this process; what they are is in the database


def predict(
    project: Project, *, inputs: Sequence[Any], keys: Sequence[str] | None, at: datetime, entity: str = ""
) -> PredictionResult:
    """Answer each of the inputs and capture it. The same keys with the same inputs get the stored answer again.

    While a canary runs, all of them are answered by one version: that of the entity, or else of the first key.

    Raises BadRequest, KeyTaken or NothingToServe.
    """
    valid = _validate(project, inputs)
    names = _keys(inputs, keys)
    known = _captured_before(project, names, valid) if keys is not None else {}
    if len(known) == len(names) and (replayed := _replay(project, names, known)):
        return replayed
    begun = time.perf_counter()
    scored = _score(project, valid, entity or names[0])
    answered = replace(_result(project, names, scored), latency_ms=round(1000 * (time.perf_counter() - begun), 3))
    _capture(project, answered, valid, known, scored=scored, at=at)
    return answered


def _validate(project: Project, inputs: Sequence[Any]) -> list[ValidInputs]:
    valid, refused = capture.validate_inputs(project, inputs)
    if refused:
        errors = [{"index": refusal.index, "error": refusal.error} for refusal in refused]
        raise BadRequest(f"Input {refused[0].index}: {refused[0].error}", errors)
    return valid


def _keys(inputs: Sequence[Any], keys: Sequence[str] | None) -> list[str]:
    if keys is None:
        return [new_id("pred") for _ in inputs]
    if len(keys) != len(inputs):
        raise BadRequest(f"There are {len(inputs):,} inputs and {len(keys):,} keys; each input takes one key.")
    for index, key in enumerate(keys):
        if not 1 <= len(key) <= 200 or not key.isprintable():
            raise BadRequest(f"Key {index} takes a text of 1 to 200 printable characters.")
    if len(set(keys)) < len(keys):
        raise BadRequest("Each key of a request stands for one input.")
    return list(keys)


def _captured_before(project: Project, names: list[str], valid: list[ValidInputs]) -> dict[str, int]:
    """Items that were captured under these keys before; their inputs must be the same."""
    expected = {name: inputs.stored for name, inputs in zip(names, valid, strict=True)}
    found: dict[str, int] = {}
    for chunk in chunks(names):
        rows = Item.objects.filter(project=project, key__in=chunk)
        for key, pk, before in rows.values_list("key", "pk", "inputs"):
            if before != expected[key]:
                raise KeyTaken(f"Key {key} was captured before with other inputs; nothing of this request was kept.")
            found[key] = pk
    return found


def _replay(project: Project, names: list[str], known: dict[str, int]) -> PredictionResult | None:
    """The stored answers, where one version served all of these before."""
    served: dict[int, Prediction] = {}
    for chunk in chunks(list(known.values())):
        rows = Prediction.objects.filter(item__in=chunk, source=Source.SERVED).order_by("at", "pk")
        served |= {row.item_id: row for row in rows}
    by_name = {name: served.get(known[name]) for name in names}
    found = [row for row in by_name.values() if row]
    if len(found) < len(names) or len({(row.model_version, row.schema_version) for row in found}) != 1:
        return None
    values = project.label_schemas.get(version=found[0].schema_version).values()
    answers = tuple(_stored_answer(name, row, values) for name, row in zip(names, found, strict=True))
    degraded, stage = any(row.degraded for row in found), found[0].stage or CHAMPION
    return PredictionResult(found[0].model_version, degraded, answers, stage)


def _stored_answer(name: str, row: Prediction, values: list[str]) -> RowPrediction:
    if row.scores is None:
        return RowPrediction(name, row.label, {}, row.decision or REVIEW)
    scores = np.frombuffer(row.scores, dtype="<f4").astype(float)
    return RowPrediction(name, row.label, dict(zip(values, scores.tolist(), strict=True)), row.decision or APPROVE)


def _score(project: Project, valid: list[ValidInputs], entity: str) -> _Scored:
    """The scores of the champion or the canary, else those of the version before it, else none."""
    try:
        champion = registry.live(project)
    except registry.Unclear as why:
        log.error("%s: %s", project.slug, why)
        return _Scored(SAFE_DEFAULT, True, None, project, str(why))
    now = champion.project if champion else project
    problem = "" if champion else _nothing_trained_here(project)
    canary = rollout.running(now) if now.canary_version else None
    if canary and not canary.answers:
        canary = None
    drawn = canary if canary and in_canary(canary, entity) else None
    first = drawn.version if drawn else None
    elsewhere = drawn is not None and first is None
    if elsewhere:  # what answers in its stead counts for neither arm
        problem = f"{now.canary_version} answers here as the canary, and it runs elsewhere."
    arm = {"stage": CANARY if first else CHAMPION, "entity": entity if canary and not elsewhere else ""}
    for find in (lambda: first, lambda: champion, lambda: release.previous_of(champion)):
        version = find()
        if version is None:
            continue
        try:
            scores = _probabilities_of(version, project, valid)
            degraded = elsewhere or version != (first or champion)
            return _Scored(version.tag, degraded, scores, now, **arm)
        except Exception as why:  # whatever is wrong with a model, the caller gets an answer that says so
            log.error("%s of %s could not answer: %s", version.tag, project.slug, why)
            problem = problem or str(why)
    return _Scored(SAFE_DEFAULT, True, None, now, problem, **arm)


def _nothing_trained_here(project: Project) -> str:
    tag = registry.captured_release(project)
    return f"{tag} is live, and it runs elsewhere." if tag else "Nothing is live."


def _probabilities_of(version: ModelVersion, project: Project, valid: list[ValidInputs]) -> NDArray[np.float64]:
    """(n, k) in the order of the project's labels in force."""
    loaded, values = loaded_versions.get(version), project.schema().values()
    if why := registry.why_retired(version.tag, loaded.classes, project):
        raise artifacts.ArtifactRefused(why)
    decoded = {picture.sha256: picture.decoded.grey for inputs in valid for picture in inputs.pictures}
    scores = loaded.score(project, [inputs.stored for inputs in valid], decoded)
    result = np.zeros((len(valid), len(values)))
    result[:, [values.index(name) for name in loaded.classes]] = scores
    return result


def _result(project: Project, names: list[str], scored: _Scored) -> PredictionResult:
    if scored.probabilities is None:
        if not project.safe_default:
            raise NothingToServe(
                f"{scored.problem} No other version can answer, and the project names no safe default."
            )
        answers = tuple(RowPrediction(name, project.safe_default, {}, REVIEW) for name in names)
        return PredictionResult(SAFE_DEFAULT, True, answers, scored.stage)
    values = project.schema().values()
    threshold, policy = rule_release.rules_in_force(scored.project)
    winners = decision_rules.chosen_labels(scored.probabilities, values, threshold)
    decided = _decisions(scored.probabilities, winners, values, policy)
    answers = tuple(
        RowPrediction(name, values[winner], dict(zip(values, row.tolist(), strict=True)), decision)
        for name, winner, row, decision in zip(names, winners, scored.probabilities, decided, strict=True)
    )
    return PredictionResult(scored.tag, scored.degraded, answers, scored.stage)


def _decisions(
    scores: NDArray[np.float64], winners: NDArray[np.int64], values: list[str], policy: PolicyBody | None
) -> list[str]:
    """(n,) by the policy; a person decides where its label is no label any more. Without a policy all are approved."""
    if policy is None:
        return [APPROVE] * len(winners)
    return decision_rules.decisions(scores, winners, values, policy) or [REVIEW] * len(winners)


def _capture(
    project: Project,
    answered: PredictionResult,
    valid: list[ValidInputs],
    known: dict[str, int],
    *,
    scored: _Scored,
    at: datetime,
) -> None:
    """Keep what was served, as the same facts that other services send, in one transaction.

    Of items that were captured before, what a version says is added; the safe default is no version's.
    """
    versions = {
        "model_version": answered.model_version,
        "threshold_version": scored.project.threshold_version,
        "policy_version": scored.project.policy_version,
    }
    rows = [
        capture.served_prediction(
            answer.key,
            inputs,
            label=answer.label,
            scores=list(answer.scores.values()) or None,
            versions=versions,
            at=at,
            decided=capture.Decided(scored.stage, answered.latency_ms, answer.decision, scored.entity),
        )
        for answer, inputs in zip(answered.answers, valid, strict=True)
        if answer.key not in known or answer.scores
    ]
    _mark_known(project, answered.model_version, rows, known)
    capture.measure_scores(rows)
    kept = capture.store_rows(project, rows, at=at, source=Source.SERVED, degraded=answered.degraded)
    if kept.refused:
        raise KeyTaken(kept.refused[0].error)


def _mark_known(project: Project, tag: str, rows: Sequence[capture.ValidPrediction], known: dict[str, int]) -> None:
    """Say of rows whose item was captured before which it is, and whether the version was trained on it."""
    before = [row for row in rows if row.key in known]
    if not before:
        return
    ids = [known[row.key] for row in before]
    unseen = registry.out_of_sample(registry.version_by_tag(project, tag), ids)
    for row, item_id, out_of_sample in zip(before, ids, unseen, strict=True):
        row.item_id, row.out_of_sample = item_id, bool(out_of_sample)
