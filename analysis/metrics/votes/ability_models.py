"""Annotator models with one ability each: one-coin, GLAD and MACE."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from analysis.metrics.votes.annotator_models import (
    ROUNDS,
    TOLERANCE,
    CodedVotes,
    Fit,
    Floats,
    Ints,
    LogOdds,
    log_prior,
    normalised,
    soft_start,
    with_log_odds,
)

EARLIER = 4  # pseudo-votes of each annotator, drawn from all annotators pooled


def symmetric_one_coin(votes: CodedVotes, log_odds: LogOdds = None) -> Fit:
    """One accuracy per annotator; errors, and labels beforehand, are evenly spread (as GLAD without difficulty)."""
    posterior, last = soft_start(votes, log_odds), -np.inf
    given = np.bincount(votes.annotator, minlength=votes.annotators)
    for _ in range(ROUNDS):
        hits = np.bincount(votes.annotator, posterior[votes.item, votes.label], votes.annotators)
        right = np.clip((hits + EARLIER * hits.sum() / given.sum()) / (given + EARLIER), 0.001, 0.999)
        wrong = np.log((1 - right) / max(votes.k - 1, 1))
        posterior, reached = _even_posterior(votes, (np.log(right) - wrong)[votes.annotator], log_odds)
        reached += wrong[votes.annotator].sum()
        if abs(reached - last) < TOLERANCE * abs(reached):
            break
        last = reached
    return Fit(posterior, posterior, lambda annotator, label: _even_errors(right, annotator, label, votes.k))


def mace(votes: CodedVotes, log_odds: LogOdds = None, *, prior: str = "learnt") -> Fit:
    """Each annotator either knows the label, with one probability, or guesses from their own distribution of labels.

    Separates annotators who look from those who always give the same answer. Source: Hovy et al. 2013 (MACE), here with
    priors that shrink everyone to the pooled votes by EARLIER pseudo-votes.
    """
    posterior, last = soft_start(votes, log_odds), -np.inf
    knows, guess = np.full(votes.annotators, 0.5), np.tile(votes.counts.mean(axis=0), (votes.annotators, 1))
    guess = (guess + 1e-3) / (guess + 1e-3).sum(axis=1, keepdims=True)
    for _ in range(ROUNDS):
        knows, guess = _known(votes, posterior, knows, guess)
        log_cells = np.log(_chance(knows, guess, votes.pair_annotator, votes.pair_label))
        base = log_prior(votes, posterior, prior) + with_log_odds(votes, log_odds)
        posterior, reached = normalised(votes.by_item @ log_cells + base)
        if abs(reached - last) < TOLERANCE * abs(reached):
            break
        last = reached
    return Fit(posterior, posterior, lambda annotator, label: _chance(knows, guess, annotator, label))


def glad(votes: CodedVotes, log_odds: LogOdds = None) -> Fit:
    """Annotators have an ability and items a difficulty, errors fall evenly (Whitehill et al. 2009).

    MAP by EM under that paper's priors; labels are equally likely beforehand, as there.
    """
    posterior, last = soft_start(votes, log_odds), -np.inf
    ability, ease = np.ones(votes.annotators), np.zeros(votes.items)
    for _ in range(ROUNDS):
        ability, ease = _abilities(votes, posterior, ability, ease)
        strength = ability[votes.annotator] * np.exp(ease[votes.item])
        gain = log_expit(strength) - log_expit(-strength) + np.log(max(votes.k - 1, 1))
        posterior, reached = _even_posterior(votes, gain, log_odds)
        if abs(reached - last) < 1e-5 * abs(reached):
            break
        last = reached
    return Fit(posterior, posterior, lambda annotator, label: _even_errors(expit(ability), annotator, label, votes.k))


def _known(votes: CodedVotes, posterior: Floats, knows: Floats, guess: Floats) -> tuple[Floats, Floats]:
    """Probability (annotators,) of knowing and distributions of guesses (annotators, k): the M step."""
    who, label = votes.pair_annotator, votes.pair_label
    cells = votes.by_pair @ posterior
    due = knows[who] / (knows[who] + (1 - knows[who]) * guess[who, label])
    known = cells[np.arange(who.size), label] * due
    given = np.bincount(votes.annotator, minlength=votes.annotators)
    shares = (np.bincount(who, known, votes.annotators) + EARLIER * known.sum() / given.sum()) / (given + EARLIER)
    guessed = np.zeros(guess.shape)
    guessed[who, label] = cells.sum(axis=1) - known
    pooled = guessed.sum(axis=0) + 1
    guessed += EARLIER * pooled / pooled.sum()
    return np.clip(shares, 0.001, 0.999), guessed / guessed.sum(axis=1, keepdims=True)


def _chance(knows: Floats, guess: Floats, annotator: Ints, label: Ints) -> Floats:
    guessed = (1 - knows[annotator]) * guess[annotator, label]
    return guessed[:, None] + knows[annotator][:, None] * np.eye(guess.shape[1])[label]


def _even_posterior(votes: CodedVotes, gain: Floats, log_odds: LogOdds) -> tuple[Floats, float]:
    """Posterior and log likelihood where each vote adds its `gain` (v,) to the label it is for."""
    flat = np.bincount(votes.item * votes.k + votes.label, weights=gain, minlength=votes.items * votes.k)
    return normalised(flat.reshape(votes.items, votes.k) + with_log_odds(votes, log_odds))


def _even_errors(right: Floats, annotator: Ints, label: Ints, k: int) -> Floats:
    wrong = (1 - right[annotator])[:, None] / max(k - 1, 1)
    return np.where(np.eye(k, dtype=bool)[label], right[annotator][:, None], wrong)


def _abilities(votes: CodedVotes, posterior: Floats, ability: Floats, ease: Floats) -> tuple[Floats, Floats]:
    hit = posterior[votes.item, votes.label]

    def loss(point: Floats) -> tuple[float, Floats]:
        a, e = point[: votes.annotators], point[votes.annotators :]
        scale = np.exp(np.clip(e, -5, 5))[votes.item]
        strength = a[votes.annotator] * scale
        miss = expit(strength) - hit
        value = -(hit * log_expit(strength) + (1 - hit) * log_expit(-strength)).sum()
        value += ((a - 1) ** 2).sum() / 2 + (e**2).sum() / 2
        up = np.bincount(votes.annotator, weights=miss * scale, minlength=votes.annotators) + a - 1
        slope = np.bincount(votes.item, weights=miss * strength, minlength=votes.items) + e
        return value, np.concatenate([up, slope])

    start = np.concatenate([ability, ease])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 20}).x
    return found[: votes.annotators], np.clip(found[votes.annotators :], -5, 5)
