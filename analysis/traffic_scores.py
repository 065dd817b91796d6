"""Scores of all items of a window beside the labelled ones, for estimates that use both (model_assisted).

A version's scores may be used where it answered every item of the window out of sample: an answer to an item that it
learnt from follows from the audit draw, which such an item was not part of. Answers without scores take the mean
scores of the others with the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.evaluation_design import EvaluationDesign, answered_by
from analysis.item_arrays import score_matrix, uniform_sample
from annotation.models import Prediction
from annotation.score_order import ScoreOrder
from projects.chunks import chunks

Floats = NDArray[np.float64]

MOST_SCORES = 20_000
"""Items whose scores are read; of a larger window a uniform sample by id."""

MOST_WITHOUT_SCORES = 0.05
"""A larger share of answers without scores leaves the estimate to the labels."""

RAREST = 1e-9


@dataclass(frozen=True)
class TrafficScores:
    """What a version said of N items of a window of `population`, the n labelled among them.

    predicted (N,) codes, probabilities (N, k). labelled (n,): places of the sample's items, in its order.
    inclusion_probability (N,): effective of the labelled, and what it would be of the others. stands_for (N,): how many
    items of the window each is.
    """

    predicted: NDArray[np.int64]
    probabilities: Floats
    labelled: NDArray[np.intp]
    inclusion_probability: Floats
    stands_for: Floats


@dataclass(frozen=True)
class _Answers:
    """Code of the answer (N,) and its scores (N, k), NaN where it has none."""

    codes: NDArray[np.int64]
    scores: Floats


def traffic_scores(
    judged: EvaluationDesign, names: tuple[str, ...], item_ids: NDArray[np.int64], effective: Floats
) -> TrafficScores | None:
    """The scores of the window that these labelled items (n,) stand for; None where they may not be used.

    effective (n,): the inclusion probabilities of the labelled items.
    """
    if not names or not item_ids.size:
        return None
    population = judged.population()
    total = population.count()
    sampled = dict(uniform_sample(population, total, MOST_SCORES).values_list("pk", "audit_probability"))
    labelled = {pk: p for chunk in chunks(item_ids.tolist()) for pk, p in _drawn_with(judged, chunk)}
    others = [pk for pk in sampled if pk not in labelled]
    if len(labelled) != item_ids.size or (effective == 1).all() or (total > item_ids.size and not others):
        return None
    found = _answers(judged, [*item_ids.tolist(), *others])
    if found is None:
        return None
    chance = np.array([*(labelled[pk] for pk in item_ids.tolist()), *(sampled[pk] for pk in others)], dtype=np.float64)
    return TrafficScores(
        predicted=found.codes,
        probabilities=_filled(found),
        labelled=np.arange(item_ids.size),
        inclusion_probability=_inclusion(chance, effective),
        stands_for=np.concatenate(
            [np.ones(item_ids.size), np.full(len(others), max((total - item_ids.size) / max(len(others), 1), 1.0))]
        ),
    )


def _drawn_with(judged: EvaluationDesign, item_ids: Sequence[int]) -> list[tuple[int, float | None]]:
    return list(judged.population().filter(pk__in=item_ids).values_list("pk", "audit_probability"))


def _inclusion(chance: Floats, effective: Floats) -> Floats:
    """(N,) of the labelled as given; of the others that of the audit draw times the share that is answered."""
    n, found = effective.size, chance.copy()
    drawn = effective < 1
    answered = float((1 / chance[:n][drawn]).sum() / (1 / effective[drawn]).sum())
    found[n:] = np.clip(chance[n:] * answered, RAREST, 1.0)
    found[:n] = effective
    return found


def _answers(judged: EvaluationDesign, item_ids: list[int]) -> _Answers | None:
    """The newest out-of-sample answer to each item; None where one has none, or too many have no scores."""
    order = ScoreOrder(judged.project)
    codes, k = {name: code for code, name in enumerate(order.names)}, len(order.names)
    found: dict[int, tuple[int, bytes | None]] = {}
    for chunk in chunks(item_ids):
        rows = Prediction.objects.of_items(chunk).filter(answered_by(judged.version, order.names)).order_by("at", "pk")
        fields = ("item_id", "label", "scores", "schema_version", "out_of_sample")
        for pk, label, stored, schema, honest in rows.values_list(*fields):
            if not honest:
                return None
            found[pk] = (codes[order.counted(label)], order.scores(stored, schema))
    if len(found) != len(item_ids):
        return None
    rows_of = [found[pk] for pk in item_ids]
    scored = np.array([row is not None for _, row in rows_of], dtype=bool)
    matrix = score_matrix([row for _, row in rows_of if row is not None], k)
    if matrix is None or 1 - scored.mean() > MOST_WITHOUT_SCORES:
        return None
    scores = np.full((len(rows_of), k), np.nan)
    scores[scored] = matrix
    return _Answers(np.array([code for code, _ in rows_of], dtype=np.int64), scores)


def _filled(found: _Answers) -> Floats:
    """(N, k) scores, where there are none the mean of the others with the same answer, or of all."""
    scores, without = found.scores.copy(), np.isnan(found.scores[:, 0])
    for code in np.unique(found.codes[without]):
        alike = ~without & (found.codes == code)
        scores[without & (found.codes == code)] = found.scores[alike if alike.any() else ~without].mean(axis=0)
    return scores
