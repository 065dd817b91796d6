"""Answers of one side of a comparison to held-out items, from a loaded version or from captured predictions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from analysis.evaluation_design import captured_until, design_of, latest, learnt_until, newest_asked, pair_probabilities
from annotation import versions
from annotation.models import Item, Prediction, Source
from annotation.score_order import ScoreOrder
from projects.chunks import chunks
from projects.models import Project
from retraining import artifacts, registry
from retraining.datasets import Examples


@dataclass(frozen=True)
class Answers:
    """What one side said of n items: labels (n,), confidence (n,), probability of the true label (n,).

    Both probabilities are NaN where a captured label came without scores. `scores` (n, k) are those of a model that was
    asked here, in the order of the items' classes.
    """

    labels: NDArray[Any]
    confidence: NDArray[np.float64]
    of_truth: NDArray[np.float64]
    scores: NDArray[np.float64] | None = None

    def right(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(self.labels == truth)

    def only(self, mask: NDArray[np.bool_]) -> "Answers":
        """Those where `mask` (n,) is true."""
        scores = None if self.scores is None else self.scores[mask]
        return Answers(self.labels[mask], self.confidence[mask], self.of_truth[mask], scores)


@dataclass(frozen=True)
class IncumbentAnswers:
    """The items that an incumbent can be compared on and its answers to them, or why it has none."""

    items: Examples
    answers: Answers | None
    problem: str = ""

    def only(self, mask: NDArray[np.bool_]) -> "IncumbentAnswers":
        """The items where `mask` (n,) is true, with their answers."""
        return replace(self, items=self.items.only(mask), answers=self.answers.only(mask) if self.answers else None)


def of_probabilities(items: Examples, probabilities: NDArray[np.float64]) -> Answers:
    """The most probable label of each row of (n, k) probabilities in the order of the items' classes."""
    every = np.arange(len(items))
    best = probabilities.argmax(axis=1) if len(items) else np.zeros(0, dtype=int)
    return Answers(np.array(items.classes)[best], probabilities[every, best], probabilities[every, items.targets])


def of_model(items: Examples, model: registry.Loaded) -> Answers:
    """A class that the model does not name has probability 0.

    A class that was merged since counts as what it was merged into. The label is what the model says, so it is chosen
    before the probabilities of merged classes are added up.
    """
    own = model.probabilities(items.columns)
    said, counted = (np.zeros((len(items), len(items.classes))) for _ in range(2))
    for column, name in enumerate(model.classes):
        if name in items.classes:
            said[:, items.classes.index(name)] = own[:, column]
            counted[:, items.classes.index(items.successors.get(name, name))] += own[:, column]
    return replace(_counted(items, of_probabilities(items, said).labels, counted), scores=counted)


def _counted(items: Examples, said: NDArray[Any], probabilities: NDArray[np.float64]) -> Answers:
    """Answers with these labels, as what they count as, and (n, k) probabilities in the order of the items' classes."""
    codes = {name: items.classes.index(items.successors.get(name, name)) for name in items.classes}
    best = np.array([codes[name] for name in said.tolist()], dtype=int)
    every = np.arange(len(items))
    return Answers(np.array(items.classes)[best], probabilities[every, best], probabilities[every, items.targets])


def of_incumbent(project: Project, items: Examples, incumbent: registry.Incumbent) -> IncumbentAnswers:
    """What serves now on these items; no answers where nothing serves or the champion cannot be loaded."""
    if not incumbent.tag:
        return IncumbentAnswers(items, None)
    if incumbent.version is None:
        return of_captured(project, items, incumbent.tag)
    # The split keeps a project's own versions apart already; this holds even if a dataset was made otherwise.
    items = items.only(registry.out_of_sample(incumbent.version, items.item_ids))
    try:
        return IncumbentAnswers(items, of_model(items, registry.load(incumbent.version)))
    except artifacts.ArtifactRefused as why:
        return IncumbentAnswers(items, None, str(why))


def weigh(
    project: Project, found: IncumbentAnswers, incumbent: registry.Incumbent, train: Sequence[int]
) -> IncumbentAnswers:
    """The items that the audit drew, weighed as Compare weighs them: standing for what both are judged over.

    `train`: ids of the items that the candidate learnt from.
    """
    found = found.only(_drawn(found.items.item_ids))
    learnt = [learnt_until(project, incumbent.tag) if incumbent.tag else None, newest_asked(train)]
    ids = found.items.item_ids
    among = _represented(project, incumbent, ids)
    chance = pair_probabilities(project, ids, among=among, answered=set(ids), learnt=latest(learnt))
    found = replace(found, items=replace(found.items, inclusion_probability=chance))
    return found.only(np.isfinite(chance))


def _represented(project: Project, incumbent: registry.Incumbent, item_ids: Sequence[int]) -> Q:
    """The condition on items that both sides are judged over: what is asked here is judged until its newest item."""
    until_newest = captured_until(item_ids)
    if not incumbent.tag:
        return until_newest
    given = design_of(project, incumbent.tag, Q()).represented()
    return (given | until_newest if incumbent.version else given) & until_newest


def _drawn(item_ids: Sequence[int]) -> NDArray[np.bool_]:
    """(n,) which of these items the audit drew, as its probabilities are now."""
    drawn = {
        pk
        for chunk in chunks(item_ids)
        for pk in Item.objects.drawn().filter(pk__in=chunk).values_list("pk", flat=True)
    }
    return np.array([pk in drawn for pk in item_ids], dtype=bool)


def of_captured(project: Project, items: Examples, tag: str) -> IncumbentAnswers:
    """A version that is only captured, on those items that it answered. What it was trained on is not known here."""
    captured = Prediction.objects.filter(project=project, source=Source.CAPTURED, out_of_sample=True)
    captured = captured.filter(model_version__in=versions.stored_as(tag)).exclude(label="").order_by("pk")
    found: dict[int, Prediction] = {}
    for chunk in chunks(items.item_ids):
        found |= {row.item_id: row for row in captured.filter(item__in=chunk)}
    items = items.only(np.array([pk in found for pk in items.item_ids], dtype=bool))
    return IncumbentAnswers(items, _stored(items, [found[pk] for pk in items.item_ids], ScoreOrder(project)))


def _stored(items: Examples, rows: Iterable[Prediction], order: ScoreOrder) -> Answers:
    """Rows in the order of the items."""
    labels, confidence, of_truth = [], [], []
    for row, target in zip(rows, items.targets, strict=True):
        scores, truth = order.row(row.scores, row.schema_version), items.classes[target]
        labels.append(order.counted(row.label))
        confidence.append(np.nan if row.confidence is None else row.confidence)
        of_truth.append(scores[order.names.index(truth)] if scores.size and truth in order.names else np.nan)
    return Answers(np.array(labels, dtype=str), np.array(confidence, dtype=float), np.array(of_truth, dtype=float))
