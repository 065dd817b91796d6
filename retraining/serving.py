"""Answer with the live version, fall back where it cannot be loaded, say so, and capture what was served."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotation import capture, media
from annotation.models import Item, Prediction, Source
from inputs.contract import check_inputs
from inputs.images import PixelBudget
from inputs.types.base import InvalidValue
from inputs.types.image import CheckedImage
from projects.ids import new_id
from projects.models import Project
from retraining import artifacts, registry, release
from retraining.model_cache import ModelCache
from retraining.models import ModelVersion

log = logging.getLogger(__name__)
SAFE_DEFAULT = "safe_default"
APPROVE, REVIEW = "approve", "review"
CHUNK = 500


class BadRequest(ValueError):
    """The request cannot be answered as a whole; `errors` names each bad input by its index."""

    def __init__(self, message: str, errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.errors = list(errors)


class KeyTaken(ValueError):
    """A key of the request stands for other inputs already."""


class NothingToServe(RuntimeError):
    """No version can be loaded and the project names no safe default."""


@dataclass(frozen=True)
class Answer:
    """What was said of one row. Without a model there are no scores, and a person decides."""

    key: str
    label: str
    scores: dict[str, float]
    decision: str


@dataclass(frozen=True)
class Answered:
    """What was said, by which version, and whether it was the one that should have said it."""

    model_version: str
    degraded: bool
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class _Scored:
    tag: str
    degraded: bool
    probabilities: NDArray[np.float64] | None  # (n, k) in the order of the project's labels
    problem: str = ""  # why the champion did not answer


models = ModelCache(registry.load)


def predict(project: Project, *, inputs: Sequence[Any], keys: Sequence[str] | None, at: datetime) -> Answered:
    """Answer each of the inputs and capture it. The same keys with the same inputs get the stored answer again.

    Raises BadRequest, KeyTaken or NothingToServe.
    """
    stored, pictures = _checked(project, inputs)
    names = _keys(inputs, keys)
    known = _known(project, names, stored) if keys is not None else {}
    if len(known) == len(names) and (replayed := _replay(project, names, known)):
        return replayed
    media.store(project, pictures, at=at)
    scored = _score(project, stored)
    answered = _answered(project, names, scored)
    new = [i for i, name in enumerate(names) if name not in known]
    # No transaction around both: capture checks the inputs again, and the database must not be held meanwhile.
    _capture(project, answered, new, inputs, at=at)
    _record_again(project, answered, scored, known, at=at)
    return answered


def _checked(project: Project, inputs: Sequence[Any]) -> tuple[list[dict[str, Any]], list[CheckedImage]]:
    contract, budget = project.contract().inputs, PixelBudget()
    stored, pictures, errors = [], [], []
    for index, given in enumerate(inputs):
        try:
            row, found = check_inputs(given, contract, budget)
            stored.append(row)
            pictures += found
        except InvalidValue as why:
            errors.append({"index": index, "error": str(why)})
    if errors:
        raise BadRequest(f"Input {errors[0]['index']}: {errors[0]['error']}", errors)
    return stored, pictures


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


def _known(project: Project, names: list[str], stored: list[dict[str, Any]]) -> dict[str, int]:
    """Items that were captured under these keys before; their inputs must be the same."""
    expected = dict(zip(names, stored, strict=True))
    found: dict[str, int] = {}
    for start in range(0, len(names), CHUNK):
        rows = Item.objects.filter(project=project, key__in=names[start : start + CHUNK])
        for key, pk, before in rows.values_list("key", "pk", "inputs"):
            if before != expected[key]:
                raise KeyTaken(f"Key {key} was captured before with other inputs; nothing of this request was kept.")
            found[key] = pk
    return found


def _replay(project: Project, names: list[str], known: dict[str, int]) -> Answered | None:
    """The stored answers, where one version served all of these before."""
    served: dict[int, Prediction] = {}
    ids = list(known.values())
    for start in range(0, len(ids), CHUNK):
        rows = Prediction.objects.filter(item__in=ids[start : start + CHUNK], source=Source.SERVED).order_by("at", "pk")
        served |= {row.item_id: row for row in rows}
    by_name = {name: served.get(known[name]) for name in names}
    found = [row for row in by_name.values() if row]
    if len(found) < len(names) or len({(row.model_version, row.schema_version) for row in found}) != 1:
        return None
    values = project.label_schemas.get(version=found[0].schema_version).values()
    answers = tuple(_stored_answer(name, row, values) for name, row in zip(names, found, strict=True))
    return Answered(found[0].model_version, any(row.degraded for row in found), answers)


def _stored_answer(name: str, row: Prediction, values: list[str]) -> Answer:
    if row.scores is None:
        return Answer(name, row.label, {}, REVIEW)
    scores = np.frombuffer(row.scores, dtype="<f4").astype(float)
    return Answer(name, row.label, dict(zip(values, scores.tolist(), strict=True)), APPROVE)


def _score(project: Project, stored: list[dict[str, Any]]) -> _Scored:
    """The champion's scores, else those of the version before it, else none."""
    try:
        champion = registry.live(project)
    except registry.Unclear as why:
        log.error("%s: %s", project.slug, why)
        return _Scored(SAFE_DEFAULT, True, None, str(why))
    problem = "" if champion else "Nothing is live."
    for find in (lambda: champion, lambda: release.previous_of(champion)):
        version = find()
        if version is None:
            continue
        try:
            return _Scored(version.tag, version != champion, _by(version, project, stored))
        except Exception as why:  # whatever is wrong with a model, the caller gets an answer that says so
            log.error("%s of %s could not answer: %s", version.tag, project.slug, why)
            problem = problem or str(why)
    return _Scored(SAFE_DEFAULT, True, None, problem)


def _by(version: ModelVersion, project: Project, stored: list[dict[str, Any]]) -> NDArray[np.float64]:
    """(n, k) in the order of the project's labels in force."""
    loaded, values = models.get(version), project.schema().values()
    if why := registry.why_retired(version.tag, loaded.classes, project):
        raise artifacts.ArtifactRefused(why)
    result = np.zeros((len(stored), len(values)))
    result[:, [values.index(name) for name in loaded.classes]] = loaded.score(project, stored)
    return result


def _answered(project: Project, names: list[str], scored: _Scored) -> Answered:
    if scored.probabilities is None:
        if not project.safe_default:
            raise NothingToServe(
                f"{scored.problem} No other version can answer, and the project names no safe default."
            )
        answers = tuple(Answer(name, project.safe_default, {}, REVIEW) for name in names)
        return Answered(SAFE_DEFAULT, True, answers)
    values = project.schema().values()
    winners = scored.probabilities.argmax(axis=1)
    answers = tuple(
        Answer(name, values[winner], dict(zip(values, row.tolist(), strict=True)), APPROVE)
        for name, winner, row in zip(names, winners, scored.probabilities, strict=True)
    )
    return Answered(scored.tag, scored.degraded, answers)


def _capture(project: Project, answered: Answered, new: list[int], inputs: Sequence[Any], *, at: datetime) -> None:
    """Keep what was served, as the same facts that other services send."""
    if not new:
        return
    versions = {"threshold_version": project.threshold_version, "policy_version": project.policy_version}
    rows = [
        {
            "key": answered.answers[i].key,
            "inputs": inputs[i],
            "label": answered.answers[i].label,
            "model_version": answered.model_version,
            **({"scores": answered.answers[i].scores} if answered.answers[i].scores else {}),
            **{name: tag for name, tag in versions.items() if tag},
        }
        for i in new
    ]
    kept = capture.capture_rows(project, rows, at=at, source=Source.SERVED, degraded=answered.degraded)
    if kept.refused:
        raise KeyTaken(kept.refused[0].error)


def _record_again(
    project: Project, answered: Answered, scored: _Scored, known: dict[str, int], *, at: datetime
) -> None:
    """What this version says of items that were captured before it answered."""
    rows = [i for i, answer in enumerate(answered.answers) if answer.key in known]
    if not rows or scored.probabilities is None:
        return
    ids = [known[answered.answers[i].key] for i in rows]
    version = registry.find(project, answered.model_version)
    capture.record_scores(
        project,
        item_ids=ids,
        probabilities=scored.probabilities[rows],
        model_version=version.tag,
        schema_version=project.schema().version,
        source=Source.SERVED,
        at=at,
        out_of_sample=registry.out_of_sample(version, ids),
    )
