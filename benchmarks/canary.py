"""How often a canary that is no worse is rolled back, and how soon one whose override rate doubled is found.

    python -m benchmarks.canary [--times 1000] [--seed 0] [--only equal doubled ratio]

`equal`: both arms alike, a look every minute for a day (1,440 looks) at `a_minute` decisions a minute; all four rules
(overrides, errors of the audited tenth, slow answers, exceptions) are looked at, each at its part of alpha. `limit`: 0
is the hardest case, the others are the limits that a canary begins with. false_rollback: the share that any rule rolled
back, with its 95 % interval. `doubled`: the canary's override rate is twice the champion's; canary_decisions: the
median number of its decisions until that is found, looking after each; all_decisions: of both arms. `ratio`: the split
is 52 to 48 where 50 to 50 is planned: the median number of units until the sample ratio holds the canary, and how often
it does so within a day though the split is as planned.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import numpy as np
from scipy import stats

from analysis.metrics.monitoring.arms import log_bets, log_evidence, ratio_evidence
from analysis.metrics.monitoring.guardrails import ALPHA, LIMITS, RATIO_ALPHA, GuardrailRule
from validation.arrays import Bools, Floats, Ints

LOOKS = 1440
RATES = {
    GuardrailRule.OVERRIDES: 0.05,
    GuardrailRule.ERRORS: 0.1,
    GuardrailRule.SLOW: 0.05,
    GuardrailRule.EXCEPTIONS: 0.001,
}
AUDITED = 0.1
CHUNK = 50
Rng = np.random.Generator


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=["equal", "doubled", "ratio"])
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    parts = options.only or ["equal", "doubled", "ratio"]
    if "equal" in parts:
        for share, a_minute, limited in [(0.1, 10, False), (0.5, 10, False), (0.1, 100, False), (0.1, 10, True)]:
            equal(options.times, share, a_minute, limited=limited, rng=rng)
    if "doubled" in parts:
        for share in (0.1, 0.5):
            for rate in (0.05, 0.1, 0.2):
                doubled(options.times, share, rate, rng)
    if "ratio" in parts:
        ratio(options.times, rng)


def equal(times: int, share: float, a_minute: int, *, limited: bool, rng: Rng) -> None:
    stopped = 0
    for first in range(0, times, CHUNK):
        streams = min(CHUNK, times - first)
        any_rule = np.zeros(streams, dtype=bool)
        for rule, rate in RATES.items():
            rows = max(1, round(a_minute * (AUDITED if rule == GuardrailRule.ERRORS else 1)))
            null = LIMITS[rule] if limited else 0.0
            any_rule |= _ever_found(streams, share, rows, rate, null, rng)
        stopped += int(any_rule.sum())
    limits = stats.binomtest(stopped, times).proportion_ci(method="wilson")
    print_line(
        part="equal",
        share=share,
        a_minute=a_minute,
        limit="as it begins" if limited else 0,
        times=times,
        false_rollback=stopped / times,
        low=float(limits.low),
        high=float(limits.high),
    )


def _ever_found(streams: int, share: float, a_minute: int, rate: float, null: float, rng: Rng) -> Bools:
    units = a_minute * np.arange(1, LOOKS + 1)[:, None]
    canary = rng.binomial(a_minute, share, (LOOKS, streams))
    one, other = rng.binomial(canary, rate).cumsum(0), rng.binomial(a_minute - canary, rate).cumsum(0)
    return np.asarray((evidence(share, units, one, other, null) >= -np.log(ALPHA)).any(axis=0))


def evidence(share: float, units: Ints, one: Ints, other: Ints, null: float) -> Floats:
    return log_evidence(log_bets(np.full(one.shape, share), np.broadcast_to(units, one.shape), one, other, null))


def doubled(times: int, share: float, rate: float, rng: Rng) -> None:
    rows = int(4000 / share / (rate / 0.05))
    found, both = [], []
    for first in range(0, times, CHUNK):
        streams = min(CHUNK, times - first)
        canary = rng.random((rows, streams)) < share
        event = rng.random((rows, streams)) < np.where(canary, 2 * rate, rate)
        counts = [(event & side).cumsum(0) for side in (canary, ~canary)]
        units = np.arange(1, rows + 1)[:, None]
        crossed = evidence(share, units, counts[0], counts[1], LIMITS[GuardrailRule.OVERRIDES]) >= -np.log(ALPHA)
        at = np.where(crossed.any(axis=0), crossed.argmax(axis=0), rows - 1)
        found += canary.cumsum(0)[at, np.arange(streams)].tolist()
        both += (at + 1).tolist()
    print_line(
        part="doubled",
        share=share,
        rate=rate,
        times=times,
        canary_decisions=float(np.median(found)),
        all_decisions=float(np.median(both)),
        canary_decisions_90=float(np.quantile(found, 0.9)),
    )


def ratio(times: int, rng: Rng) -> None:
    rows, wanted = 40_000, -np.log(RATIO_ALPHA)
    units = np.arange(1, rows + 1)[:, None]
    for split in (0.5, 0.52):
        held: list[int] = []
        for first in range(0, times, CHUNK):
            canary = (rng.random((rows, min(CHUNK, times - first))) < split).cumsum(0)
            crossed = ratio_evidence(0.5, canary, units - canary) >= wanted
            held += np.where(crossed.any(axis=0), crossed.argmax(axis=0) + 1, 10**9).tolist()
        found = np.array(held)
        print_line(
            part="ratio",
            split=split,
            times=times,
            held_within=rows,
            held=float((found < 10**9).mean()),
            units=None if np.median(found) >= 10**9 else float(np.median(found)),
        )


def print_line(**figures: object) -> None:
    print(json.dumps({"benchmark": "canary", **figures}), flush=True)


if __name__ == "__main__":
    main()
