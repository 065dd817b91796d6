"""How often the gate is wrong: candidates of known quality, judged over and over on fresh audit labels.

    python -m benchmarks.gate [--times 4000] [--n 1000] [--seed 0]

One JSON line for each case. The champion is right in 90 % of the rows and 70 % of the candidate's errors are the
champion's too. An `even` audit asks every row with the same chance, an `uneven` one asks uncertain rows more often and
weighs them back; under `lopsided` the candidate moreover breaks rows that are rarely asked. `promoted` is the share of
verdicts for the candidate, with its simulation error; `by_points` is what "a higher figure wins" would have done.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retraining.learning.gate.decision import GateRule, GateVerdict, judge

CHAMPION_ERROR = 0.10
STREAM = 20  # rows of the stream for each label asked, in an uneven audit
AUDIT_SHARE = 0.3


@dataclass(frozen=True)
class Errors:
    """gain: how much more often the candidate is right; shared: share of its errors that the champion makes too."""

    gain: float
    shared: float = 0.7
    lopsided: bool = False

    @property
    def candidate(self) -> float:
        return CHAMPION_ERROR - self.gain

    @property
    def only_candidate(self) -> float:
        return (1 - self.shared) * self.candidate

    @property
    def only_champion(self) -> float:
        return CHAMPION_ERROR - self.shared * self.candidate


@dataclass(frozen=True)
class Audit:
    """Labels drawn: whether each side was right, shape (n,), and the chance with which the row was asked."""

    champion_wrong: NDArray[np.int64]
    candidate_wrong: NDArray[np.int64]
    chance: NDArray[np.float64]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    for gain, limit in ((0.0, "<= 0.05"), (0.02, ">= 0.75"), (-0.02, "<= 0.01")):
        _report(Errors(gain=gain), options, limit=limit)
    for gain in (0.0, 0.02, -0.02):
        _report(Errors(gain=gain), options, uneven=True)
    _report(Errors(gain=0.0, lopsided=True), options, uneven=True)
    for n in (50, 100, 300):
        _report(Errors(gain=0.0), options, n=n)


def share_promoted(errors: Errors, *, n: int, times: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    return float(np.mean([promoted(draw(rng, errors, n=n)) for _ in range(times)]))


def draw(rng: np.random.Generator, errors: Errors, *, n: int, uneven: bool = False) -> Audit:
    """Rows asked once: in an uneven audit more often where uncertainty is larger, and errors gather there."""
    rows = n * STREAM if uneven else n
    uncertainty = rng.beta(1, 4, rows) * 5 if uneven else np.ones(rows)  # mean 1
    flat = np.ones(rows) if errors.lopsided else uncertainty
    where = rng.random(rows)
    only_champion = where < errors.only_champion * uncertainty
    only_candidate = where > 1 - errors.only_candidate * flat
    both = rng.random(rows) < errors.shared * errors.candidate
    both &= ~only_champion & ~only_candidate
    chance = np.ones(rows)
    if uneven:
        chance = np.clip(
            n * (AUDIT_SHARE / rows + (1 - AUDIT_SHARE) * uncertainty**2 / (uncertainty**2).sum()), 0.0, 1.0
        )
    asked = rng.random(rows) < chance if uneven else slice(None)
    return Audit((only_champion | both)[asked].astype(int), (only_candidate | both)[asked].astype(int), chance[asked])


def verdict(audit: Audit) -> GateVerdict:
    truth = np.zeros(len(audit.chance), dtype=int)
    return judge(
        truth,
        audit.champion_wrong,
        audit.candidate_wrong,
        inclusion_probability=audit.chance,
        rule=GateRule(margin=0.01),
    )


def promoted(audit: Audit) -> bool:
    return verdict(audit).decision == "promote"


def _report(
    errors: Errors, options: argparse.Namespace, *, n: int | None = None, uneven: bool = False, limit: str = ""
) -> None:
    rng = np.random.default_rng(options.seed)
    started = time.perf_counter()
    n = n or options.n
    audits = [draw(rng, errors, n=n, uneven=uneven) for _ in range(options.times)]
    found = [verdict(audit) for audit in audits]
    share = float(np.mean([one.decision == "promote" for one in found]))
    ahead = [one.difference is not None and one.difference.value > 0 for one in found]
    line = {
        "benchmark": "gate",
        "points": round(100 * errors.gain, 6),
        "n": n,
        "audit": ("lopsided" if errors.lopsided else "uneven") if uneven else "even",
        "promoted": round(share, 4),
        "error": round(float(np.sqrt(share * (1 - share) / options.times)), 4),
        "by_points": round(float(np.mean(ahead)), 4),
        "reach": limit,
        "times": options.times,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(line), flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description="Error rates of the promotion gate.")
    parser.add_argument("--times", type=int, default=4000)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
