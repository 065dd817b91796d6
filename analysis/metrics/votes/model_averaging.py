"""Weight annotator models by held-out vote likelihood: the `auto` method of votes.

Each fifth of the votes is held out in turn and predicted by every model from the rest; the posteriors are averaged by
held-out log likelihood (pseudo-BMA+, Yao et al. 2018). No true label is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.votes import ability_models, annotator_models, copier_detection
from analysis.metrics.votes.annotator_models import CodedVotes, Floats
from analysis.metrics.votes.evidence_weights import evidence_weights, sums_by_item
from analysis.metrics.votes.quality_calibration import Model, Temperatures, calibrated, fit_temperatures

FOLDS = 5
HELD_OUT_ITEMS = 5000  # enough to separate the models; more only costs time
LEAST_HELD_OUT = 30
FEW_VOTES = 20  # of an annotator, from which no accuracy is known well
LOG_ODDS_WEIGHTS = (
    0.0,
    0.5,
    1.0,
    2.0,
    4.0,
)  # above 1 where training on labels with errors made the classifier underconfident


@dataclass(frozen=True)
class AveragedModels:
    """The models' averaged posterior (items, k) over the true labels, and which of them it came from, in words.

    `calibrated` (items, k): the same as far as the votes can warrant it.

    `copies`: groups of annotators whose votes on an item counted as one.
    """

    posterior: Floats
    calibrated: Floats
    why: str
    copies: tuple[tuple[int, ...], ...] = ()


def average_models(votes: CodedVotes, pred_probs: Floats | None, seed: int) -> AveragedModels | None:
    """The average of all models by evidence; None with fewer than LEAST_HELD_OUT votes to check against others."""
    chosen = _evidence_items(votes, 1 if pred_probs is not None else 2, seed)
    sample = votes.of_items(chosen)
    if sample.item.size < LEAST_HELD_OUT:
        return None
    alone = copier_detection.merge_copiers(sample, seed)
    for group in alone.groups:
        votes = copier_detection.merge_group(votes, group)
    sample = votes.of_items(chosen)
    model_weight = 0.0 if pred_probs is None else _fit_model_weight(sample, pred_probs[chosen], seed)
    log_odds = label_log_odds(pred_probs, model_weight) if pred_probs is not None and model_weight else None
    models = _models(votes.k, seed)
    weights = _weights(sample, models, None if log_odds is None else log_odds[chosen], seed)
    tried = {name: models[name](votes, log_odds) for name in weights}
    fits = {name: fit for name, fit in tried.items() if fit is not None}
    if not fits:
        return None
    at = fit_temperatures(sample, models, weights, None if log_odds is None else log_odds[chosen], seed)
    why = _reason(weights, sample.item.size, pred_probs is not None, model_weight) + _warning(sample, at)
    return AveragedModels(calibrated(fits, weights, Temperatures()), calibrated(fits, weights, at), why, alone.groups)


def calibrate_one(votes: CodedVotes, model: Model, log_odds: Floats | None, seed: int) -> AveragedModels | None:
    """One model alone, its quality calibrated; None with fewer than LEAST_HELD_OUT votes to check against others."""
    fit = model(votes, log_odds)
    chosen = _evidence_items(votes, 1 if log_odds is not None else 2, seed)
    sample = votes.of_items(chosen)
    if fit is None or sample.item.size < LEAST_HELD_OUT:
        return None
    at = fit_temperatures(sample, {"": model}, {"": 1.0}, None if log_odds is None else log_odds[chosen], seed)
    return AveragedModels(fit.posterior, calibrated({"": fit}, {"": 1.0}, at), _warning(sample, at))


def _warning(votes: CodedVotes, at: Temperatures) -> str:
    """What the stated quality rests on, and where it cannot be known."""
    flatter = max(at.mean_dependence, at.estimation) > 1
    tempered = f"tempered by {at.mean_dependence:.2g} and {at.estimation:g}" if flatter else "as fitted"
    each = float(np.median(np.unique(votes.annotator, return_counts=True)[1]))
    few = (
        f" Half of the annotators have {each:g} votes or fewer, so quality may be too high: check some items."
        if each < FEW_VOTES
        else ""
    )
    return f" Quality is {tempered}; an error that most annotators share cannot be seen in votes.{few}"


def label_log_odds(pred_probs: Floats, model_weight: float) -> Floats:
    """Log odds (items, k) of a classifier's probabilities against their mean, to be added to the votes."""
    result: Floats = model_weight * (
        np.log(np.maximum(pred_probs, 1e-6)) - np.log(np.maximum(pred_probs.mean(axis=0), 1e-6))
    )
    return result


def _models(k: int, seed: int) -> dict[str, Model]:
    """Every model that `auto` weighs: from one number per annotator to a matrix each, and from k item types up.

    Each comes with a prior of the labels that can move, and one that cannot run away.
    """
    models: dict[str, Model] = {
        "one accuracy per annotator": _hierarchical(np.inf, "held"),
        "one accuracy per annotator, errors even": ability_models.symmetric_one_coin,
    }
    for prior in ("held", "even"):
        models[f"MACE: knowledge or a guess per annotator{_PRIORS[prior]}"] = _mace(prior)
        models[f"a confusion matrix per annotator, none borrowed{_PRIORS[prior]}"] = _independent(prior)
        for strength in (3, 10, 30):
            name = f"a confusion matrix per annotator (prior of {strength} votes){_PRIORS[prior]}"
            models[name] = _hierarchical(strength, prior)
    for extra in (0, 1, 2, 3, 4, 6):
        models[f"{k + extra} item types"] = _types(extra, seed)
    return models


_PRIORS = {"held": "", "even": ", labels even beforehand"}


def _hierarchical(strength: float, prior: str = "learnt") -> Model:
    return lambda votes, log_odds: annotator_models.hierarchical(votes, log_odds, strength=strength, prior=prior)


def _independent(prior: str) -> Model:
    return lambda votes, log_odds: annotator_models.independent(votes, log_odds, prior=prior)


def _mace(prior: str) -> Model:
    return lambda votes, log_odds: ability_models.mace(votes, log_odds, prior=prior)


def _types(extra: int, seed: int) -> Model:
    return lambda votes, log_odds: annotator_models.item_types(votes, log_odds, extra=extra, seed=seed)


def _evidence_items(votes: CodedVotes, least: int, seed: int) -> NDArray[np.int64]:
    """At most HELD_OUT_ITEMS items with `least` votes or more."""
    able = np.flatnonzero(votes.counts.sum(axis=1) >= least)
    if able.size <= HELD_OUT_ITEMS:
        return able
    return np.sort(np.random.default_rng(seed).choice(able, HELD_OUT_ITEMS, replace=False))


def _held_out(votes: CodedVotes, model: Model, log_odds: Floats | None, seed: int) -> Floats | None:
    """Log probability (v,) of each vote from a fit that did not see it; None where the model cannot be fitted."""
    fold = np.random.default_rng(seed).permutation(votes.item.size) % FOLDS
    found = np.empty(votes.item.size)
    for held in range(FOLDS):
        fitted = model(votes.only(fold != held), log_odds)
        if fitted is None:
            return None
        found[fold == held] = np.log(np.maximum(fitted.predict(votes.only(fold == held)), 1e-6))
    return found


def _weights(votes: CodedVotes, models: Mapping[str, Model], log_odds: Floats | None, seed: int) -> dict[str, float]:
    scored = {name: _held_out(votes, model, log_odds, seed) for name, model in models.items()}
    found = {name: one for name, one in scored.items() if one is not None}
    weights = evidence_weights(sums_by_item(votes, np.stack(list(found.values()))), seed)
    kept = {name: float(weight) for name, weight in zip(found, weights, strict=True) if weight > 0.01}
    return {name: weight / sum(kept.values()) for name, weight in kept.items()}


def _fit_model_weight(votes: CodedVotes, pred_probs: Floats, seed: int) -> float:
    """Weight of the classifier's probabilities, chosen by the likelihood of held-out votes."""
    held = [_held_out(votes, _hierarchical(10), label_log_odds(pred_probs, share), seed) for share in LOG_ODDS_WEIGHTS]
    return LOG_ODDS_WEIGHTS[int(np.argmax([-np.inf if found is None else found.sum() for found in held]))]


def _reason(weights: Mapping[str, float], n: int, with_model: bool, model_weight: float) -> str:
    ranked = sorted(weights.items(), key=lambda pair: -pair[1])
    described = "; ".join(f"{name} ({weight:.0%})" for name, weight in ranked[:3])
    rest = f"; {len(ranked) - 3} more" if len(ranked) > 3 else ""
    model = f" The model's probabilities count with weight {model_weight:g}." if with_model else ""
    return f"Weighted by the likelihood of {n} held-out votes: {described}{rest}.{model}"
