"""Select and fit a model for an input contract by cross-validation under a budget of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.metrics.core.folds import assign_folds
from inputs import images
from inputs.encoders.columns import EncodedTexts, vector_name, with_vectors
from inputs.encoding import of_kind
from inputs.frame import Columns, Shapes, column_shapes, part_names, to_frame
from inputs.groups import group_rows
from inputs.registry import INPUT_TYPES
from inputs.types.base import Features
from retraining.learning.calibration import choose
from retraining.learning.fitted import Candidate, Fitted, Progress
from retraining.learning.model_selection import candidates, cross_validation, explanations
from retraining.learning.model_selection.cross_validation import Skipped, TrainingRows, Trial
from retraining.learning.predict import spread
from validation import InvalidInput, arrays
from validation.arrays import Floats, Ints
from validation.probabilities import check_probabilities

FOLDS = 5


class NotEnoughClasses(InvalidInput):
    """A model tells classes apart, so labels of at least two are needed."""


@dataclass(frozen=True)
class ModelSearch:
    """How candidates are compared. budget: units of work (`analysis.metrics.core.work`), known before anything is
    fitted, so the same rows and seed always try the same candidates; the first, quickest one runs whatever it takes.
    `progress(share done, words)` is called after each fold and may raise to stop the fit.
    """

    budget: float
    seed: int
    progress: Progress = lambda fraction, words: None


def fit(
    columns: Columns,
    types: Mapping[str, str],
    targets: ArrayLike,
    *,
    classes: Sequence[str],
    weights: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    texts: EncodedTexts | None = None,
    search: ModelSearch,
) -> Fitted:
    """The candidate with the lowest held-out log loss, refitted on all rows and calibrated out of fold.

    targets: int codes (n,) into `classes`, or soft targets (n, k) whose rows sum to 1. weights: (n,); a row of weight
    0 is not learnt from, but gets its out-of-fold probabilities. groups: (n,); rows of one group are held out together;
    where none are given, rows with equal or near-equal inputs are. texts: vectors of the text inputs, to be tried
    beside TF-IDF.
    Raises NotEnoughClasses when all labels agree, InvalidInput when the arrays cannot be what they are said to be.
    """
    names = tuple(classes)
    soft, weight = _labels(targets, weights, names)
    own, own_types = columns, types
    columns, types = with_vectors(columns, types, texts.vectors if texts else None)
    shapes = column_shapes(columns, types)
    frame = to_frame(columns, types, shapes=shapes)
    rows = _rows(frame, soft, weight, group_rows(own, own_types) if groups is None else groups, search.seed)
    left_out = _without_information(rows, types)
    common = {
        "seed": search.seed,
        "image_size": {name: list(shape) for name, shape in shapes.items()},
        "left_out": left_out,
    }
    best, tried = _choose(rows, types, common, budget=search.budget, progress=search.progress)
    estimator = cross_validation.fit_on_all(rows, types, best.config)
    method = best.calibration.method
    calibrated = choose.wrap(estimator, method, best.scores, rows.targets, weights=rows.weights)
    search.progress(1.0, "Fitted on all rows.")
    return Fitted(
        estimator=calibrated,
        classes=names,
        family=best.config["family"],
        config=best.config,
        out_of_fold=spread(best.calibration.probabilities, rows.known, n_classes=len(names)),
        calibrator=method,
        candidates=tried,
        why=explanations.explain_choice(best, tried, rows, names, _alike(rows, types, shapes)),
        frame_parameters={"image_size": common["image_size"], **_encoded(best, texts)},
    )


def _encoded(best: Trial, texts: EncodedTexts | None) -> dict[str, Any]:
    """Which vectors the chosen model reads, and of which encoder; nothing where it reads none."""
    unread = {*best.config["left_out"], *best.config.get("without", ())}
    names = [name for name in (texts.vectors if texts else ()) if vector_name(name) not in unread]
    return {"encoded": {"inputs": names, "encoder": texts.encoder, "digest": texts.digest}} if texts and names else {}


def _labels(targets: ArrayLike, weights: ArrayLike | None, names: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Soft targets (n, k) and weights (n,), checked."""
    if len(set(names)) != len(names):
        raise InvalidInput("classes must not repeat a name.")
    if np.ndim(targets) == 2:
        soft = check_probabilities(targets, k=len(names), name="targets")
    else:
        soft = np.eye(len(names))[arrays.codes("targets", targets, len(names))]
    weight = arrays.weights(weights, n=len(soft))
    seen = np.flatnonzero((soft * weight[:, None]).sum(axis=0))
    if len(seen) < 2:
        only = f"every label so far is {names[seen[0]]!r}" if len(seen) else "there is no label yet"
        raise NotEnoughClasses(f"A model needs labels of at least two classes, but {only}.")
    return soft, weight


def _rows(frame: Any, soft: Floats, weight: Floats, groups: ArrayLike, seed: int) -> TrainingRows:
    arrays.same_length(len(frame), targets=soft)
    known: NDArray[np.int64] = np.flatnonzero((soft * weight[:, None]).sum(axis=0) > 0)
    group = arrays.groups_of(groups, n=len(frame))
    n_groups = len(frame) if group is None else int(group.max()) + 1
    try:
        fold = assign_folds(soft.argmax(axis=1), folds=max(2, min(FOLDS, n_groups)), seed=seed, groups=group)
    except InvalidInput as error:
        raise InvalidInput(str(error)) from None
    inside = soft[:, known]
    total = inside.sum(axis=1, keepdims=True)
    inside = np.divide(inside, total, out=np.full_like(inside, 1 / len(known)), where=total > 0)
    return TrainingRows(frame, inside, known, weight, fold, group)


def _without_information(rows: TrainingRows, types: Mapping[str, str]) -> list[str]:
    """Inputs, as texts, that are the same in every row of some fold's training part: nothing to count there."""
    varying = [name for name, kind in types.items() if INPUT_TYPES[kind].needs_variation]
    folds_held = np.unique(rows.fold)
    return [
        name
        for name in varying
        if any(_constant(rows, part, held) for part in part_names(name, types, {}) for held in folds_held)
    ]


def _alike(rows: TrainingRows, types: Mapping[str, str], shapes: Shapes) -> list[str]:
    """Image inputs whose pictures, as the model gets them, cannot be distinguished."""
    pixels = {
        name: rows.frame[part_names(name, types, shapes)].to_numpy() * 255 for name in of_kind(types, Features.PIXELS)
    }
    return [name for name, pictures in pixels.items() if images.look_alike(pictures)]


def _constant(rows: TrainingRows, column: str, held: int) -> bool:
    learnt_from: Ints = (rows.fold != held) & (rows.weights > 0)
    result: bool = rows.frame[column][learnt_from].nunique() < 2
    return result


def _choose(
    rows: TrainingRows, types: Mapping[str, str], common: dict[str, Any], *, budget: float, progress: Progress
) -> tuple[Trial, tuple[Candidate, ...]]:
    """Try group after group while work is left; the first candidate of all is finished whatever it takes."""
    kept = {name: kind for name, kind in types.items() if name not in common["left_out"]}
    groups = candidates.for_contract(kept, rows.share, common=common)
    steps = sum(len(group) for group in groups) * len(np.unique(rows.fold)) + 1
    fits = iter(range(1, steps))

    def tick(family: str) -> None:
        progress(next(fits) / steps, f"Trying {family}.")

    outcomes: list[Trial | Skipped] = []
    for group in groups:
        left = budget - sum(outcome.work for outcome in outcomes if isinstance(outcome, Trial))
        outcomes += _tried(rows, kept, group, budget=left, first=not outcomes, tick=tick)
    finished = [outcome for outcome in outcomes if isinstance(outcome, Trial)]
    best = min(finished, key=lambda trial: trial.log_loss)
    return best, tuple(explanations.describe_candidate(outcome) for outcome in outcomes)


def _tried(
    rows: TrainingRows,
    types: Mapping[str, str],
    group: list[dict[str, Any]],
    *,
    budget: float,
    first: bool,
    tick: Callable[[str], None],
) -> list[Trial | Skipped]:
    if not first and budget <= 0:
        return [Skipped(config, 0.0, "Not tried: no work was left of the budget.") for config in group]
    return cross_validation.cross_validate(rows, types, group, budget=budget, keep_first=first, tick=tick)
