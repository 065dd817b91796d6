"""How good is a classifier on all its traffic, from its scores of every item and the labels of a probability sample?

Every measure by the difference estimator (`difference_estimator`): shares and means as ratios of sums, macro F1 and
areas under curves by their linearisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.metrics.core.design import scaled_to
from analysis.metrics.core.influence_functions import NO_COSTS
from analysis.metrics.core.weighted import NO_ITEMS, Estimate, undefined
from analysis.metrics.estimates import rank_metrics, ratio_metrics
from analysis.metrics.estimates.difference_estimator import METHOD, AuditSample, estimate
from analysis.metrics.estimates.ratio_metrics import ScoredItems
from validation import InvalidInput, arrays
from validation.probabilities import check_probabilities


@dataclass(frozen=True)
class AssistedClass:
    """One class: its name, three shares, and the areas of its scores against the other classes'."""

    label: str
    precision: Estimate
    recall: Estimate
    f1: Estimate
    roc_auc: Estimate
    pr_auc: Estimate


@dataclass(frozen=True)
class AssistedPerformance:
    """A classifier's quality on all items of a window. log_loss in nats; brier 0 to 1 for two classes, else 0 to 2.

    roc_auc and pr_auc: of the second class of two, the mean over classes for more.
    """

    n: int
    classes: tuple[str, ...]
    accuracy: Estimate
    macro_f1: Estimate
    per_class: tuple[AssistedClass, ...]
    log_loss: Estimate
    brier: Estimate
    roc_auc: Estimate
    pr_auc: Estimate
    cost: Estimate


def assisted(
    items: ScoredItems,
    drawn: AuditSample,
    *,
    classes: Sequence[str],
    costs: ArrayLike | None = None,
    level: float = 0.95,
) -> AssistedPerformance:
    """The measures of a classifier over all N items of a window, n of them labelled, each with its interval.

    items, drawn: as `scored_items` and `audit_sample` make them. classes: names of the k codes. costs (k, k): of
    predicting the column when the row is true. What is undefined is an Estimate without a value and with a note; arrays
    that do not fit raise InvalidInput.
    """
    names = arrays.class_names(classes)
    arrays.level(level)
    if len(names) != items.classes:
        raise InvalidInput(f"There are {len(names)} names for {items.classes} classes.")
    per_class = tuple(_of_class(items, drawn, c, name, level) for c, name in enumerate(names))
    roc, pr = (per_class[1].roc_auc, per_class[1].pr_auc) if len(names) == 2 else _mean_areas(items, drawn, level)
    return AssistedPerformance(
        n=int(items.labelled.size),
        classes=names,
        accuracy=estimate(ratio_metrics.accuracy(items), drawn, level=level, empty=NO_ITEMS),
        macro_f1=_macro_f1(items, drawn, level),
        per_class=per_class,
        log_loss=estimate(ratio_metrics.log_loss(items), drawn, level=level, empty=NO_ITEMS),
        brier=estimate(ratio_metrics.brier(items), drawn, level=level, empty=NO_ITEMS),
        roc_auc=roc,
        pr_auc=pr,
        cost=undefined(NO_COSTS, method=METHOD)
        if costs is None
        else estimate(ratio_metrics.cost(items, costs), drawn, level=level, empty=NO_ITEMS),
    )


def scored_items(
    predicted: ArrayLike, probabilities: ArrayLike, *, labelled: ArrayLike, truth: ArrayLike
) -> ScoredItems:
    """What a version said of all N items of a window, and what labels say of n of them.

    predicted (N,) codes and probabilities (N, k) of all items. labelled (n,): places of the labelled items among all.
    truth (n,): their classes as codes. Raises InvalidInput where arrays do not fit.
    """
    scores = check_probabilities(probabilities)
    places = arrays.codes("labelled", labelled, k=len(scores))
    if np.unique(places).size != places.size:
        raise InvalidInput("labelled names one item twice.")
    k = scores.shape[1]
    return ScoredItems(
        probabilities=scores,
        predicted=arrays.codes("predicted", predicted, k, len(scores)),
        labelled=places,
        truth=arrays.codes("truth", truth, k, places.size),
    )


def audit_sample(
    items: ScoredItems,
    inclusion_probability: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    finite: bool = False,
    stands_for: ArrayLike | None = None,
) -> AuditSample:
    """How the labelled items were chosen, their weights scaled to the window's number of items.

    inclusion_probability (N,): of every item, labelled or not; 1 = asked for certain. groups (n,): copies among the
    labelled items. finite: intervals are for exactly these N items, not for traffic like theirs. stands_for (N,): how
    many items of the window each is, where the scores of a uniform sample of them are given beside the labelled ones,
    which are 1 each. Raises InvalidInput where arrays do not fit.
    """
    pi = arrays.inclusion(inclusion_probability, items.predicted.size)
    stands = np.ones(pi.size) if stands_for is None else arrays.vector("stands_for", stands_for, pi.size)
    if pi.size and (stands.min() < 1 or (finite and stands.max() > 1)):
        raise InvalidInput("Each item stands for itself at least, and for no other in a window that is meant itself.")
    weight = 1 / pi
    if items.labelled.size:
        chosen = scaled_to(pi[items.labelled], round(float(stands.sum())))
        uncertain = weight > 1
        drawn = uncertain[items.labelled]
        scale = float(chosen[drawn].sum() / weight[items.labelled][drawn].sum()) if drawn.any() else 1.0
        weight[uncertain] = np.maximum(weight[uncertain] * scale, 1.0)
        weight[items.labelled] = chosen
    return AuditSample(items.labelled, weight, arrays.groups_of(groups, items.labelled.size), finite, stands)


def _of_class(items: ScoredItems, drawn: AuditSample, c: int, name: str, level: float) -> AssistedClass:
    roc, pr = _areas(items, drawn, c, level)
    return AssistedClass(
        name,
        precision=estimate(ratio_metrics.precision(items, c), drawn, level=level, empty=_none_predicted(name)),
        recall=estimate(ratio_metrics.recall(items, c), drawn, level=level, empty=_none_true(name)),
        f1=estimate(ratio_metrics.f1(items, c), drawn, level=level, empty=_neither(name)),
        roc_auc=roc,
        pr_auc=pr,
    )


def _areas(items: ScoredItems, drawn: AuditSample, c: int, level: float) -> tuple[Estimate, Estimate]:
    if why := rank_metrics.undefined_because(items, c):
        return undefined(why, method=METHOD), undefined(why, method=METHOD)
    roc, pr = rank_metrics.areas_of_class(items, drawn, c)
    return estimate(roc, drawn, level=level, empty=NO_ITEMS), estimate(pr, drawn, level=level, empty=NO_ITEMS)


def _mean_areas(items: ScoredItems, drawn: AuditSample, level: float) -> tuple[Estimate, Estimate]:
    found = rank_metrics.mean_areas(items, drawn)
    if isinstance(found, str):
        return undefined(found, method=METHOD), undefined(found, method=METHOD)
    roc, pr = (estimate(terms, drawn, level=level, empty=NO_ITEMS) for terms in found)
    return roc, pr


def _none_predicted(name: str) -> str:
    return f"No labelled item was predicted {name}."


def _none_true(name: str) -> str:
    return f"No labelled item is {name}."


def _neither(name: str) -> str:
    return f"{name} was neither labelled nor predicted."


def _macro_f1(items: ScoredItems, drawn: AuditSample, level: float) -> Estimate:
    if not items.labelled.size:
        return undefined(NO_ITEMS, method=METHOD)
    terms = [ratio_metrics.f1(items, c) for c in range(items.classes)]
    sizes = np.array([drawn.mean(one.b) for one in terms])
    hits = np.array([drawn.mean(one.a) for one in terms])
    scores = np.divide(hits, sizes, out=np.zeros_like(hits), where=sizes > 0)
    return estimate(ratio_metrics.macro_f1(items, scores, sizes), drawn, level=level, empty=NO_ITEMS)
