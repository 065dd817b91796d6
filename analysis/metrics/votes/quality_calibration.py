"""Calibrate the stated quality of resolutions from the votes alone, by two temperatures.

Annotator models are sure of more than they know, for two reasons, and each has its temperature (a power of the
posterior, Guo et al. 2017), never below 1:

- Votes on an item are less independent than a model takes them to be, since items differ in difficulty. The posterior
  that predicts held-out votes best is flatter than the model's own: `dependence`. Few votes cannot tell which
  temperature is best, so posteriors are averaged over all of them by that evidence, as the models are.
- Annotators' errors are estimated from the same votes. Votes that are simulated from the fitted models are resolved
  anew, and the posterior with the lowest Brier score against their known labels is flatter: `estimation` (a parametric
  bootstrap, Efron and Tibshirani 1993).

An error that most annotators share leaves no trace in votes, so no temperature can know of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.metrics.votes.annotator_models import CodedVotes, Fit, Floats
from analysis.metrics.votes.evidence_weights import evidence_weights, sums_by_item

Model = Callable[[CodedVotes, Floats | None], Fit | None]

DEPENDENCE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
ESTIMATION = (1.0, 1.2, 1.5)  # more is mostly the dependence again, which simulated votes inherit
FOLDS = 5
SIMULATIONS = 4
SLIP = 0.01  # of votes that nothing explains, so that one impossible vote does not decide
LEAST, LEAST_WEIGHT = 1e-9, 0.01


class Temperatures(NamedTuple):
    """Weights of the temperatures DEPENDENCE, and the temperature of estimation. 1: as stated; above: flatter."""

    dependence: tuple[float, ...] = (1.0,)
    estimation: float = 1.0

    @property
    def mean_dependence(self) -> float:
        return float(np.dot(self.dependence, DEPENDENCE[: len(self.dependence)]))


def fit_temperatures(
    votes: CodedVotes, models: Mapping[str, Model], weights: Mapping[str, float], log_odds: Floats | None, seed: int
) -> Temperatures:
    """The temperatures of the average of `models` by `weights` on these votes; no truth is needed."""
    predicted = np.stack(_held_out_predictions(votes, models, weights, log_odds, seed))
    reached = np.log(np.maximum((1 - SLIP) * predicted + SLIP / votes.k, LEAST))
    share = evidence_weights(sums_by_item(votes, reached), seed)
    share = np.where(share < LEAST_WEIGHT, 0.0, share)
    dependence = tuple((share / share.sum()).tolist())
    posterior, label = _simulated(votes, models, weights, log_odds, dependence, seed)
    if not label.size:
        return Temperatures(dependence)
    known = np.eye(votes.k)[label]
    brier = [float(((tempered(posterior, t) - known) ** 2).mean()) for t in ESTIMATION]
    return Temperatures(dependence, _best(ESTIMATION, [-loss for loss in brier]))


def calibrated(fits: Mapping[str, Fit], weights: Mapping[str, float], at: Temperatures) -> Floats:
    """The average posterior (items, k) of the fits with these temperatures."""
    of_models = [weights[name] for name in fits]
    flat = [
        weight * np.average([_posterior(fit, temperature) for fit in fits.values()], axis=0, weights=of_models)
        for temperature, weight in zip(DEPENDENCE, at.dependence, strict=False)
        if weight
    ]
    return tempered(np.sum(flat, axis=0), at.estimation)


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """Rows (n, k) to the power of 1 / temperature, summing to 1 again; the order within a row stays."""
    if temperature == 1:
        return probabilities
    powered = np.maximum(probabilities, 1e-300) ** (1 / temperature)
    result: Floats = powered / powered.sum(axis=1, keepdims=True)
    return result


def _posterior(fit: Fit, temperature: float) -> Floats:
    latent = tempered(fit.latent, temperature)
    return latent if fit.type_labels is None else latent @ fit.type_labels


def _fitted(
    votes: CodedVotes, models: Mapping[str, Model], weights: Mapping[str, float], log_odds: Floats | None
) -> dict[str, Fit]:
    found = {name: models[name](votes, log_odds) for name in weights}
    return {name: fit for name, fit in found.items() if fit is not None}


def _held_out_predictions(
    votes: CodedVotes, models: Mapping[str, Model], weights: Mapping[str, float], log_odds: Floats | None, seed: int
) -> list[Floats]:
    """For each temperature the probability (v,) of each vote from fits that did not see it."""
    fold = np.random.default_rng(seed).permutation(votes.item.size) % FOLDS
    found = [np.zeros(votes.item.size) for _ in DEPENDENCE]
    for held in range(FOLDS):
        unseen = votes.only(fold == held)
        for name, fit in _fitted(votes.only(fold != held), models, weights, log_odds).items():
            chance = fit.chance(unseen.annotator, unseen.label)
            for predicted, temperature in zip(found, DEPENDENCE, strict=True):
                expected = (tempered(fit.latent, temperature)[unseen.item] * chance).sum(axis=1)
                predicted[fold == held] += weights[name] * expected
    return found


def _simulated(
    votes: CodedVotes,
    models: Mapping[str, Model],
    weights: Mapping[str, float],
    log_odds: Floats | None,
    dependence: tuple[float, ...],
    seed: int,
) -> tuple[Floats, NDArray[np.int64]]:
    """Posteriors (n, k) of simulated votes by the same annotators on the same items, and the labels (n,) behind."""
    rng = np.random.default_rng(seed)
    fits = _fitted(votes, models, weights, log_odds)
    names = sorted(fits)
    share = np.array([weights[name] for name in names])
    posteriors, labels = [np.empty((0, votes.k))], [np.empty(0, dtype=np.int64)]
    for _ in range(SIMULATIONS):
        fit = fits[names[int(rng.choice(len(names), p=share / share.sum()))]]
        drawn, label = _draw(votes, fit, float(rng.choice(DEPENDENCE, p=dependence)), rng)
        again = _fitted(drawn, models, weights, log_odds)
        if again:
            posteriors.append(calibrated(again, weights, Temperatures()))
            labels.append(label)
    return np.concatenate(posteriors), np.concatenate(labels)


def _draw(
    votes: CodedVotes, fit: Fit, dependence: float, rng: np.random.Generator
) -> tuple[CodedVotes, NDArray[np.int64]]:
    """Labels of the items from the fit's posterior, and votes from its annotators."""
    kind = _categories(tempered(fit.latent, dependence), rng)
    label = kind if fit.type_labels is None else _categories(fit.type_labels[kind], rng)
    rows, of_vote = np.arange(votes.item.size), kind[votes.item]
    chances = [fit.chance(votes.annotator, np.full(rows.size, code))[rows, of_vote] for code in range(votes.k)]
    cast = _categories(np.column_stack(chances), rng)
    return CodedVotes(votes.item, votes.annotator, cast, votes.items, votes.annotators, votes.k), label


def _categories(chances: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    """One category (n,) for each row of chances (n, k), which need not sum to 1."""
    below = np.cumsum(chances, axis=1)
    drawn = (rng.random((len(below), 1)) * below[:, -1:] > below).sum(axis=1)
    return np.asarray(np.minimum(drawn, chances.shape[1] - 1), dtype=np.int64)


def _best(temperatures: Sequence[float], reached: Sequence[float]) -> float:
    """The temperature with the highest score; the lower of two equal ones."""
    return temperatures[int(np.argmax(reached))]
