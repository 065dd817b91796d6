"""Rules from scores to labels and decisions: a threshold for each label, and a policy of bands of a score.

Where costs are known, the cheapest policy for calibrated probabilities follows from them: the cut between two actions
of Elkan 2001 ("The foundations of cost-sensitive learning"), with the option to ask a person of Chow 1970 ("On optimum
recognition error and reject tradeoff").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec
import numpy as np
from msgspec import Struct, field

from validation import InvalidInput
from validation.arrays import Floats, Ints

Decision = Literal["approve", "challenge", "review", "block"]
DECISIONS: tuple[str, ...] = get_args(Decision)
MOST_BANDS = 8


class ThresholdBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The least score, in [0, 1], from which a label is given. Labels that are not named have none."""

    thresholds: dict[str, float]


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """What is done from this score on, up to the start of the next band."""

    start: float = field(name="from")
    decision: Decision


class PolicyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Bands of a score, from 0 upwards. score_of: the label whose score it is; "" for the label that is answered."""

    score_of: str
    bands: tuple[Band, ...]


def load_thresholds(stored: Any) -> ThresholdBody:
    return msgspec.convert(stored, ThresholdBody)


def load_policy(stored: Any) -> PolicyBody:
    return msgspec.convert(stored, PolicyBody)


def valid_thresholds(thresholds: Mapping[str, float], labels: Sequence[str]) -> ThresholdBody:
    """Thresholds of labels that there are, in the order of the labels. Raises InvalidInput."""
    for name, value in thresholds.items():
        if name not in labels:
            raise InvalidInput(f"{name!r} is not one of the labels.")
        if not 0 <= value <= 1:
            raise InvalidInput(f"The threshold of {name} is {value:g}; it takes a number from 0 to 1.")
    return ThresholdBody({name: float(thresholds[name]) for name in labels if name in thresholds})


def valid_policy(score_of: str, bands: Sequence[tuple[float, str]], labels: Sequence[str]) -> PolicyBody:
    """Bands that begin at 0 and rise. Raises InvalidInput."""
    if score_of and score_of not in labels:
        raise InvalidInput(f"{score_of!r} is not one of the labels.")
    if not 1 <= len(bands) <= MOST_BANDS:
        raise InvalidInput(f"A policy takes 1 to {MOST_BANDS} bands.")
    for _, decision in bands:
        if decision not in DECISIONS:
            raise InvalidInput(f"{decision!r} is no decision; a band takes one of {', '.join(DECISIONS)}.")
    starts = [start for start, _ in bands]
    if starts[0] != 0 or not all(before < after <= 1 for before, after in zip(starts, starts[1:], strict=False)):
        raise InvalidInput("The first band begins at 0, and each one after it higher, up to 1.")
    return PolicyBody(score_of, tuple(Band(float(start), decision) for start, decision in bands))  # type: ignore[arg-type]


def chosen_labels(scores: Floats, labels: Sequence[str], rule: ThresholdBody | None) -> Ints:
    """(n,) codes of the labels that scores (n, k) lead to.

    Of the labels that reach their threshold the one with the largest score; where none does, the largest score among
    the labels without a threshold, or among all where each has one. Without a rule the largest score.
    """
    known = {labels.index(name): value for name, value in rule.thresholds.items() if name in labels} if rule else {}
    if not known:
        return np.asarray(scores.argmax(axis=1))
    least = np.full(len(labels), np.inf)
    least[list(known)] = list(known.values())
    reached = scores >= least
    free = np.isinf(least) if len(known) < len(labels) else np.ones(len(labels), dtype=bool)
    candidates = np.where(reached.any(axis=1, keepdims=True), reached, free)
    return np.asarray(np.where(candidates, scores, -1.0).argmax(axis=1))


def decisions(scores: Floats, codes: Ints, labels: Sequence[str], policy: PolicyBody) -> list[str] | None:
    """(n,) what is done with each of n answers `codes`; None where the policy's label is no label any more."""
    if policy.score_of and policy.score_of not in labels:
        return None
    columns = np.full(len(codes), labels.index(policy.score_of)) if policy.score_of else codes
    own = scores[np.arange(len(codes)), columns]
    places = np.searchsorted([band.start for band in policy.bands], own, side="right") - 1
    return [policy.bands[place].decision for place in np.maximum(places, 0).tolist()]


def cheapest_bands(false_positive: float, false_negative: float, review: float | None) -> list[tuple[float, str]]:
    """The bands of the positive label's calibrated probability p that cost the least.

    Approving costs p times `false_negative`, blocking 1 - p times `false_positive`, asking a person `review`.
    """
    both = false_positive + false_negative
    cut = false_positive / both if both else 1.0
    low = min(review / false_negative, 1.0) if review is not None and false_negative else cut
    high = max(1 - review / false_positive, 0.0) if review is not None and false_positive else cut
    if review is None or low >= high:
        return _from_zero([(0.0, "approve"), (cut, "block")])
    return _from_zero([(0.0, "approve"), (low, "review"), (high, "block")])


def _from_zero(bands: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Without bands that nothing falls into: those that end where they begin, and those from 1 on."""
    rounded = [(round(start, 4), decision) for start, decision in bands]
    kept = [one for one, after in zip(rounded, [*rounded[1:], (1.0001, "")], strict=True) if one[0] < after[0]]
    return [one for one in kept if one[0] < 1] or rounded[:1]
